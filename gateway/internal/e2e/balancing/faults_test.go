// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// failing makes a server answer every call at once with UNAVAILABLE while broken is set, and counts them.
func failing(broken *atomic.Bool, calls *atomic.Int64) testbackend.Config {
	return testbackend.Config{Name: "failing", Options: []grpc.ServerOption{
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			calls.Add(1)
			if broken.Load() {
				return grpcstatus.Error(codes.Unavailable, "broken")
			}
			return handler(srv, stream)
		}),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			calls.Add(1)
			if broken.Load() {
				return nil, grpcstatus.Error(codes.Unavailable, "broken")
			}
			return handler(ctx, request)
		}),
	}}
}

// Faults 9 and 10: a server that fails far faster than the others answer does not attract calls: it has a small part of them, is ejected,
// and comes back when it is well. The default policy, without a word of configuration.
func TestFault9_10_FailingFastAttractsNoCalls(t *testing.T) {
	t.Parallel()
	var (
		broken atomic.Bool
		seen   atomic.Int64
	)
	broken.Store(true)
	bad := testbackend.Run(t, failing(&broken, &seen))
	good := servers(t, 2)
	d := start(t, "endpoints: "+listed(append(good, bad)))
	d.ready(t, append(good, bad)...)
	var calls, failed atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	ctx := context.WithoutCancel(t.Context())
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				calls.Add(1)
				if _, err := d.client.Slow(ctx, &testv1.CanaryRequest{Behavior: &testv1.Behavior{Sleep: durationpb.New(5 * time.Millisecond)}}); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	address := bad.Address()
	eventually(t, func() error {
		if s := d.states()[address]; s.State != "ejected" {
			return fmt.Errorf("a server that only fails is %s after %d calls", s.State, calls.Load())
		}
		return nil
	})
	early := calls.Load()
	eventually(t, func() error {
		if n := calls.Load() - early; n < 500 {
			return fmt.Errorf("%d calls", n)
		}
		return nil
	})
	if n := seen.Load(); n*10 > calls.Load()*4 { // 40 %
		t.Errorf("of %d calls a server that fails has seen %d", calls.Load(), n)
	}
	t.Logf("%d calls, %d failed, %d before the ejection; the failing server saw %d", calls.Load(), failed.Load(), early, seen.Load())
	broken.Store(false)
	d.ready(t, append(good, bad)...)
	close(stop)
	clients.Wait()
}

// Fault 18: a server that takes ten streams at a time gets more connections, and none of three hundred calls at a time fails.
func TestFault18_ServersThatTakeFewStreams(t *testing.T) {
	t.Parallel()
	const atOnce = 300
	few := testbackend.Run(t, testbackend.Config{Name: "few", Options: []grpc.ServerOption{grpc.MaxConcurrentStreams(10)}})
	d := start(t, "endpoints: "+listed([]*testbackend.Backend{few})+"\nconnections: {min: 2}")
	eventually(t, func() error {
		if n := d.states()[few.Address()].Connections; n != 2 {
			return fmt.Errorf("%d connections; min is 2", n)
		}
		return nil
	})
	// One connection of a client takes a hundred calls at a time.
	var clients []testv1.EchoServiceClient
	for range atOnce / 50 {
		_, c := dial(t, d.address)
		clients = append(clients, c)
	}
	ctx := within(t)
	errs := make(chan error, atOnce)
	for n := range atOnce {
		go func() {
			_, err := clients[n%len(clients)].Slow(ctx, &testv1.CanaryRequest{Behavior: &testv1.Behavior{Sleep: durationpb.New(200 * time.Millisecond)}})
			errs <- err
		}()
	}
	for range atOnce {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := d.states()[few.Address()].Connections; n <= 2 {
		t.Errorf("%d connections after %d calls at a time of ten each", n, atOnce)
	}
}

// Fault 29: whatever happens to DNS, the last good answer is kept and no call fails; a change is followed.
func TestFault29_DNSFailsAndChanges(t *testing.T) {
	t.Parallel()
	a := testbackend.Run(t, testbackend.Config{Name: "a"})
	b := testbackend.Run(t, testbackend.Config{Name: "b", Address: beside(t, a)})
	address := func(s *testbackend.Backend) netip.Addr { return netip.MustParseAddrPort(s.Address()).Addr() }
	server := resolvertest.NewDNS(t, address(a))
	_, port, _ := net.SplitHostPort(a.Address())
	d := start(t, fmt.Sprintf("target: dns://%s/books.example:%s\nresolve_interval: 20ms", server.Address(), port))
	d.ready(t, a)
	l := d.startLoad(t, 2)
	for name, fault := range map[string]func(){
		"no such name":      func() { server.Fail(dnsmessage.RCodeNameError) },
		"the server fails":  func() { server.Fail(dnsmessage.RCodeServerFailure) },
		"refused":           func() { server.Fail(dnsmessage.RCodeRefused) },
		"an answer of none": func() { server.Answer() },
		"silence":           func() { server.Silence(dnsmessage.TypeA, dnsmessage.TypeAAAA) },
	} {
		fault()
		eventually(t, func() error {
			if d.started.Overviews()[0].Source.Error == "" {
				return errors.New("nothing is wrong with the source")
			}
			return nil
		})
		l.reaches(t, a)
		if s := d.started.Overviews()[0].Source; s.Endpoints != 1 {
			t.Errorf("%s: %d endpoints are kept", name, s.Endpoints)
		}
		server.Answer(address(a), address(b))
		d.ready(t, a, b)
		l.reaches(t, b)
		server.Answer(address(a))
		d.ready(t, a)
	}
	t.Logf("%d calls", l.end(t))
}

// Fault 41: a server that begins to serve has few calls at first, and its share in the end.
func TestFault41_SlowStart(t *testing.T) {
	t.Parallel()
	all := servers(t, 2)
	r := fileRegistry(t, all[0])
	d := start(t, r.yaml+"\nload_balancing: {policy: weighted_round_robin, slow_start: {window: 4s, least_percent: 5}}")
	d.ready(t, all[0])
	l := d.startLoad(t, 2)
	// The first is beyond its own start.
	weight := func(s *testbackend.Backend) float64 { return d.states()[s.Address()].Weight }
	eventually(t, func() error {
		if w := weight(all[0]); w < 1 {
			return fmt.Errorf("the weight is %v", w)
		}
		return nil
	})
	r.set(t, all...)
	d.ready(t, all...)
	share := func(calls int) float64 {
		old, fresh := l.of(all[0]), l.of(all[1])
		eventually(t, func() error {
			if n := l.of(all[0]) - old + l.of(all[1]) - fresh; n < calls {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		})
		old, fresh = l.of(all[0])-old, l.of(all[1])-fresh
		return float64(fresh) / float64(old+fresh)
	}
	// The second of the list has a weight of 2: its share will be two thirds.
	if s := share(100); s > 0.45 {
		t.Errorf("a server that has just begun has %.0f %% of the calls", 100*s)
	}
	eventually(t, func() error {
		if w := weight(all[1]); w < 2 {
			return fmt.Errorf("the weight is %v", w)
		}
		return nil
	})
	if s := share(200); s < 0.6 || s > 0.72 {
		t.Errorf("in the end it has %.0f %% of the calls; want two thirds", 100*s)
	}
	t.Logf("%d calls", l.end(t))
}
