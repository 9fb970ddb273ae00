// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/certificatetest"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// secured returns both ends of a connection that is encrypted, as gRPC's credentials make it.
func secured(t testing.TB, client, server net.Conn) (near, far net.Conn) {
	t.Helper()
	certificate, pool := certificatetest.New(t, "a.example")
	host := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13})
	shaken := make(chan error, 1)
	go func() { shaken <- host.HandshakeContext(t.Context()) }()
	creds := credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13})
	near, _, err := creds.ClientHandshake(t.Context(), "a.example", client)
	if err = errors.Join(err, <-shaken); err != nil {
		t.Fatal(err)
	}
	return near, host
}

// unknown is a socket of which nothing is known.
type unknown struct{ net.Conn }

// sockets are the kinds of them.
var sockets = map[string]func(t testing.TB, client, server net.Conn) (near, far net.Conn){
	"plain":   func(_ testing.TB, client, server net.Conn) (near, far net.Conn) { return client, server },
	"secure":  secured,
	"unknown": func(_ testing.TB, client, server net.Conn) (near, far net.Conn) { return unknown{client}, server },
}

// tight begins a connection whose sockets hold little, to a server that grants more than they do, and that reads nothing from now on.
func tight(t testing.TB, kind string) *world {
	t.Helper()
	const little = 32 << 10
	client, server := framestest.Pair(t)
	for _, socket := range []net.Conn{client, server} {
		tcp, ok := socket.(*net.TCPConn)
		if !ok {
			t.Fatalf("it is a %T", socket)
		}
		if err := errors.Join(tcp.SetReadBuffer(little), tcp.SetWriteBuffer(little)); err != nil {
			t.Fatal(err)
		}
	}
	near, far := sockets[kind](t, client, server)
	w := beginOn(t, plain(), near, far)
	w.greet(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
	w.Must(w.Framer.WriteWindowUpdate(0, 1<<30))
	w.works() // so it knows
	return w
}

// numbered is a long text of which no piece is like another.
var numbered = func() string {
	var b []byte
	for i := 0; len(b) < 512<<10; i++ {
		b = append(strconv.AppendInt(b, int64(i), 10), ' ')
	}
	return string(b)
}()

// sent reads up to the end of a stream, and returns the message that came, as far as it did, and whether it was taken back.
func (w *world) sent(stream uint32) (got []byte, reset bool) {
	w.Helper()
	for {
		f, err := w.Framer.ReadFrame()
		if err != nil {
			w.Fatalf("waiting for the end of stream %d: %v", stream, err)
		}
		if f.Header().StreamID != stream {
			continue
		}
		switch f := f.(type) {
		case *xhttp2.DataFrame:
			if got = append(got, f.Data()...); f.StreamEnded() {
				return got, false
			}
		case *xhttp2.RSTStreamFrame:
			return got, true
		}
	}
}

// A call ends when its time is up or it is taken back, whatever it waits for: a server that reads nothing holds nobody up who writes. When it reads
// again, all comes whole and in order.
func TestCallersDoNotWaitForServersThatReadNothing(t *testing.T) {
	t.Parallel()
	const soon = 50 * time.Millisecond
	for kind := range sockets {
		for name, end := range map[string]func(t *testing.T) (context.Context, context.CancelFunc, codes.Code){
			"time": func(t *testing.T) (context.Context, context.CancelFunc, codes.Code) {
				ctx, cancel := context.WithTimeout(t.Context(), soon)
				return ctx, cancel, codes.DeadlineExceeded
			},
			"cancel": func(t *testing.T) (context.Context, context.CancelFunc, codes.Code) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(soon, cancel)
				return ctx, cancel, codes.Canceled
			},
		} {
			t.Run(kind+"/a call/"+name, func(t *testing.T) {
				t.Parallel()
				w := tight(t, kind)
				ctx, cancel, want := end(t)
				defer cancel()
				const first = 3 // tight has made one
				w.start(ctx, numbered).fails(t, want)
				w.start(ctx, numbered).fails(t, want)
				next := w.start(t.Context(), numbered) // nothing ends this
				w.prefix(first)
				w.whole(next)
			})
			t.Run(kind+"/a message/"+name, func(t *testing.T) {
				t.Parallel()
				w := tight(t, kind)
				s, id := w.streaming()
				ctx, cancel, _ := end(t)
				defer cancel()
				m := message(numbered)
				if err := within(t, result(func() error { return s.Send(ctx, &m, true) })); !errors.Is(err, ctx.Err()) {
					t.Errorf("sending ends with %v", err)
				}
				if _, err := s.Recv(ctx); err == nil {
					t.Error("an answer has come")
				}
				next := w.start(t.Context(), numbered)
				w.prefix(id)
				w.whole(next)
			})
		}
	}
}

// Calls that are small do not wait either, whichever of them fills the sockets.
func TestSmallCallsDoNotWaitForServersThatReadNothing(t *testing.T) {
	t.Parallel()
	for kind := range sockets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := tight(t, kind)
			m := message(numbered[:4000])
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var calls []*http2.Stream
			var err error
			for err == nil {
				s := http2.NewStream(most, true)
				calls = append(calls, s)
				err = within(t, result(func() error { return w.conn.Open(ctx, s, request(), &m, true) }))
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call that has no room fails with %v", err)
			}
			for _, s := range calls {
				if s.Opened() {
					s.Cancel(status.New(codes.Canceled, "it was stopped"))
				}
			}
			for i, s := range calls {
				const first, step = 3, 2 // tight has made one
				if !s.Opened() {
					continue
				}
				if got, _ := w.sent(uint32(first + step*i)); !bytes.HasPrefix(framed(numbered[:4000]), got) { //nolint:gosec // few
					t.Errorf("%d bytes came of a message, or others", len(got))
				}
			}
			w.works()
		})
	}
}

// result is what a function returns, once it does.
func result(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// prefix reads a message that was taken back.
func (w *world) prefix(stream uint32) {
	w.Helper()
	got, reset := w.sent(stream)
	if !reset || len(got) == 0 || !bytes.HasPrefix(framed(numbered), got) {
		w.Errorf("%d bytes came of a message that is taken back: %v, or others", len(got), reset)
	}
}

// whole reads a message that was not, and answers it.
func (w *world) whole(c *call) {
	w.Helper()
	head := until[*xhttp2.MetaHeadersFrame](w)
	got, reset := w.sent(head.StreamID)
	if reset || !bytes.Equal(framed(numbered), got) {
		w.Errorf("%d bytes came of a message, or others: %v", len(got), reset)
	}
	w.answer(head.StreamID, "answer")
	c.ends(w, "answer")
	w.works()
}

// What many streams write at once to a server that reads slowly comes whole, and in order.
func TestManyWritersToServersThatReadSlowly(t *testing.T) {
	t.Parallel()
	for kind := range sockets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := tight(t, kind)
			const many = 8
			text := numbered[:100_000]
			var streams []*http2.Stream
			var ids []uint32
			for range many {
				s, id := w.streaming()
				streams, ids = append(streams, s), append(ids, id)
			}
			sends := make(chan error, many)
			for _, s := range streams {
				go func() {
					m := message(text)
					sends <- s.Send(t.Context(), &m, true)
				}()
			}
			got := map[uint32][]byte{}
			for ended := 0; ended < many; {
				f := until[*xhttp2.DataFrame](w)
				if got[f.StreamID] = append(got[f.StreamID], f.Data()...); f.StreamEnded() {
					ended++
				}
			}
			for _, id := range ids {
				if !bytes.Equal(got[id], framed(text)) {
					t.Errorf("%d bytes came of %d, or others", len(got[id]), len(framed(text)))
				}
			}
			for range many {
				if err := within(t, sends); err != nil {
					t.Error(err)
				}
			}
			for _, s := range streams {
				s.Cancel(status.New(codes.Canceled, "it was stopped"))
			}
		})
	}
}
