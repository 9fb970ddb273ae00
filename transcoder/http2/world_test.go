// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/framestest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http2"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server of one connection, and a client that speaks in frames.
type world struct {
	*framestest.Peer

	conn    *http2.Conn
	running atomic.Int64 // handlers
	most    atomic.Int64 // of them at a time
	begun   atomic.Int64
	log     *bytes.Buffer
}

// settings are what a test changes of a plain configuration.
func plain(serve func(transcoder.Exchange)) http2.Config {
	return http2.Config{
		Listener: "test", MaxHeader: 8 << 10, MaxStreams: 10, StreamWindow: 64 << 10, ConnectionWindow: 128 << 10, HeaderTimeout: framestest.Patience,
		WriteStall: framestest.Patience, IdleTimeout: time.Minute, PingAfter: time.Minute, PingTimeout: framestest.Patience, Serve: serve,
		Limits: transcoder.Limits{MaxFields: 20},
	}
}

// open begins a connection and exchanges settings.
func open(t *testing.T, cfg http2.Config, settings ...xhttp2.Setting) *world {
	t.Helper()
	w := begin(t, cfg)
	if err := w.Framer.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	if s := until[*xhttp2.SettingsFrame](w); s.IsAck() {
		t.Fatal("the first settings are an acknowledgement")
	}
	for !until[*xhttp2.SettingsFrame](w).IsAck() {
	}
	return w
}

// begin begins a connection whose preface was read, as net/http hands it over.
func begin(t *testing.T, cfg http2.Config) *world {
	t.Helper()
	client, server := framestest.Pair(t)
	w := &world{Peer: framestest.NewPeer(t, client), log: &bytes.Buffer{}}
	serve := cfg.Serve
	cfg.Serve = func(ex transcoder.Exchange) {
		n := w.running.Add(1)
		for m := w.most.Load(); n > m && !w.most.CompareAndSwap(m, n); m = w.most.Load() {
		}
		w.begun.Add(1)
		defer w.running.Add(-1)
		serve(ex)
	}
	cfg.Log = slog.New(slog.NewTextHandler(w.log, nil))
	w.conn = http2.NewConn(server, &cfg, time.Hour)
	var served sync.WaitGroup
	served.Go(w.conn.Serve)
	t.Cleanup(func() {
		_ = client.Close()
		w.conn.Close()
		served.Wait()
	})
	_ = client.SetReadDeadline(time.Now().Add(framestest.Patience))
	return w
}

// serveOn serves a connection; what it returns is closed when that has ended.
func serveOn(t *testing.T, cfg http2.Config, server net.Conn) <-chan struct{} {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The client of x/net sends the preface, which net/http would have read.
		if _, err := io.ReadFull(server, make([]byte, len(xhttp2.ClientPreface))); err != nil {
			t.Error(err)
		}
		http2.NewConn(server, &cfg, time.Hour).Serve()
	}()
	return ended
}

// until reads frames up to one of a kind.
func until[F xhttp2.Frame](w *world) F {
	w.Helper()
	return framestest.Until[F](w.Peer)
}

// ends reads until the connection is told why it ends.
func (w *world) ends() (xhttp2.ErrCode, string) {
	w.Helper()
	for {
		f, err := w.Framer.ReadFrame()
		if err != nil {
			w.Fatalf("waiting for the end: %v", err)
		}
		if away, ok := f.(*xhttp2.GoAwayFrame); ok && away.ErrCode != xhttp2.ErrCodeNo {
			code, text := away.ErrCode, string(away.DebugData())
			if _, err := w.Framer.ReadFrame(); err == nil {
				w.Error("something follows GOAWAY")
			}
			return code, text
		}
	}
}

// get is the head of a plain request, with more fields.
func (w *world) get(more ...string) []byte {
	return w.Fields(append([]string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "/x"}, more...)...)
}

// ask begins a stream that is all of a request.
func (w *world) ask(stream uint32, block []byte) error {
	return w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: true, EndHeaders: true})
}

// answer is what a stream was answered.
type answer struct {
	status  string
	header  map[string]string
	trailer map[string]string
	body    string
	reset   xhttp2.ErrCode
	isReset bool
}

// answer reads the answer of a stream, granting what it takes.
func (w *world) answer(stream uint32) answer {
	w.Helper()
	a := answer{header: map[string]string{}, trailer: map[string]string{}}
	for {
		f, err := w.Framer.ReadFrame()
		if err != nil {
			w.Fatalf("waiting for an answer: %v", err)
		}
		if away, ok := f.(*xhttp2.GoAwayFrame); ok && away.ErrCode != xhttp2.ErrCodeNo {
			w.Fatalf("the connection ends: %s %q", away.ErrCode, away.DebugData())
		}
		if f.Header().StreamID != stream {
			continue
		}
		end := false
		switch f := f.(type) {
		case *xhttp2.MetaHeadersFrame:
			into := a.header
			if a.status != "" && a.status != "100" {
				into = a.trailer
			}
			for _, h := range f.Fields {
				into[h.Name] = h.Value
			}
			if s := f.PseudoValue("status"); s != "" {
				a.status = s
			}
			end = f.StreamEnded()
		case *xhttp2.DataFrame:
			a.body += string(f.Data())
			end = f.StreamEnded()
			if n := uint32(len(f.Data())); n > 0 { //nolint:gosec // a frame
				w.Must(w.Framer.WriteWindowUpdate(0, n))
				if !end {
					w.Must(w.Framer.WriteWindowUpdate(stream, n))
				}
			}
		case *xhttp2.RSTStreamFrame:
			a.reset, a.isReset, end = f.ErrCode, true, true
		}
		if end {
			return a
		}
	}
}

// ok answers with the body that came.
func echo(ex transcoder.Exchange) {
	var body mem.BufferSlice
	for {
		b, err := ex.Read()
		if b != nil {
			body = append(body, b)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			body.Free()
			_ = ex.Write(&transcoder.Out{Status: 400, End: transcoder.EndClean, Data: mem.BufferSlice{mem.SliceBuffer(err.Error())}})
			return
		}
	}
	r := ex.Request()
	header := wire.Header{{Name: "x-path", Value: r.Path}, {Name: "x-fields", Value: fmt.Sprint(len(r.Header))}}
	_ = ex.Write(&transcoder.Out{Status: 200, Header: header, Data: body, End: transcoder.EndClean})
}
