// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	xhttp2 "golang.org/x/net/http2"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/engine"
)

// heard is a balancer that notes what it hears.
type heard struct {
	plugin

	cc    grpcbalancer.ClientConn
	opts  grpcbalancer.BuildOptions
	heard []string
}

func (h *heard) Build(cc grpcbalancer.ClientConn, opts grpcbalancer.BuildOptions) grpcbalancer.Balancer {
	h.cc, h.opts = cc, opts
	return h
}

func (h *heard) UpdateClientConnState(s grpcbalancer.ClientConnState) error {
	var of []string
	for _, e := range s.ResolverState.Endpoints {
		of = append(of, e.Addresses[0].Addr)
	}
	h.heard = append(h.heard, "endpoints "+strings.Join(of, " "))
	return errPlain
}

func (h *heard) ResolverError(err error) { h.heard = append(h.heard, "error "+err.Error()) }

func (h *heard) Close() { h.heard = append(h.heard, "close") }

func (h *heard) ExitIdle() {}

func (h *heard) UpdateSubConnState(grpcbalancer.SubConn, grpcbalancer.SubConnState) {}

// asked is a resolver that is asked to look again.
type asked struct {
	looking

	again int
}

func (a *asked) Build(target grpcresolver.Target, cc grpcresolver.ClientConn, opts grpcresolver.BuildOptions) (grpcresolver.Resolver, error) {
	_, err := a.looking.Build(target, cc, opts)
	return a, err
}

func (a *asked) ResolveNow(grpcresolver.ResolveNowOptions) { a.again++ }

func (a *asked) Close() {}

// Balancer and resolver hear of each other what they do in gRPC's own channel.
func TestHost(t *testing.T) {
	t.Parallel()
	b := &heard{}
	r := &asked{}
	creds := insecure.NewCredentials()
	c, err := engine.New(engine.Config{
		Target: "books", Resolver: r, Balancer: b, Authority: "authority.test", Credentials: creds,
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errPlain },
	})
	if err != nil {
		t.Fatal(err)
	}
	if target := b.cc.Target(); b.opts.Authority != "authority.test" || b.opts.DialCreds != creds || target != "books" { //nolint:staticcheck // some balancers still ask
		t.Errorf("the balancer is built with %+v for %q", b.opts, target)
	}
	r.cc.NewAddress([]grpcresolver.Address{{Addr: "one"}, {Addr: "two"}}) //nolint:staticcheck // some resolvers still do
	r.cc.ReportError(errPlain)
	if err := r.cc.UpdateState(grpcresolver.State{}); err != errPlain { //nolint:errorlint // it is itself
		t.Errorf("the resolver is told %v", err)
	}
	b.cc.ResolveNow(grpcresolver.ResolveNowOptions{})
	sub := func(addresses ...string) (grpcbalancer.SubConn, error) {
		var all []grpcresolver.Address
		for _, a := range addresses {
			all = append(all, grpcresolver.Address{Addr: a})
		}
		return b.cc.NewSubConn(all, grpcbalancer.NewSubConnOptions{}) //nolint:staticcheck // there is no successor yet
	}
	for _, addresses := range [][]string{nil, {"one", "two"}} {
		if s, err := sub(addresses...); s != nil || err == nil || err.Error() != fmt.Sprintf("a connection is for %d addresses; it must be for one", len(addresses)) {
			t.Errorf("a connection for %q is %v, %v", addresses, s, err)
		}
	}
	s, err := sub("one")
	if err != nil {
		t.Fatal(err)
	}
	b.cc.RemoveSubConn(s)        //nolint:staticcheck // some balancers still do
	b.cc.UpdateAddresses(s, nil) //nolint:staticcheck // likewise
	s.UpdateAddresses(nil)       //nolint:staticcheck // likewise
	s.RegisterHealthListener(func(grpcbalancer.SubConnState) { t.Error("health is told") })
	s.Connect() // it was removed
	if s, err = sub("two"); err != nil {
		t.Fatal(err)
	}
	s.Connect() // nobody listens
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if s, err := sub("one"); s != nil || err == nil || err.Error() != "rpc error: code = Canceled desc = grpc: the client connection is closing" {
		t.Errorf("a connection of a channel that is closed is %v, %v", s, err)
	}
	if want := []string{"endpoints one two", "error " + errPlain.Error(), "endpoints ", "close"}; !slices.Equal(b.heard, want) || r.again != 1 {
		t.Errorf("the balancer hears %q, the resolver is asked %d times; want %q", b.heard, r.again, want)
	}
}

// A picker that chooses a connection which is not ready is told that nothing came of it, and the call waits for the next picker.
func TestPickOfWhatIsNotReady(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	for _, side := range sides {
		for i := range kinds {
			set := to("127.0.0.1:1", s.address)
			set.script = &script{stay: true}
			hold := make(chan struct{})
			dial := set.withDefaults().dial
			set.dial = func(ctx context.Context, address string) (net.Conn, error) {
				if address != s.address {
					return nil, errPlain
				}
				select {
				case <-hold:
				case <-ctx.Done():
				}
				return dial(ctx, address)
			}
			var told []grpcbalancer.DoneInfo
			set.script.choose = func(p *picker, info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
				if len(p.ready) > 0 {
					return p.turn(info)
				}
				p.script.mu.Lock()
				defer p.script.mu.Unlock()
				if len(p.script.live) == 0 || told != nil {
					return grpcbalancer.PickResult{}, grpcbalancer.ErrNoSubConnAvailable
				}
				return grpcbalancer.PickResult{SubConn: p.script.live[0], Done: func(d grpcbalancer.DoneInfo) {
					told = append(told, d)
					close(hold)
				}}, nil
			}
			c := side.open(t, set)
			o := kinds[i].do(t.Context(), c)
			if o.Code != codes.OK || len(told) != 1 || cmp.Diff(told[0], grpcbalancer.DoneInfo{}) != "" {
				t.Errorf("%s: %s: %v %s, told %v", side.name, kinds[i].name, o.Code, o.Text, told)
			}
		}
	}
}

// A head that is larger than the server says it takes is refused as by gRPC's own channel.
func TestLimitOfHeads(t *testing.T) {
	t.Parallel()
	s := newServer(t, &server{settings: []xhttp2.Setting{{ID: xhttp2.SettingMaxHeaderListSize, Val: 1000}}, ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
	for _, size := range []int{100, 1000} {
		for i := range kinds {
			var got [2]*outcome
			for j, side := range sides {
				got[j] = kinds[i].do(metadata.AppendToOutgoingContext(t.Context(), "a", strings.Repeat("x", size)), side.open(t, to(s.address)))
			}
			if diff := cmp.Diff(got[1], got[0], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %d bytes: the engine differs (-grpc +engine):\n%s", kinds[i].name, size, diff)
			}
		}
	}
}
