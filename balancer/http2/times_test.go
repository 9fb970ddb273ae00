// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// inMemory begins a connection whose time is that of a bubble; what nobody reads fills it at size bytes.
func inMemory(t *testing.T, cfg http2.Config, size int) *world {
	t.Helper()
	l := bufconn.Listen(size)
	accepted := make(chan net.Conn, 1)
	go func() {
		server, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- server
	}()
	client, err := l.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := <-accepted
	_ = l.Close()
	w := beginOn(t, cfg, client, server)
	w.Must(server.SetDeadline(time.Time{}))
	return w
}

// keeping are settings whose times are those of the tests below.
func keeping() http2.Config {
	cfg := plain()
	cfg.PingInterval, cfg.PingTimeout = time.Minute, 10*time.Second
	return cfg
}

// asks reads up to a PING of the client, and returns when that came.
func (w *world) asks() time.Time {
	w.Helper()
	for until[*xhttp2.PingFrame](w).IsAck() {
	}
	return time.Now()
}

// A server that has calls and is silent is asked whether it is there, once in each PingInterval; it is there as long as anything comes.
func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inMemory(t, keeping(), 64<<10)
		w.greet()
		began := time.Now()
		w.works()
		time.Sleep(10 * time.Minute) // nobody asks while there is no call
		one := w.unary("request")
		asked := w.asks()
		if after := asked.Sub(began); after < 10*time.Minute || after > 11*time.Minute {
			t.Errorf("it is asked after %v", after)
		}
		for i := range 20_000 { // for two weeks, more often than frames that bring nothing may come in a row
			w.Must(w.Framer.WritePing(true, [8]byte{}))
			next := w.asks()
			if after := next.Sub(asked); after < time.Minute || after > time.Minute+10*time.Second {
				t.Fatalf("%d: it is asked after %v", i, after)
			}
			asked = next
		}
		// Anything is a sign of life.
		w.Headers(one.id, false, w.okay())
		asked = w.asks()
		w.Must(w.Framer.WritePing(true, [8]byte{}))
		for range 10 {
			time.Sleep(50 * time.Second)
			w.data(one.id, false, framed("answer")[:1])
			w.Must(w.Framer.WriteRSTStream(one.id, xhttp2.ErrCodeCancel))
			one.fails(t, codes.Canceled)
			one = w.unary("request")
			w.Headers(one.id, false, w.okay())
		}
		began = time.Now()
		if after := w.asks().Sub(began); after < time.Minute || time.Since(asked) < 9*time.Minute {
			t.Errorf("it is asked after %v", after)
		}
		w.data(one.id, false, framed("answer"))
		w.trailers(one.id)
		one.ends(t, "answer")
		w.works()
	})
}

// A server that has calls and gives no sign of life is dead after PingInterval and PingTimeout, and so are its calls; whether it has greeted or not.
func TestDeadServers(t *testing.T) {
	t.Parallel()
	for name, greet := range map[string]func(*world){
		"that has greeted":       func(w *world) { w.greet() },
		"that has never greeted": func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := keeping()
				w := inMemory(t, cfg, 64<<10)
				greet(w)
				began := time.Now()
				one := w.start(t.Context(), "request")
				st := <-one.ended
				if after := time.Since(began); after < cfg.PingInterval || after > cfg.PingInterval+cfg.PingTimeout {
					t.Errorf("it is dead after %v", after)
				}
				if st.Code() != codes.Unavailable || !strings.Contains(st.Message(), "ping") || one.Unseen() {
					t.Errorf("a call ends with %v", st)
				}
				if l := w.gone(); l.tired || l.err == nil {
					t.Errorf("it leaves because of %v", l)
				}
			})
		})
	}
}

// A call whose time is up says so: by its context, and by a server that has noticed before.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inMemory(t, keeping(), 64<<10)
		w.greet()
		for _, wait := range []time.Duration{time.Second, time.Second - 1} {
			s := http2.NewStream(most, true)
			r := request()
			r.Timeout = time.Second
			m := message("request")
			w.Must(w.conn.Open(t.Context(), s, r, &m, true))
			f := until[*xhttp2.MetaHeadersFrame](w)
			if got := f.Fields[len(f.Fields)-1]; got.Name != "grpc-timeout" || got.Value != "1000000u" {
				t.Errorf("the time of a call is %v", got)
			}
			time.Sleep(wait)
			w.Must(w.Framer.WriteRSTStream(f.StreamID, xhttp2.ErrCodeCancel))
			want := codes.DeadlineExceeded
			if wait < time.Second {
				want = codes.Canceled
			}
			if st := s.Wait(t.Context()); st.Code() != want {
				t.Errorf("after %v a call ends with %v, want %v", wait, st, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		one := w.start(ctx, "request")
		one.fails(t, codes.DeadlineExceeded)
		if f := until[*xhttp2.RSTStreamFrame](w); f.ErrCode != xhttp2.ErrCodeCancel {
			t.Errorf("got %v", f)
		}
	})
}

// A server that takes nothing of what is sent holds nobody up who takes a call back, and what it has not taken does not keep a connection that is
// not wanted.
func TestServersThatReadNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inMemory(t, keeping(), 32<<10)
		w.greet(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
		w.Must(w.Framer.WriteWindowUpdate(0, 1<<30))
		waiting, _ := w.streaming()
		one, _ := w.streaming()
		go func() {
			m := message(framestest.Large)
			_ = one.Send(t.Context(), &m, false) // it waits for the socket
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		opened := 0
		const many = 5000
		for range many { // what is to be sent is not gathered without end
			ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
			c := w.start(ctx, "request")
			c.fails(t, codes.DeadlineExceeded)
			cancel()
			if c.Opened() {
				opened++
			}
		}
		if opened > 2000 {
			t.Errorf("%d of %d calls were begun", opened, many)
		}
		for name, call := range map[string]func() error{
			"a call": func() error { return (<-w.start(ctx, "request").ended).Err() },
			"a large call": func() error {
				return (<-w.start(ctx, framestest.Large).ended).Err()
			},
			"a stream that waits for an answer": func() error {
				_, err := waiting.Recv(ctx)
				return err
			},
		} {
			if err := call(); status.Code(err) != codes.DeadlineExceeded || time.Since(began) > time.Second {
				t.Errorf("after %v %s ends with %v", time.Since(began), name, err)
			}
		}
		one.Cancel(status.New(codes.Canceled, "no more"))
		late := w.start(t.Context(), "request")
		synctest.Wait() // it waits for room
		w.conn.Drain()
		synctest.Wait()
		if len(late.ended) == 0 {
			t.Error("a call waits for a connection that takes no more")
		}
		late.turnedAway(t)
		<-w.conn.Done()
		if after := time.Since(began); after > 3*time.Second {
			t.Errorf("it ends after %v", after)
		}
	})
}

// Whoever takes back the call whose data is being written does not wait for that either.
func TestWritesThatHang(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(context.Context, *http2.Stream) error{
		"Cancel": func(ctx context.Context, s *http2.Stream) error {
			<-ctx.Done()
			s.Cancel(status.FromContextError(ctx.Err()))
			_, err := s.Recv(context.WithoutCancel(ctx))
			return err
		},
		"Recv": func(ctx context.Context, s *http2.Stream) error {
			_, err := s.Recv(ctx)
			return err
		},
		"Header": func(ctx context.Context, s *http2.Stream) error {
			if s.Header(ctx) != nil {
				return errors.New("there is a head")
			}
			_, err := s.Recv(context.WithoutCancel(ctx))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := inMemory(t, keeping(), 8<<10)
				w.greet()
				s, _ := w.streaming()
				// As much is under way as there is room for.
				m := message(framestest.Large[:8<<10-9-5])
				w.Must(s.Send(t.Context(), &m, false))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				if err := ends(ctx, s); status.Code(err) != codes.DeadlineExceeded || time.Since(began) > time.Second {
					t.Errorf("after %v it ends with %v", time.Since(began), err)
				}
			})
		})
	}
}
