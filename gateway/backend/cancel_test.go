// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// resetListener counts, for each connection, the streams that its client resets.
type resetListener struct {
	net.Listener

	mu    sync.Mutex
	conns []*resetConn
}

func (l *resetListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	counted := &resetConn{Conn: c, skip: len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}
	l.conns = append(l.conns, counted)
	return counted, nil
}

// resets returns how many there were on each connection.
func (l *resetListener) resets() (all []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		all = append(all, c.resets.Load())
	}
	return all
}

type resetConn struct {
	net.Conn

	resets atomic.Int64
	skip   int // bytes until the next frame
	head   []byte
}

func (c *resetConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for rest := p[:max(n, 0)]; len(rest) > 0; {
		if c.skip > 0 {
			k := min(c.skip, len(rest))
			c.skip -= k
			rest = rest[k:]
			continue
		}
		c.head = append(c.head, rest[0])
		rest = rest[1:]
		if len(c.head) == 9 {
			if c.head[3] == 0x3 {
				c.resets.Add(1)
			}
			c.skip = int(c.head[0])<<16 + int(c.head[1])<<8 + int(c.head[2])
			c.head = c.head[:0]
		}
	}
	return n, err
}

// Threat H1: 2,000 calls that are given up after 3 ms harm nobody on the same connections: ten loops of calls beside them fail none,
// no connection is lost, and the streams that are reset on each connection are few.
func TestThreatH1CancelledCallsHarmNobody(t *testing.T) {
	t.Parallel()
	const calls, workers, loops = 2000, 50, 10
	for _, c := range []struct {
		name string
		hang func(release <-chan struct{}, s grpc.ServerStream)
	}{
		{"the backend ends them", func(_ <-chan struct{}, s grpc.ServerStream) { <-s.Context().Done() }},
		{"the backend goes on with them", func(release <-chan struct{}, _ grpc.ServerStream) { <-release }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			var listener *resetListener
			s := serverOn(t, func(l net.Listener) net.Listener {
				listener = &resetListener{Listener: l}
				return listener
			}, func(arrival int64, s grpc.ServerStream) error {
				if m, _ := grpc.MethodFromServerStream(s); m == charge().Path {
					drain(s)
					c.hang(release, s)
					return grpcstatus.FromContextError(s.Context().Err()).Err()
				}
				return echo(arrival, s)
			})
			b := open(t, backend.Config{}, s)
			eventually(t, "there are two connections", func() bool { return b.Channel().Endpoints()[0].Connections == 2 })
			since := b.Channel().Endpoints()[0].Since
			r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 1}})
			stop := make(chan struct{})
			var victims, attack sync.WaitGroup
			var served atomic.Int64
			for range loops {
				victims.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if _, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second); err != nil {
							t.Error(err)
						}
						served.Add(1)
					}
				})
			}
			began := time.Now()
			var refused, late atomic.Int64
			for range workers {
				attack.Go(func() {
					for range calls / workers {
						m := charge()
						call := transcoder.NewCall(t.Context(), &transcoder.Request{Method: "POST", Path: m.Path, Major: 2})
						call.Method, call.Client, call.Deadline = m, netip.MustParseAddr("10.0.0.66"), time.Now().Add(3*time.Millisecond)
						switch err := r.Forward(call, newClient("x")); grpcstatus.Code(err) {
						case codes.DeadlineExceeded:
						case codes.ResourceExhausted:
							refused.Add(1)
						default:
							t.Errorf("got %v", err)
						}
						if time.Since(call.Deadline) > 500*time.Millisecond {
							late.Add(1)
						}
					}
				})
			}
			attack.Wait()
			took := time.Since(began)
			most := int64(picker.ResetsBurst+workers) + int64(took.Seconds()*picker.ResetsPerSecond) + 1
			for i, n := range listener.resets() {
				if n > most {
					t.Errorf("connection %d: %d streams were reset in %v; want at most %d", i, n, took, most)
				}
			}
			if late.Load() > 0 && faults.Held() {
				t.Errorf("%d calls were answered long after their deadline", late.Load())
			}
			before := served.Load()
			eventually(t, "the loops go on", func() bool { return served.Load() > before+loops })
			close(stop)
			victims.Wait()
			t.Logf("%v: the loops had %d calls; %d of the others were refused, %d are parked; %d arrived; resets %v", took, served.Load(), refused.Load(), b.State().Parked, s.arrived.Load()-served.Load(), listener.resets())
			if e := b.Channel().Endpoints()[0]; !e.Since.Equal(since) || e.Connections < 2 {
				t.Errorf("a connection was lost: %+v", e)
			}
			close(release)
			eventually(t, "nothing is parked", func() bool { return b.State().Parked == 0 && b.State().InFlight == 0 })
		})
	}
}

// A client that cancels keeps its place until the backend has ended the call or it could be reset: it cannot have more calls there by
// cancelling them.
func TestThreatH1ACancelledCallKeepsItsPlace(t *testing.T) {
	t.Parallel()
	const places = 40
	for _, m := range []*transcoder.Method{charge(), streaming(false, true), streaming(true, true)} {
		t.Run(m.Kind(), func(t *testing.T) {
			t.Parallel()
			s, release := held(t)
			b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxPerClient: places}}, s)
			r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 1}})
			eventually(t, "a place is taken by a call that nobody waits for", func() bool {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var all [places]<-chan error
				began := s.arrived.Load()
				for i := range all {
					all[i] = start(ctx, r, m)
				}
				ended := func() (n int) {
					for _, e := range all {
						n += len(e)
					}
					return n
				}
				eventually(t, "the calls are there or refused", func() bool { return int(s.arrived.Load()-began)+ended() >= places })
				refused := ended() > 0
				cancel()
				for _, e := range all {
					if err := <-e; refusedAsOverloaded(err) != nil && grpcstatus.Code(err) != codes.Canceled {
						t.Errorf("a call ended with %v", err)
					}
				}
				return refused
			})
			release()
			eventually(t, "the places are free", func() bool {
				st := b.State()
				return st.InFlight+st.Streams == 0 && st.Parked == 0
			})
		})
	}
}

// While resets are few, calls of all kinds go on as always, also those that are tried again.
func TestThreatH1CallsGoOnWhileResetsAreFew(t *testing.T) {
	t.Parallel()
	var hang, fail atomic.Bool
	s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
		switch {
		case hang.Load():
			<-s.Context().Done()
			return s.Context().Err()
		case fail.CompareAndSwap(true, false):
			drain(s)
			return errDown
		}
		return collect(arrival, s)
	})
	b := open(t, backend.Config{}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Backoff: time.Millisecond, PerTryTimeout: 5 * time.Second}})
	exhaust := func() {
		hang.Store(true)
		defer hang.Store(false)
		for !b.Channel().ResetsLow() {
			ctx, cancel := context.WithCancel(t.Context())
			began := s.arrived.Load()
			var all []<-chan error
			for range picker.ResetsBurst {
				all = append(all, start(ctx, r, charge()))
			}
			eventually(t, "the calls are there", func() bool { return s.arrived.Load() == began+picker.ResetsBurst })
			cancel()
			for _, e := range all {
				<-e
			}
		}
	}
	for _, failing := range []bool{false, true} {
		for _, m := range []*transcoder.Method{get(), streaming(false, true), streaming(true, false), streaming(true, true)} {
			exhaust()
			fail.Store(failing)
			requests, want := []string{"a"}, "a"
			if m.ClientStreams {
				requests, want = []string{"a", "b"}, "a+b"
			}
			client := newClient(requests...)
			call, err := forward(t.Context(), r, m, client, 10*time.Second)
			if got := client.got(); err != nil || got != want || (call.Attempts == 2) != failing {
				t.Errorf("%s: got %q and %v after %d attempts; want %q", m.Kind(), got, err, call.Attempts, want)
			}
		}
	}
	eventually(t, "nothing is left", func() bool {
		st := b.State()
		return st.InFlight+st.Streams == 0 && st.Parked == 0 && st.Buffered == 0
	})
}
