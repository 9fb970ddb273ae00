// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// turnedAway says how a call ended that must not have been sent, and may be elsewhere.
func (c *call) turnedAway(t testing.TB) {
	t.Helper()
	if st := within(t, c.ended); st.Code() != codes.Aborted || c.Opened() {
		t.Errorf("a call ends with %v", st)
	}
}

// parts reads until the client says goodbye, whose connection has nothing left.
func (w *world) parts() {
	w.Helper()
	if code, text := w.farewell(); code != xhttp2.ErrCodeNo {
		w.Errorf("it ends with %s %q", code, text)
	}
	w.gone()
}

// A server that goes says which calls it has seen: they go on, the others may be made elsewhere, and so must all that follow (RFC 9113 section 6.8).
func TestGoAway(t *testing.T) {
	t.Parallel()
	w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 3})
	one := w.unary("request")
	three, _ := w.streaming()
	five := w.unary("request")
	waiting := w.start(t.Context(), "request")
	w.Headers(3, false, w.okay())
	w.Must(w.Framer.WriteGoAway(3, xhttp2.ErrCodeNo, []byte("bye")))
	if st := five.fails(t, codes.Unavailable); !five.Unseen() || !strings.Contains(st.Message(), "draining") {
		t.Errorf("what was not seen ends with %v", st)
	}
	waiting.turnedAway(t)
	if l := w.leaves(); l.tired || !strings.Contains(l.err.Error(), `NO_ERROR "bye"`) {
		t.Errorf("it leaves because of %v", l)
	}
	w.start(t.Context(), "late").turnedAway(t)
	w.data(3, false, framed("answer"))
	if got, err := received(t, three); got != "answer" || err != nil {
		t.Errorf("received %q, %v", got, err)
	}
	m := message("more")
	if err := three.Send(t.Context(), &m, true); err != nil {
		t.Errorf("sending more: %v", err)
	}
	w.answer(1, "answer")
	one.ends(t, "answer")
	w.trailers(3)
	if _, err := received(t, three); !errors.Is(err, io.EOF) || one.Unseen() || three.Unseen() {
		t.Errorf("a stream ends with %v", err)
	}
	w.parts()
}

// That a server goes is told at once, whatever is behind that: here the header of a frame whose data does not come yet.
func TestGoAwayWithinAMessage(t *testing.T) {
	t.Parallel()
	w := open(t, plain())
	one := w.unary("request")
	text := framestest.Large[:10_000+16_384]
	w.Headers(1, false, w.okay())
	all := framed(text)
	w.data(1, false, all[:len(all)-16_384])
	w.Must(w.Framer.WritePing(false, [8]byte{1}))
	until[*xhttp2.PingFrame](w) // so that what follows is read at a time
	w.Raw(append([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0, 0x40, 0, 0, 0, 0, 0, 0, 1)...)
	w.leaves()
	w.Raw(all[len(all)-16_384:]...)
	w.trailers(1)
	one.ends(t, text)
	w.parts()
}

// A server may say goodbye twice: first that it goes, and then what it has seen.
func TestGoAwayTwice(t *testing.T) {
	t.Parallel()
	w := open(t, plain())
	one, three := w.unary("request"), w.unary("request")
	w.Must(w.Framer.WriteGoAway(1<<31-1, xhttp2.ErrCodeNo, nil))
	w.leaves()
	w.start(t.Context(), "late").turnedAway(t)
	w.Must(w.Framer.WriteGoAway(1, xhttp2.ErrCodeNo, nil))
	three.fails(t, codes.Unavailable)
	if !three.Unseen() {
		t.Error("what was not seen may have been")
	}
	w.answer(1, "answer")
	one.ends(t, "answer")
	w.parts()
}

// A server that goes without having calls is left at once, and one that has seen none of them, too. What it says of pings is noted.
func TestGoAwayOfNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		code xhttp2.ErrCode
		text string
		want bool
	}{
		{"for no reason", xhttp2.ErrCodeNo, "", false},
		{"too many pings", xhttp2.ErrCodeEnhanceYourCalm, "too_many_pings", true},
		{"too much of something else", xhttp2.ErrCodeEnhanceYourCalm, "too_many_calls", false},
		{"pings that are no matter", xhttp2.ErrCodeNo, "too_many_pings", false},
		{"a code that nobody knows", 0xfafafafa, strings.Repeat("x", 10<<10), false},
	} {
		for _, calls := range []int{0, 3} {
			w := open(t, plain())
			var all []*call
			for range calls {
				all = append(all, w.unary("request"))
			}
			w.Must(w.Framer.WriteGoAway(0, row.code, []byte(row.text)))
			for _, c := range all {
				if c.fails(t, codes.Unavailable); !c.Unseen() {
					t.Errorf("%s: a call may have been seen", row.name)
				}
			}
			if l := w.leaves(); l.tired != row.want || !strings.Contains(l.err.Error(), row.text) {
				t.Errorf("%s: it leaves because of %.100v", row.name, l)
			}
			w.parts()
		}
	}
}

// Who drains a connection ends it with its last call; whoever waits for a place is turned away.
func TestDrain(t *testing.T) {
	t.Parallel()
	t.Run("without calls", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		w.conn.Drain()
		w.conn.Drain()
		w.parts()
	})
	t.Run("before it is greeted", func(t *testing.T) {
		t.Parallel()
		w := begin(t, plain())
		w.conn.Drain()
		w.parts()
	})
	t.Run("with calls", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2})
		one := w.unary("request")
		three, _ := w.streaming()
		waiting := w.start(t.Context(), "request")
		w.conn.Drain()
		waiting.turnedAway(t)
		w.start(t.Context(), "late").turnedAway(t)
		m := message("more")
		w.Must(three.Send(t.Context(), &m, true))
		w.answer(1, "answer")
		one.ends(t, "answer")
		w.conn.Drain()
		w.answer(3, "answer")
		if got, err := received(t, three); got != "answer" || err != nil {
			t.Errorf("received %q, %v", got, err)
		}
		w.parts()
	})
	t.Run("with a call that is taken back", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		one, _ := w.streaming()
		w.conn.Drain()
		one.Cancel(status.New(codes.Canceled, "no more"))
		if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != 1 || f.ErrCode != xhttp2.ErrCodeCancel {
			t.Errorf("got %v", f)
		}
		w.parts()
	})
	t.Run("of a server that goes", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		one, three := w.unary("request"), w.unary("request")
		w.conn.Drain()
		w.Must(w.Framer.WriteGoAway(1, xhttp2.ErrCodeNo, nil))
		three.fails(t, codes.Unavailable)
		w.answer(1, "answer")
		one.ends(t, "answer")
		w.parts()
	})
}

// Who closes a connection ends its calls, with what it says.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err  error
		want codes.Code
	}{
		"a status": {status.Error(codes.Canceled, "closed"), codes.Canceled},
		"an error": {errors.New("closed"), codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 3})
			one := w.unary("request")
			three, _ := w.streaming()
			sending := w.start(t.Context(), framestest.Large+framestest.Large)
			until[*xhttp2.DataFrame](w)
			waiting := w.start(t.Context(), "request")
			w.conn.Close(row.err)
			w.conn.Close(errors.New("once more"))
			w.conn.Drain()
			if st := one.fails(t, row.want); st.Message() != "closed" {
				t.Errorf("a call ends with %v", st)
			}
			sending.fails(t, row.want)
			waiting.turnedAway(t)
			if _, err := received(t, three); status.Code(err) != row.want {
				t.Errorf("a stream ends with %v", err)
			}
			if three.Header(t.Context()) != nil || three.Trailer() != nil || three.Headed() || three.Answered() {
				t.Error("there is an answer")
			}
			if l := w.gone(); l.err == nil {
				t.Error("nobody says why it leaves")
			}
		})
	}
}

// A server that vanishes ends all calls: at once, where its end is noticed.
func TestServersThatVanish(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*world){
		"before an answer": func(*world) {},
		"in the middle of a frame": func(w *world) {
			w.Headers(1, false, w.okay())
			w.Raw(0, 0, 100, 0, 0, 0, 0, 0, 1, 'x')
		},
		"in the middle of a header of a frame": func(w *world) {
			w.Raw(0, 0, 100, 0)
		},
		"in the middle of a head": func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
		},
		"behind a head": func(w *world) { w.Headers(1, false, w.okay()) },
		"in the middle of a message": func(w *world) {
			w.Headers(1, false, w.okay())
			w.data(1, false, framed("answer")[:7])
		},
		"in the middle of a large message": func(w *world) {
			w.Headers(1, false, w.okay())
			w.Raw(append([]byte{0, 0x40, 0, 0, 0, 0, 0, 0, 1}, framed(framestest.Large)[:10_000]...)...)
		},
		"behind a message": func(w *world) {
			w.Headers(1, false, w.okay())
			w.data(1, false, framed("answer"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2})
			one := w.unary("request")
			three, _ := w.streaming()
			waiting := w.start(t.Context(), "request")
			before(w)
			_ = w.Socket.Close()
			one.fails(t, codes.Unavailable)
			waiting.turnedAway(t)
			if _, err := received(t, three); status.Code(err) != codes.Unavailable || one.Unseen() || three.Unseen() {
				t.Errorf("a stream ends with %v", err)
			}
			w.gone()
		})
	}
	t.Run("before it is greeted", func(t *testing.T) {
		t.Parallel()
		w := begin(t, plain())
		_ = w.Socket.Close()
		if l := w.gone(); status.Code(l.err) == codes.OK {
			t.Errorf("it leaves because of %v", l)
		}
	})
}

// Whoever takes a call back does not wait any more, whatever it waits for; the server is told; and others go on.
func TestCallsThatAreTakenBack(t *testing.T) {
	t.Parallel()
	t.Run("while waiting for a place", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1})
		one := w.unary("request")
		ctx, cancel := context.WithCancel(t.Context())
		waiting, next := w.start(ctx, "request"), w.start(t.Context(), "next")
		cancel()
		waiting.fails(t, codes.Canceled)
		if waiting.Opened() {
			t.Error("it was sent")
		}
		w.answer(one.id, "answer")
		one.ends(t, "answer")
		next.id = until[*xhttp2.MetaHeadersFrame](w).StreamID
		w.answer(next.id, "answer")
		next.ends(t, "answer")
		w.works()
	})
	for name, row := range map[string]struct {
		settings []xhttp2.Setting
		text     string
		before   func(w *world, id uint32)
	}{
		"while waiting for a window": {[]xhttp2.Setting{{ID: xhttp2.SettingInitialWindowSize, Val: 0}}, "request", func(*world, uint32) {}},
		"while waiting for the connection's window": {
			[]xhttp2.Setting{{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20}}, framestest.Large, func(*world, uint32) {},
		},
		"while waiting for the answer": {nil, "request", func(*world, uint32) {}},
		"while waiting for the rest of the answer": {nil, "request", func(w *world, id uint32) {
			w.Headers(id, false, w.okay())
			w.data(id, false, framed("answer")[:7])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(), row.settings...)
			ctx, cancel := context.WithCancel(t.Context())
			one := w.start(ctx, row.text)
			id := until[*xhttp2.MetaHeadersFrame](w).StreamID
			row.before(w, id)
			cancel()
			one.fails(t, codes.Canceled)
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != id || f.ErrCode != xhttp2.ErrCodeCancel {
				t.Errorf("got %v", f)
			}
			// What comes late of it is granted again.
			w.data(id, true, make([]byte, 10_000))
			w.Must(w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20}))
			w.Must(w.Framer.WriteWindowUpdate(0, 1<<20))
			w.acknowledged()
			w.works()
		})
	}
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		for name, wait := range map[string]func(context.Context, *http2.Stream) error{
			"receiving": func(ctx context.Context, s *http2.Stream) error {
				_, err := s.Recv(ctx)
				return err
			},
			"waiting for a head": func(ctx context.Context, s *http2.Stream) error {
				if s.Header(ctx) != nil {
					return errors.New("there is a head")
				}
				_, err := s.Recv(ctx)
				return err
			},
			"taken back by another goroutine": func(ctx context.Context, s *http2.Stream) error {
				context.AfterFunc(ctx, func() { s.Cancel(status.New(codes.Canceled, "no more")) })
				_, err := s.Recv(context.WithoutCancel(ctx))
				return err
			},
			"sending": func(ctx context.Context, s *http2.Stream) error {
				m := message(framestest.Large)
				if err := s.Send(ctx, &m, false); !errors.Is(err, context.Canceled) {
					return err
				}
				s.Cancel(status.FromContextError(ctx.Err()))
				if _, ok := s.Ended(); !ok {
					return errors.New("it goes on")
				}
				_, err := s.Recv(ctx)
				return err
			},
		} {
			s, id := w.streaming()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- wait(ctx, s) }()
			if name == "sending" {
				until[*xhttp2.DataFrame](w)
				w.Must(w.Framer.WriteWindowUpdate(0, 64<<10))
			}
			cancel()
			if err := within(t, ended); status.Code(err) != codes.Canceled {
				t.Errorf("%s: %v", name, err)
			}
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != id || f.ErrCode != xhttp2.ErrCodeCancel {
				t.Errorf("%s: got %v", name, f)
			}
			s.Cancel(status.New(codes.Canceled, "once more"))
			s.CloseSend()
		}
		w.works()
	})
}

// A server may answer before it has all of a request: the call ends well, and the rest is not sent (RFC 9113 section 8.1).
func TestEarlyAnswers(t *testing.T) {
	t.Parallel()
	t.Run("unary", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		one := w.unary(framestest.Large)
		w.answer(1, "answer")
		w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeNo))
		one.ends(t, "answer")
		if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != 1 || f.ErrCode != xhttp2.ErrCodeNo {
			t.Errorf("got %v", f)
		}
		w.Must(w.Framer.WriteWindowUpdate(0, 64<<10)) // it has the data that is on its way
		w.works()
	})
	t.Run("unary, while it waits for the connection's window", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(), xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
		one := w.unary(framestest.Large)
		w.Headers(1, true, w.okay("grpc-status", "7", "grpc-message", "not you"))
		w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeNo))
		if st := one.fails(t, codes.PermissionDenied); st.Message() != "not you" {
			t.Errorf("got %v", st)
		}
		w.Must(w.Framer.WriteWindowUpdate(0, 64<<10))
		w.works()
	})
	t.Run("streaming", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		s, id := w.streaming()
		sent := make(chan error, 1)
		go func() {
			m := message(framestest.Large)
			sent <- s.Send(t.Context(), &m, false)
		}()
		until[*xhttp2.DataFrame](w)
		w.answer(id, "answer")
		if err := within(t, sent); !errors.Is(err, io.EOF) {
			t.Errorf("sending ends with %v", err)
		}
		s.CloseSend() // harmless
		if got, err := received(t, s); got != "answer" || err != nil {
			t.Errorf("received %q, %v", got, err)
		}
		if _, err := received(t, s); !errors.Is(err, io.EOF) {
			t.Errorf("it ends with %v", err)
		}
		if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != id || f.ErrCode != xhttp2.ErrCodeNo {
			t.Errorf("got %v", f)
		}
		w.Must(w.Framer.WriteWindowUpdate(0, 64<<10))
		w.works()
	})
}
