// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
)

// echo starts a server of gRPC's own that says what it hears.
func echo(tb testing.TB) string {
	tb.Helper()
	l := listen(tb)
	s := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		for {
			var m string
			if err := stream.RecvMsg(&m); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if err := stream.SendMsg(&m); err != nil {
				return err
			}
		}
	}))
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	tb.Cleanup(func() {
		s.Stop()
		serving.Wait()
	})
	return l.Addr().String()
}

var _ encoding.CodecV2 = (*counted)(nil)

// Streams on which one sends while another receives, and that are cancelled at any moment, each end once, with what is theirs, and leave nothing
// behind.
func TestCrowdOfStreams(t *testing.T) {
	t.Parallel()
	address := echo(t)
	c := openEngine(t, to(address, address))
	codec := &counted{}
	const streams, messages = 200, 20
	var crowd sync.WaitGroup
	var whole, cancelled, finished atomic.Int64
	for i := range streams {
		crowd.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 1 {
				defer time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, cancel).Stop()
			}
			s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(codec), grpc.WaitForReady(true),
				grpc.OnFinish(func(error) { finished.Add(1) }))
			if err != nil {
				if status.Code(err) != codes.Canceled {
					t.Errorf("stream %d: %v", i, err)
				}
				cancelled.Add(1)
				return
			}
			var sender sync.WaitGroup
			sender.Go(func() {
				for n := range messages {
					m := fmt.Sprintf("%d.%d ", i, n)
					if err := s.SendMsg(&m); err != nil {
						return // RecvMsg has the status
					}
				}
				if err := s.CloseSend(); err != nil {
					t.Errorf("stream %d: %v", i, err)
				}
			})
			defer sender.Wait()
			for n := 0; ; n++ {
				var m string
				err := s.RecvMsg(&m)
				switch {
				case errors.Is(err, io.EOF):
					if n != messages {
						t.Errorf("stream %d ended well after %d messages", i, n)
					}
					whole.Add(1)
					return
				case err != nil:
					if status.Code(err) != codes.Canceled || ctx.Err() == nil {
						t.Errorf("stream %d: %v", i, err)
					}
					cancelled.Add(1)
					return
				}
				if want := fmt.Sprintf("%d.%d ", i, n); len(m) < len(want) || m[:len(want)] != want {
					t.Errorf("stream %d has %.10q; it must be %q", i, m, want)
				}
			}
		})
	}
	crowd.Wait()
	if whole.Load() < streams/2 || whole.Load()+cancelled.Load() != streams || finished.Load() != streams {
		t.Errorf("%d streams ended well, %d were cancelled, %d told of their end", whole.Load(), cancelled.Load(), finished.Load())
	}
	if held := codec.held(); held != 0 {
		t.Errorf("%d messages are kept", held)
	}
	if n := c.script.untold(); n != 0 {
		t.Errorf("%d picks were not told of the end once", n)
	}
}

// Calls over two connections to a server that goes away again and again each end: well, or, if it went away before both attempts, as UNAVAILABLE
// (gRFC A6).
func TestCrowdWhileTheServerGoes(t *testing.T) {
	t.Parallel()
	const calls, workers, each = 1000, 8, 15
	type going struct {
		begun, ended int
		highest      uint32 // of what has begun
		last         uint32 // that is answered; 0 while all are
	}
	var mu sync.Mutex
	all := map[*conn]*going{}
	of := func(c *conn) *going {
		mu.Lock()
		defer mu.Unlock()
		if all[c] == nil {
			all[c] = &going{}
		}
		return all[c]
	}
	s := newServer(t, &server{
		begun: func(c *conn, r *request) {
			if g := of(c); g.last == 0 {
				g.begun++
				g.highest = r.id
			}
		},
		ended: func(c *conn, r *request) {
			g := of(c)
			if g.last != 0 && r.id > g.last {
				return // it was on its way
			}
			if g.ended++; g.ended == each {
				g.last = g.highest
				c.goAway(g.last, xhttp2.ErrCodeNo, "soon")
			}
			answering("one")(c, r.id)
			if g.last != 0 && g.ended == g.begun {
				c.closeLater()
			}
		},
	})
	c := openEngine(t, to(s.address, s.address))
	codec := &counted{}
	var crowd sync.WaitGroup
	var left, well, gone atomic.Int64
	left.Store(calls)
	for range workers {
		crowd.Go(func() {
			for left.Add(-1) >= 0 {
				k := &kinds[rand.IntN(len(kinds))]
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				o := k.do(ctx, c, grpc.ForceCodecV2(codec))
				cancel()
				switch {
				case o.Code == codes.OK && len(o.Messages) == 1:
					well.Add(1)
				case o.Code == codes.Unavailable:
					gone.Add(1)
					if o.Text != draining || len(o.Done) != 2 {
						t.Errorf("%s: %s, after %v", k.name, o.Text, o.Done)
					}
				default:
					t.Errorf("%s: %v %s %q", k.name, o.Code, o.Text, o.Messages)
				}
				if len(o.Finished) != 1 || o.Wrong != 0 {
					t.Errorf("%s: told of its end %q, %d wrong", k.name, o.Finished, o.Wrong)
				}
			}
		})
	}
	crowd.Wait()
	s.mu.Lock()
	accepted := s.accepted
	s.mu.Unlock()
	t.Logf("%d calls went well, %d found the server gone, over %d connections", well.Load(), gone.Load(), accepted)
	if well.Load() < calls*9/10 || accepted < calls/each/2 {
		t.Errorf("%d calls went well over %d connections", well.Load(), accepted)
	}
	if held := codec.held(); held != 0 {
		t.Errorf("%d messages are kept", held)
	}
	if n := c.script.untold(); n != 0 {
		t.Errorf("%d picks were not told of the end once", n)
	}
}
