// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func weighted(tb testing.TB, address string, weight uint32) endpoint.Endpoint {
	tb.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}, Weight: weight})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// trap is a listener that is no gRPC server: it does with each connection what the test says.
func trap(tb testing.TB, with func(net.Conn)) (address string, accepted *atomic.Int64) {
	tb.Helper()
	l := listen(tb, "127.0.0.1:0")
	accepted = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			with(c)
		}
	}()
	tb.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), accepted
}

// silent keeps connections open without a word until the test ends.
func silent(tb testing.TB) string {
	tb.Helper()
	var conns []net.Conn
	tb.Cleanup(func() { // after the trap's own: the last registered is the first to run
		for _, c := range conns {
			_ = c.Close()
		}
	})
	address, _ := trap(tb, func(c net.Conn) { conns = append(conns, c) })
	return address
}

// Fault 5: an endpoint that never answers is given up after the connect timeout, also on later attempts, and
// calls fail rather than wait from then on.
func TestFault05ConnectTimeout(t *testing.T) {
	t.Parallel()
	c := open(t, balancer.Config{
		Endpoints: []endpoint.Endpoint{at(t, silent(t))}, ConnectTimeout: 100 * time.Millisecond,
		Backoff: balancer.Backoff{Base: 20 * time.Millisecond, Max: 20 * time.Millisecond},
	})
	began := time.Now()
	_, err := unary(t.Context(), c)
	if d := time.Since(began); exact(t, "a call failed after %v", d) && d > 400*time.Millisecond {
		t.Error("want within 400ms")
	}
	if err == nil || !strings.Contains(err.Error(), "no connection within 100ms") {
		t.Errorf("a call failed with %v", err)
	}
	s := states(t, c, "tried", func(s []balancer.State) bool { return s[0].Tries >= 5 })
	if d := time.Since(began); exact(t, "five attempts took %v", d) && d > 1500*time.Millisecond {
		t.Error("want about 0.6s")
	}
	if s[0].Reason != "no connection within 100ms" {
		t.Errorf("reason %q", s[0].Reason)
	}
	began = time.Now()
	if _, err := unary(t.Context(), c); err == nil {
		t.Error("a later call succeeded")
	}
	if d := time.Since(began); exact(t, "a later call waited %v", d) && d > 50*time.Millisecond {
		t.Error("want at most 50ms")
	}
}

// Fault 5, for one of two addresses.
func TestFault05DualStackTriesTheNextAddress(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for name, tt := range map[string]struct {
		first  string
		within time.Duration
	}{
		"the first refuses":   {"127.0.0.1:1", 200 * time.Millisecond},
		"the first is silent": {silent(t), 900 * time.Millisecond},
		"unreachable family":  {"[100::1]:50051", 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, balancer.Config{Endpoints: []endpoint.Endpoint{at(t, tt.first, b.address)}})
			began := time.Now()
			if _, err := unary(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); exact(t, "the first call took %v", d) && d > tt.within {
				t.Errorf("want at most %v", tt.within)
			}
			if s := c.Endpoints(); len(s) != 1 || s[0].Address != b.address {
				t.Errorf("states %v, want one endpoint connected to %s", s, b.address)
			}
		})
	}
}

func TestDualStackFailsWhenAllAddressesDo(t *testing.T) {
	t.Parallel()
	c := open(t, balancer.Config{Endpoints: []endpoint.Endpoint{at(t, "127.0.0.1:1", "127.0.0.1:2")}})
	s := states(t, c, "failing", func(s []balancer.State) bool { return len(s) == 1 && s[0].Condition == balancer.Failing })
	if s[0].Tries != 1 || s[0].Reason != "connection refused" {
		t.Errorf("state %+v", s[0])
	}
}

// Fault 12: attempts at a backend that is down, and at one that drops every connection, are at most two a second.
func TestFault12AttemptsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	drops, accepted := trap(t, func(c net.Conn) { _ = c.Close() })
	c := open(t, balancer.Config{Endpoints: []endpoint.Endpoint{at(t, drops)}})
	began := time.Now()
	s := states(t, c, "tried", func(s []balancer.State) bool { return len(s) == 1 && s[0].Tries >= 4 })
	took := time.Since(began)
	if n := float64(accepted.Load()); (n-1)/took.Seconds() > 2.05 {
		t.Errorf("%v attempts in %v", n, took)
	}
	if exact(t, "four attempts took %v", took) && took > 4*time.Second {
		t.Error("want at most 4s")
	}
	if r := s[0].Reason; !strings.Contains(r, "handshake") && r != "connection reset" {
		t.Errorf("reason %q", s[0].Reason)
	}
}

// Fault 13: a server that shakes hands and drops the connection at once is not hammered either, though
// no attempt has failed and the endpoint counts as good.
func TestFault13FlappingServerIsNotHammered(t *testing.T) {
	t.Parallel()
	address, accepted := trap(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
		_, _ = c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // an empty SETTINGS frame
		_ = c.Close()
	})
	began := time.Now()
	c := open(t, balancer.Config{Endpoints: []endpoint.Endpoint{at(t, address)}})
	states(t, c, "connected four times", func([]balancer.State) bool { return accepted.Load() >= 4 })
	if took := time.Since(began); took < 1450*time.Millisecond {
		t.Errorf("four connections within %v, want half a second between them", took)
	}
}

// Fault 29 end to end: DNS changes under load, and fails, without a failed call.
func TestFault29DNSFaultsFailNoCall(t *testing.T) {
	t.Parallel()
	// The name's addresses are two of loopback; servers listen there on one port.
	first := newBackend(t)
	_, port, err := net.SplitHostPort(first.address)
	if err != nil {
		t.Fatal(err)
	}
	second := &backend{}
	second.start(t, "127.0.0.2:"+port)
	t.Cleanup(second.kill)
	one, two := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	server := resolvertest.NewDNS(t, one)
	c := open(t, balancer.Config{
		Target: "dns://" + server.Address() + "/backend.test.:" + port, ResolveInterval: 30 * time.Millisecond,
	})
	ready(t, c, 1)
	work := startLoad(t, c, 2)
	for range 2 {
		for _, fail := range []func(){
			func() { server.Fail(dnsmessage.RCodeNameError) },
			func() { server.Fail(dnsmessage.RCodeServerFailure) },
			func() { server.Answer() },
		} {
			server.Answer(one, two)
			ready(t, c, 2)
			before := server.Queries()
			fail()
			deadline := time.Now().Add(patience)
			for server.Queries() < before+6 || c.Source().Err == nil {
				if time.Now().After(deadline) {
					t.Fatal("the failure was not noticed")
				}
				work.more(t, 5)
			}
			if r := c.Source(); r.Endpoints != 2 {
				t.Errorf("report %+v, want 2 endpoints kept", r)
			}
			ready(t, c, 2)
			server.Answer(two)
			states(t, c, "changed", func(s []balancer.State) bool {
				return !slices.ContainsFunc(s, func(e balancer.State) bool { return e.Endpoint.Address() == first.address })
			})
			work.more(t, 20)
		}
	}
	calls, errs := work.stop()
	if len(errs) > 0 {
		t.Errorf("%d of %d calls failed, the first with %v", len(errs), calls, errs[0])
	}
}

func TestNoAnswerFromTheSourceReachesTheCall(t *testing.T) {
	t.Parallel()
	server := resolvertest.NewDNS(t)
	server.Fail(dnsmessage.RCodeNameError)
	c := open(t, balancer.Config{Target: "dns://" + server.Address() + "/backend.test.:1"})
	_, err := unary(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "no endpoints from dns://"+server.Address()+"/backend.test.:1: dns: lookup backend.test. on "+server.Address()) || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("error %v", err)
	}
	if len(c.Endpoints()) != 0 {
		t.Errorf("endpoints %v", c.Endpoints())
	}
}

// Without New or Options our balancer works with any resolver, with the defaults.
func TestBareServiceConfig(t *testing.T) {
	t.Parallel()
	balancer.Register()
	balancer.Register()
	b := newBackend(t)
	c, err := grpc.NewClient("passthrough:///"+b.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig("{\"loadBalancingConfig\":[{\"dragoman\":{}}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unary(t.Context(), c); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, err = grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig("{\"loadBalancingConfig\":[{\"dragoman\":{\"polcy\":\"random\"}}]}"))
	if err == nil || !strings.Contains(err.Error(), "polcy") {
		t.Errorf("an unknown field is not refused: %v", err)
	}
}
