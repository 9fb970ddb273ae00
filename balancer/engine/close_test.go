// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/serviceconfig"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/engine"
)

// A channel that is closed while it connects, or while its server takes nothing, is closed at once, and so are its sockets and goroutines.
func TestCloseWhileConnecting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dial  func(ctx context.Context, socket net.Conn) (net.Conn, error)
		creds credentials.TransportCredentials
	}{
		"dialling": {dial: func(ctx context.Context, _ net.Conn) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		"shaking hands":           {creds: credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})},
		"a server that is silent": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				set := to("memory")
				set.creds = tt.creds
				set.script = &script{stay: true}
				set.dial = func(ctx context.Context, _ string) (net.Conn, error) {
					if tt.dial != nil {
						return tt.dial(ctx, ours)
					}
					return ours, nil
				}
				c := openEngine(t, set)
				synctest.Wait()
				began := time.Now()
				var o *outcome
				var calls sync.WaitGroup
				calls.Go(func() { o = kinds[0].do(t.Context(), c) })
				synctest.Wait()
				if err := c.close(); err != nil {
					t.Error(err)
				}
				calls.Wait()
				if took := time.Since(began); took != 0 || o.Code != codes.Canceled {
					t.Errorf("closed after %v, the call ends with %v %s", took, o.Code, o.Text)
				}
				if tt.dial == nil {
					if _, err := theirs.Read(make([]byte, 1<<10)); err == nil {
						t.Error("the socket is open")
					}
				}
			})
		})
	}
}

// A server that resets a call when its deadline has passed did so because of that, even if the caller's context has not noticed yet.
func TestResetAfterTheDeadline(t *testing.T) {
	t.Parallel()
	for _, side := range sides {
		for _, late := range []bool{false, true} {
			for i := range kinds {
				synctest.Test(t, func(t *testing.T) {
					const left = 3 * time.Second
					s := pipes(t, &server{ended: func(c *conn, r *request) {
						wait := left / 2
						if late {
							wait = left
						}
						time.Sleep(wait) // of the bubble's clock
						c.reset(r.id, xhttp2.ErrCodeCancel)
					}})
					set := to("memory")
					set.dial = s.dial
					c := side.open(t, set)
					synctest.Wait()
					want := codes.Canceled
					if late {
						want = codes.DeadlineExceeded
					}
					o := kinds[i].do(lax{t.Context(), time.Now().Add(left)}, c)
					if o.Code != want || o.Text != "stream terminated by RST_STREAM with error code: CANCEL" {
						t.Errorf("%s: %s: late %t: %v %s", side.name, kinds[i].name, late, o.Code, o.Text)
					}
				})
			}
		}
	}
}

// lax is a context that has a deadline, and does not end by it.
type lax struct {
	context.Context //nolint:containedctx // it is one

	until time.Time
}

func (l lax) Deadline() (time.Time, bool) { return l.until, true }

// What is kept of a stream is free when its context ends, though nobody receives.
func TestAbandonedStreams(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{})
	c := openEngine(t, to(s.address))
	codec := &counted{}
	for i := range kinds {
		if kinds[i].desc == nil {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		finished := make(chan error, 1)
		stream, err := c.NewStream(ctx, kinds[i].desc, method, grpc.ForceCodecV2(codec), grpc.WaitForReady(true), grpc.OnFinish(func(err error) { finished <- err }))
		if err != nil {
			t.Fatal(err)
		}
		m := "request"
		if err := stream.SendMsg(&m); err != nil {
			t.Fatal(err)
		}
		if held := codec.held(); held != 1 {
			t.Errorf("%s: %d messages are kept", kinds[i].name, held)
		}
		cancel()
		if err := <-finished; status.Code(err) != codes.Canceled {
			t.Errorf("%s: ended with %v", kinds[i].name, err)
		}
		if held := codec.held(); held != 0 {
			t.Errorf("%s: %d messages are kept at the end", kinds[i].name, held)
		}
		if n := c.script.untold(); n != 0 {
			t.Errorf("%s: %d picks were not told of the end once", kinds[i].name, n)
		}
	}
}

// failing is a resolver that cannot be built.
type failing struct{ *manual.Resolver }

func (failing) Build(grpcresolver.Target, grpcresolver.ClientConn, grpcresolver.BuildOptions) (grpcresolver.Resolver, error) {
	return nil, errPlain
}

// looking is a resolver that looks at what it is given.
type looking struct {
	*manual.Resolver

	cc grpcresolver.ClientConn
}

func (l *looking) Build(_ grpcresolver.Target, cc grpcresolver.ClientConn, _ grpcresolver.BuildOptions) (grpcresolver.Resolver, error) {
	l.cc = cc
	return l.Resolver, nil
}

// A resolver that cannot be built is an error of New's; one that gives addresses alone, or service configs, is told what becomes of them.
func TestResolvers(t *testing.T) {
	t.Parallel()
	set := to().withDefaults()
	if c, err := engine.New(engine.Config{Resolver: failing{set.resolver()}, Balancer: plugin{}}); c != nil || err != errPlain { //nolint:errorlint // it is itself
		t.Errorf("New returns %v, %v", c, err)
	}
	l := &looking{Resolver: set.resolver()}
	c, err := engine.New(engine.Config{Resolver: l, Balancer: plugin{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*serviceconfig.ParseResult{l.cc.ParseServiceConfig("{}"), l.cc.ParseServiceConfig("")} {
		if r.Err == nil || r.Config != nil {
			t.Errorf("a service config is read as %v, %v", r.Config, r.Err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(c.Close()); got != "rpc error: code = Canceled desc = grpc: the client connection is closing" {
		t.Errorf("to close it again is %s", got)
	}
}
