// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// endable is a context that a test ends.
type endable struct {
	context.Context //nolint:containedctx // it is one

	once sync.Once
	over chan struct{}
	err  error
}

func newEndable(ctx context.Context, err error) *endable {
	return &endable{Context: ctx, over: make(chan struct{}), err: err}
}

func (e *endable) Done() <-chan struct{} { return e.over }

func (e *endable) Err() error {
	select {
	case <-e.over:
		return e.err
	default:
		return nil
	}
}

func (e *endable) end() { e.once.Do(func() { close(e.over) }) }

var errPlain = errors.New("the balancer has no endpoint")

// What a picker says of a call becomes of it what gRPC's own channel makes of it, whether the call waits or not, and also when its context ends while
// it does.
func TestPickErrors(t *testing.T) {
	t.Parallel()
	errs := map[string]error{
		"no connection yet": grpcbalancer.ErrNoSubConnAvailable,
		"another error":     errPlain,
		"a status in it":    fmt.Errorf("dropped: %w", status.Error(codes.ResourceExhausted, "too much")),
		"no status":         fmt.Errorf("wrapped: %w", errPlain),
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		errs["status "+code.String()] = status.Error(code, "as the balancer says")
	}
	for name, err := range errs {
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			for _, wait := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, wait %t, %v", name, wait, ended), func(t *testing.T) {
					t.Parallel()
					for i := range kinds {
						var got [2]*outcome
						for j, side := range sides {
							ctx := newEndable(t.Context(), ended)
							set := to("127.0.0.1:1")
							set.dial = func(context.Context, string) (net.Conn, error) { return nil, errPlain }
							set.script = &script{stay: true, choose: func(*picker, grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
								if wait || err == grpcbalancer.ErrNoSubConnAvailable { //nolint:errorlint // it is itself
									ctx.end() // while the call waits, or before it would
								}
								return grpcbalancer.PickResult{}, err
							}}
							c := side.open(t, set)
							got[j] = kinds[i].do(ctx, c, grpc.WaitForReady(wait))
							ctx.end()
						}
						if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
							t.Errorf("%s: the engine differs (-grpc +engine):\n%s", kinds[i].name, diff)
						}
					}
				})
			}
		}
	}
}

// What a picker must not say ends a call, while gRPC's own channel would wait for another picker, or do it.
func TestPickersThatAreWrong(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(*conn, *request) { t.Error("a call was sent") }})
	for name, tt := range map[string]struct {
		result func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error)
		code   codes.Code
		text   string
	}{
		"a connection of another channel": {func(*picker, grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
			return grpcbalancer.PickResult{SubConn: strange{}}, nil
		}, codes.Unavailable, "the balancer chose a engine_test.strange; it must choose a connection of this channel"},
		"no connection": {func(*picker, grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
			return grpcbalancer.PickResult{}, nil
		}, codes.Unavailable, "the balancer chose a <nil>; it must choose a connection of this channel"},
		"metadata": {func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
			r, err := p.turn(info)
			r.Metadata = metadata.Pairs("a", "1")
			return r, err
		}, codes.Internal, "the balancer gives a call metadata, which this channel does not send"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := to(s.address)
			set.script = &script{choose: func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
				if len(p.ready) == 0 {
					return grpcbalancer.PickResult{}, grpcbalancer.ErrNoSubConnAvailable
				}
				return tt.result(p, info)
			}}
			c := openEngine(t, set)
			for i := range kinds {
				if o := kinds[i].do(t.Context(), c, grpc.WaitForReady(false)); o.Code != tt.code || o.Text != tt.text || o.Wrong != 0 {
					t.Errorf("%s: %v %q; it must be %v %q", kinds[i].name, o.Code, o.Text, tt.code, tt.text)
				}
			}
		})
	}
}

type strange struct{ grpcbalancer.SubConn }

// A call that waits is placed by the next picker that can.
func TestPickerReplaced(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	for _, first := range []error{grpcbalancer.ErrNoSubConnAvailable, errPlain} {
		for _, side := range sides {
			for i := range kinds {
				set := to(s.address)
				set.script = &script{}
				left := 2
				var refuse func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error)
				refuse = func(p *picker, _ grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
					if len(p.ready) == 0 {
						return grpcbalancer.PickResult{}, grpcbalancer.ErrNoSubConnAvailable
					}
					if left--; left > 0 {
						set.script.place(refuse)
					} else {
						set.script.place(nil)
					}
					return grpcbalancer.PickResult{}, first
				}
				set.script.choose = refuse
				c := side.open(t, set)
				if o := kinds[i].do(t.Context(), c); o.Code != codes.OK || o.Wrong != 0 {
					t.Errorf("%s: %s: %v %s", side.name, kinds[i].name, o.Code, o.Text)
				}
			}
		}
	}
}

// A call that waits outlives attempts to connect that fail; one that does not is told why.
func TestWaitForReady(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	for _, side := range sides {
		for i := range kinds {
			set := to(s.address)
			set.script = &script{stay: true}
			set.dial = func(context.Context, string) (net.Conn, error) { return nil, errPlain }
			c := side.open(t, set)
			until(t, "failing", func() bool {
				set.script.mu.Lock()
				defer set.script.mu.Unlock()
				return set.script.failure != nil
			})
			o := kinds[i].do(t.Context(), c, grpc.WaitForReady(false))
			if o.Code != codes.Unavailable || !strings.Contains(o.Text, errPlain.Error()) {
				t.Errorf("%s: %s: %v %s", side.name, kinds[i].name, o.Code, o.Text)
			}

			set = to(s.address)
			tries := 0
			dial := set.withDefaults().dial
			set.dial = func(ctx context.Context, address string) (net.Conn, error) {
				if tries++; tries < 4 {
					return nil, errPlain
				}
				return dial(ctx, address)
			}
			c = side.open(t, set)
			if o := kinds[i].do(t.Context(), c, grpc.WaitForReady(true)); o.Code != codes.OK {
				t.Errorf("%s: %s: %v %s", side.name, kinds[i].name, o.Code, o.Text)
			}
		}
	}
}

// A call whose context ends while it is with the server ends as in gRPC's own channel, and the server is told.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		for _, head := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, head %t", ended, head), func(t *testing.T) {
				t.Parallel()
				for i := range kinds {
					k := &kinds[i]
					if k.headFirst == head {
						continue
					}
					var got [2]*outcome
					for j, side := range sides {
						ctx := newEndable(t.Context(), ended)
						s := newServer(t, &server{ended: func(c *conn, r *request) { ctx.end() }})
						c := side.open(t, to(s.address))
						got[j] = k.do(ctx, c)
						until(t, "reset", func() bool {
							reset := false
							s.each(func(c *conn) {
								c.mu.Lock()
								defer c.mu.Unlock()
								reset = reset || len(c.resets) == 1
							})
							return reset
						})
						got[j].Peer = ""
						got[j].Finished = nil // gRPC tells it in a goroutine of its own
					}
					if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%s: the engine differs (-grpc +engine):\n%s", k.name, diff)
					}
				}
			})
		}
	}
}

// A call whose context has ended is not begun.
func TestContextHasEnded(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(*conn, *request) { t.Error("a call was sent") }})
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		for i := range kinds {
			var got [2]*outcome
			for j, side := range sides {
				ctx := newEndable(t.Context(), ended)
				ctx.end()
				got[j] = kinds[i].do(ctx, side.open(t, to(s.address)))
			}
			if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: the engine differs (-grpc +engine):\n%s", kinds[i].name, diff)
			}
		}
	}
}

// Calls that are under way when the channel is closed fail, as do those that come later.
func TestClose(t *testing.T) {
	t.Parallel()
	for i := range kinds {
		k := &kinds[i]
		if k.headFirst {
			continue // gRPC tells the caller CANCELED, and who waits for the end UNAVAILABLE
		}
		var under, after [2]*outcome
		var second [2]error
		for j, side := range sides {
			came := make(chan struct{}, 1)
			s := newServer(t, &server{ended: func(*conn, *request) { came <- struct{}{} }})
			c := side.open(t, to(s.address))
			var calls sync.WaitGroup
			calls.Go(func() { under[j] = k.do(t.Context(), c) })
			<-came
			if err := c.close(); err != nil {
				t.Fatal(err)
			}
			calls.Wait()
			after[j] = k.do(t.Context(), c)
			second[j] = c.close()
			under[j].Peer = ""
			if got := c.state(); got != connectivity.Shutdown {
				t.Errorf("%s: the channel is %v", side.name, got)
			}
		}
		if diff := cmp.Diff(under[1], under[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: calls under way differ (-grpc +engine):\n%s", k.name, diff)
		}
		if diff := cmp.Diff(after[1], after[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: calls that come later differ (-grpc +engine):\n%s", k.name, diff)
		}
		if status.Convert(second[0]).String() != status.Convert(second[1]).String() {
			t.Errorf("to close it again is %v; gRPC has %v", second[0], second[1])
		}
	}
}

// slow is a context that tells who waits for its end one by one.
type slow struct {
	*endable

	mu    sync.Mutex
	waits []func()
}

// AfterFunc is what package context asks such contexts for.
func (s *slow) AfterFunc(f func()) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = append(s.waits, f)
	return func() bool { return true }
}

// A call whose context has ended has, also if the context that was made of it for the stream hears of it later: it is not taken for one that went
// well.
func TestContextEndsLate(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{})
	c := openEngine(t, to(s.address))
	ctx := &slow{endable: newEndable(t.Context(), context.DeadlineExceeded)}
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(raw{}), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	ctx.end()
	ctx.mu.Lock()
	waits := ctx.waits
	ctx.mu.Unlock()
	waits[len(waits)-1]() // the call's own, and not that of the stream's context
	var m string
	if err := stream.RecvMsg(&m); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the call ends with %v; it must be DEADLINE_EXCEEDED", err)
	}
	for _, f := range waits {
		f()
	}
}
