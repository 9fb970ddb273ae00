// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// most is how large a message of an answer may be.
const most = 4 << 20

// world is a connection, and a server that speaks in frames.
type world struct {
	*framestest.Peer

	conn  *http2.Conn
	ready chan uint32
	left  chan leaving
	lefts atomic.Int64 // how often Left was called
}

// leaving is what Left was told.
type leaving struct {
	err   error
	tired bool
}

// plain are settings that a test may change.
func plain() http2.Config {
	return http2.Config{
		UserAgent: "test/1", MaxHeader: 8 << 10, StreamWindow: 64 << 10, ConnectionWindow: 128 << 10, PingInterval: time.Minute, PingTimeout: framestest.Patience,
	}
}

// open begins a connection and exchanges settings.
func open(t testing.TB, cfg http2.Config, settings ...xhttp2.Setting) *world {
	t.Helper()
	w := begin(t, cfg)
	w.greet(settings...)
	return w
}

// begin begins a connection. When the test ends, so does that, and Left must have been called exactly once.
func begin(t testing.TB, cfg http2.Config) *world {
	t.Helper()
	client, server := framestest.Pair(t)
	return beginOn(t, cfg, client, server)
}

func beginOn(t testing.TB, cfg http2.Config, client, server net.Conn) *world {
	t.Helper()
	w := &world{Peer: framestest.NewPeer(t, server), ready: make(chan uint32, 1), left: make(chan leaving, 10)}
	cfg.Ready = func(streams uint32) { w.ready <- streams }
	cfg.Left = func(err error, tired bool) {
		if w.lefts.Add(1) == 1 {
			w.left <- leaving{err, tired}
		}
	}
	w.conn = http2.New(client, &cfg)
	t.Cleanup(func() {
		w.conn.Close(errors.New("the test has ended"))
		<-w.conn.Done()
		_ = server.Close()
		framestest.Eventually(t, "Left was called", func() bool { return w.lefts.Load() > 0 })
		if n := w.lefts.Load(); n != 1 {
			t.Errorf("Left was called %d times", n)
		}
	})
	_ = server.SetDeadline(time.Now().Add(framestest.Patience))
	preface := make([]byte, len(xhttp2.ClientPreface))
	if _, err := io.ReadFull(server, preface); err != nil || string(preface) != xhttp2.ClientPreface {
		t.Fatalf("the preface is %q, %v", preface, err)
	}
	return w
}

// greet exchanges settings.
func (w *world) greet(settings ...xhttp2.Setting) {
	w.Helper()
	w.Must(w.Framer.WriteSettings(settings...))
	if s := until[*xhttp2.SettingsFrame](w); s.IsAck() {
		w.Fatal("the first settings are an acknowledgement")
	}
	w.acknowledged()
	select {
	case <-w.ready:
	case <-time.After(framestest.Patience):
		w.Fatal("it is not ready")
	}
}

func (w *world) acknowledged() {
	w.Helper()
	for !until[*xhttp2.SettingsFrame](w).IsAck() {
	}
}

// until reads frames up to one of a kind.
func until[F xhttp2.Frame](w *world) F {
	w.Helper()
	return framestest.Until[F](w.Peer)
}

// farewell reads until the server is told that the connection ends and why, and then its end.
func (w *world) farewell() (xhttp2.ErrCode, string) {
	w.Helper()
	for {
		f, err := w.Framer.ReadFrame()
		if err != nil {
			w.Fatalf("waiting for the end: %v", err)
		}
		if away, ok := f.(*xhttp2.GoAwayFrame); ok {
			code, text := away.ErrCode, string(away.DebugData())
			if f, err := w.Framer.ReadFrame(); err == nil {
				w.Errorf("%v follows GOAWAY", f)
			}
			return code, text
		}
	}
}

// gone waits until the connection has ended, and returns what Left was told.
func (w *world) gone() leaving {
	w.Helper()
	within(w, w.conn.Done())
	return w.leaves()
}

// leaves waits until the connection takes no more calls.
func (w *world) leaves() leaving {
	w.Helper()
	l := within(w, w.left)
	w.left <- l // for who asks again
	return l
}

// within waits for what must come.
func within[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(framestest.Patience):
		t.Fatal("not in time")
		panic("unreachable")
	}
}

// okay is the head of an answer, with more fields.
func (w *world) okay(more ...string) []byte {
	return w.Fields(append([]string{":status", "200", "content-type", "application/grpc"}, more...)...)
}

// data sends a piece of an answer.
func (w *world) data(stream uint32, end bool, b []byte) {
	w.Helper()
	w.Must(w.Framer.WriteData(stream, end, b))
}

// trailers end an answer.
func (w *world) trailers(stream uint32, more ...string) {
	w.Helper()
	w.Headers(stream, true, w.Fields(append([]string{"grpc-status", "0"}, more...)...))
}

// answer answers a call with messages.
func (w *world) answer(stream uint32, texts ...string) {
	w.Helper()
	w.Headers(stream, false, w.okay())
	for _, text := range texts {
		w.data(stream, false, framed(text))
	}
	w.trailers(stream)
}

// framed is a message on the wire.
func framed(text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...) //nolint:gosec // short
}

func message(text string) http2.Message {
	return http2.Message{Data: mem.BufferSlice{mem.SliceBuffer(text)}}
}

func taken(m http2.Message) string {
	defer m.Data.Free()
	return string(m.Data.Materialize())
}

// request is one, with more fields: pairs of names and values.
func request(pairs ...string) *http2.Request {
	r := &http2.Request{Path: "/a.Service/Method", Authority: "a.example", ContentType: "application/grpc"}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields = append(r.Fields, http2.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return r
}

// call is a unary one, which waits for its end.
type call struct {
	*http2.Stream

	id    uint32
	ended chan *status.Status
}

// start begins a call, and does not wait until the server sees it.
func (w *world) start(ctx context.Context, text string, pairs ...string) *call {
	c := &call{Stream: http2.NewStream(most, true), ended: make(chan *status.Status, 1)}
	go func() {
		m := message(text)
		err := w.conn.Open(ctx, c.Stream, request(pairs...), &m, true)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			c.ended <- c.Wait(ctx)
		case http2.ErrLeaving(err):
			c.ended <- status.New(codes.Aborted, err.Error())
		case ctx.Err() == nil:
			c.ended <- status.Convert(err)
		default:
			if c.Opened() {
				c.Cancel(status.FromContextError(err))
			}
			c.ended <- status.FromContextError(err)
		}
	}()
	return c
}

// unary begins a call, and waits until the server has seen its head.
func (w *world) unary(text string) *call {
	w.Helper()
	c := w.start(w.Context(), text)
	c.id = until[*xhttp2.MetaHeadersFrame](w).StreamID
	return c
}

// streaming begins a call whose messages come and go one by one, and waits until the server has seen its head.
func (w *world) streaming() (*http2.Stream, uint32) {
	w.Helper()
	s := http2.NewStream(most, false)
	w.Must(w.conn.Open(w.Context(), s, request(), nil, false))
	return s, until[*xhttp2.MetaHeadersFrame](w).StreamID
}

// ends says how a call ended that must have the one message in its answer.
func (c *call) ends(t testing.TB, want string) {
	t.Helper()
	st := within(t, c.ended)
	m, ok := c.Message()
	if st.Code() != codes.OK || !ok {
		t.Errorf("a call ends with %v, and a message: %v", st, ok)
		return
	}
	if got := taken(m); got != want {
		t.Errorf("a call is answered %.40q", got)
	}
}

// fails says how a call ended that must fail.
func (c *call) fails(t testing.TB, want codes.Code) *status.Status {
	t.Helper()
	st := within(t, c.ended)
	if st.Code() != want {
		t.Errorf("a call ends with %v, want %v", st, want)
	}
	return st
}

// works makes a call that must go well.
func (w *world) works() {
	w.Helper()
	c := w.unary("ping")
	w.answer(c.id, "pong")
	c.ends(w, "pong")
}

// received waits for the next message.
func received(t testing.TB, s *http2.Stream) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), framestest.Patience)
	defer cancel()
	m, err := s.Recv(ctx)
	if err != nil {
		return "", err
	}
	return taken(m), nil
}
