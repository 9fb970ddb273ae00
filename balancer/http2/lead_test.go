// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// lone is a connection that nobody reads: it has had a call, which was alone.
func lone(t *testing.T) *world {
	t.Helper()
	w := inMemory(t, keeping(), 64<<10)
	w.greet()
	w.works()
	w.works() // the first was read by the connection, this one by itself
	synctest.Wait()
	return w
}

// A call that is alone reads its answer itself, and what else there is with it; another that comes meanwhile gets its own, by whoever reads then.
func TestLoneCallsRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reason string
		do     func(t *testing.T, w *world)
	}{
		{"one after the other", func(_ *testing.T, w *world) {
			for range 100 {
				w.works()
			}
		}},
		{"a second while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			other := w.unary("request")
			w.answer(one.id, "one")
			one.ends(t, "one")
			w.answer(other.id, "other")
			other.ends(t, "other")
		}},
		{"the second is answered first", func(t *testing.T, w *world) {
			one := w.unary("request")
			other := w.unary("request")
			w.answer(other.id, "other")
			other.ends(t, "other")
			w.answer(one.id, "one")
			one.ends(t, "one")
		}},
		{"a stream while it waits, and after it", func(t *testing.T, w *world) {
			one := w.unary("request")
			s, id := w.streaming()
			w.answer(one.id, "one")
			one.ends(t, "one")
			w.Headers(id, false, w.okay())
			w.data(id, false, framed("first"))
			if got, err := received(t, s); got != "first" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			w.data(id, false, framed("second"))
			if got, err := received(t, s); got != "second" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			w.trailers(id)
			w.works()
		}},
		{"it waits for long", func(t *testing.T, w *world) {
			one := w.unary("request")
			time.Sleep(time.Second)
			w.Headers(one.id, false, w.okay())
			time.Sleep(time.Second)
			w.data(one.id, false, framed("late")[:3])
			time.Sleep(time.Second)
			w.data(one.id, false, framed("late")[3:])
			w.trailers(one.id)
			one.ends(t, "late")
			w.works()
		}},
		{"half a frame comes", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.Raw(0, 0, 4, 8, 0) // of a WINDOW_UPDATE
			time.Sleep(time.Second)
			w.Raw(0, 0, 0, 0, 0, 0, 0)
			time.Sleep(time.Second)
			w.Raw(1)
			w.answer(one.id, "one")
			one.ends(t, "one")
		}},
		{"it is given up", func(t *testing.T, w *world) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			one := w.start(ctx, "request")
			id := until[*xhttp2.MetaHeadersFrame](w).StreamID
			one.fails(t, codes.DeadlineExceeded)
			if took := time.Since(began); took != time.Second {
				t.Errorf("it ends after %v", took)
			}
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != id {
				t.Errorf("%v", f)
			}
			w.works()
		}},
		{"the server goes while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.Must(w.Framer.WriteGoAway(one.id, xhttp2.ErrCodeNo, nil))
			w.leaves()
			w.answer(one.id, "one")
			one.ends(t, "one")
			w.parts()
		}},
		{"the server goes while nothing is called", func(t *testing.T, w *world) {
			began := time.Now()
			w.Must(w.Framer.WriteGoAway(0, xhttp2.ErrCodeNo, nil))
			w.leaves()
			if took := time.Since(began); took > 20*time.Millisecond {
				t.Errorf("it is noticed after %v", took)
			}
			w.parts()
		}},
		{"the connection breaks while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.Must(w.Socket.Close())
			one.fails(t, codes.Unavailable)
			w.gone()
		}},
		{"the connection breaks while nothing is called", func(t *testing.T, w *world) {
			began := time.Now()
			w.Must(w.Socket.Close())
			w.gone()
			if took := time.Since(began); took > 20*time.Millisecond {
				t.Errorf("it is noticed after %v", took)
			}
		}},
		{"it breaks the rules while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.Raw(0, 0, 0, 9, 4, 0, 0, 0, 1)
			if why, _ := w.farewell(); why != xhttp2.ErrCodeProtocol {
				t.Errorf("it is told %v", why)
			}
			one.fails(t, codes.Unavailable)
		}},
		{"it is closed while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.conn.Close(context.Canceled)
			one.fails(t, codes.Unavailable)
			w.gone()
		}},
		{"it is closed while nothing is called", func(_ *testing.T, w *world) {
			w.conn.Close(context.Canceled)
			w.gone()
		}},
		{"it is drained while it waits", func(t *testing.T, w *world) {
			one := w.unary("request")
			w.conn.Drain()
			w.answer(one.id, "one")
			one.ends(t, "one")
			w.parts()
		}},
		{"it sends more than there is room for", func(t *testing.T, w *world) {
			began := time.Now()
			s := http2.NewStream(most, true) // of a message that is larger than the window
			sent := make(chan error, 1)
			go func() {
				m := message(string(make([]byte, 100<<10)))
				sent <- w.conn.Open(t.Context(), s, request(), &m, true)
			}()
			id := until[*xhttp2.MetaHeadersFrame](w).StreamID
			for n := 0; n < 60<<10; {
				n += len(until[*xhttp2.DataFrame](w).Data())
			}
			w.Must(w.Framer.WriteWindowUpdate(id, 100<<10))
			w.Must(w.Framer.WriteWindowUpdate(0, 100<<10))
			w.Must(within(t, sent))
			if took := time.Since(began); took != 0 {
				t.Errorf("that there is room is noticed after %v", took)
			}
			w.answer(id, "one")
			if st := s.Wait(t.Context()); st.Code() != codes.OK {
				t.Error(st)
			}
		}},
	} {
		t.Run(row.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.do(t, lone(t)) })
		})
	}
}

// A connection that its server has closed takes no call, though nobody has read since the last one: calls are not sent where they cannot arrive.
func TestClosedConnectionsTakeNoCalls(t *testing.T) {
	t.Parallel()
	for range 50 {
		w := open(t, plain())
		w.works()
		w.works()
		w.Must(w.Socket.Close())
		one := http2.NewStream(most, true)
		m := message("request")
		if err := w.conn.Open(t.Context(), one, request(), &m, true); !http2.ErrLeaving(err) || one.Opened() {
			t.Fatalf("a call is sent: %v", err)
		}
		w.gone()
	}
}
