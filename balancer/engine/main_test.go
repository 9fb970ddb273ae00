// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // for gRPC's registry, of which both channels decompress
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/engine"
)

func TestMain(m *testing.M) {
	grpcbalancer.Register(plugin{})
	goleak.VerifyTestMain(m)
}

const (
	// patience is how long tests wait for what must happen.
	patience = 10 * time.Second
	// authority is what channels of tests call their server.
	authority = "server.test"
	method    = "/test.Service/Method"
	// mostHead is the largest head that channels of tests take.
	mostHead = 16 << 10
)

// setup is how a test opens a channel.
type setup struct {
	addresses []grpcresolver.Address
	script    *script // nil for one that takes turns
	creds     credentials.TransportCredentials
	authority string
	dial      func(ctx context.Context, address string) (net.Conn, error)
	limited   func(grpcresolver.Address, uint32)
	ping      time.Duration
}

// channel is a channel under test, or the oracle.
type channel struct {
	grpc.ClientConnInterface

	script          *script
	method, request string
	close           func() error
	state           func() connectivity.State
}

// sides are the channel under test and gRPC's own, in this order.
var sides = []struct {
	name string
	open func(testing.TB, setup) *channel
}{{"engine", openEngine}, {"grpc", openGRPC}}

func to(addresses ...string) setup {
	var s setup
	for _, a := range addresses {
		s.addresses = append(s.addresses, grpcresolver.Address{Addr: a})
	}
	return s
}

func (s setup) withDefaults() setup {
	if s.script == nil {
		s.script = &script{}
	}
	if s.creds == nil {
		s.creds = insecure.NewCredentials()
	}
	if s.authority == "" {
		s.authority = authority
	}
	if s.dial == nil {
		s.dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}
	}
	if s.ping == 0 {
		s.ping = time.Hour
	}
	return s
}

// resolver returns what gives a channel its addresses, and its balancer the script.
func (s setup) resolver() *manual.Resolver {
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(grpcresolver.State{Addresses: s.addresses, Attributes: attributes.New(scriptKey{}, s.script)})
	return r
}

func openEngine(tb testing.TB, s setup) *channel {
	tb.Helper()
	s = s.withDefaults()
	c, err := engine.New(engine.Config{
		Target: "test", Resolver: s.resolver(), Balancer: plugin{}, Authority: s.authority, Credentials: s.creds, Dial: s.dial, Limited: s.limited,
		UserAgent: "test/1", MaxHeaderList: mostHead, StreamWindow: 64 << 10, ConnectionWindow: 64 << 10, PingInterval: s.ping, PingTimeout: patience,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return closing(tb, &channel{c, s.script, method, "request", c.Close, c.GetState})
}

func openGRPC(tb testing.TB, s setup) *channel {
	tb.Helper()
	s = s.withDefaults()
	c, err := grpc.NewClient("test:///"+s.authority,
		grpc.WithResolvers(s.resolver()), grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"`+pluginName+`":{}}]}`),
		grpc.WithTransportCredentials(s.creds), grpc.WithContextDialer(s.dial), grpc.WithUserAgent("test/1"), grpc.WithMaxHeaderListSize(mostHead),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10), grpc.WithIdleTimeout(0),
	)
	if err != nil {
		tb.Fatal(err)
	}
	c.Connect()
	return closing(tb, &channel{c, s.script, method, "request", c.Close, c.GetState})
}

// closing closes a channel when the test ends, if it has not done so.
func closing(tb testing.TB, c *channel) *channel {
	tb.Cleanup(func() {
		if err := c.close(); err != nil && status.Code(err) != codes.Canceled {
			tb.Error(err)
		}
	})
	return c
}

// until waits for a condition.
func until(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			tb.Fatalf("not %s within %v", what, patience)
		}
		<-tick.C
	}
}
