// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/dragoman-gateway/dragoman/balancer"
	ourhealth "github.com/dragoman-gateway/dragoman/balancer/health"
)

// slowly is an interceptor that makes every call take a while.
func slowly(d time.Duration) grpc.ServerOption {
	return grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		t := time.NewTimer(d)
		defer t.Stop()
		<-t.C
		return h(ctx, req)
	})
}

// Fault 18: a backend that takes ten streams at a time serves three hundred calls at a time: connections come, no call
// fails, none waits long.
func TestFault18StreamsThatAreUsedUpGetMoreConnections(t *testing.T) {
	t.Parallel()
	b := newBackend(t, grpc.MaxConcurrentStreams(10), slowly(50*time.Millisecond))
	c := openTo(t, b)
	ready(t, c, 1)
	var calls sync.WaitGroup
	var failed atomic.Int64
	var slowest atomic.Int64
	for range 300 {
		calls.Go(func() {
			for range 4 {
				began := time.Now()
				if _, err := unary(t.Context(), c); err != nil {
					failed.Add(1)
				}
				if took := int64(time.Since(began)); took > slowest.Load() {
					slowest.Store(took)
				}
			}
		})
	}
	calls.Wait()
	s := c.Endpoints()[0]
	if failed.Load() > 0 || s.Connections < 12 || s.Connections > balancer.DefaultMaxConnections {
		t.Errorf("%d calls failed, on %d connections", failed.Load(), s.Connections)
	}
	if d := time.Duration(slowest.Load()); exact(t, "the slowest call took %v", d) && d > 1050*time.Millisecond {
		t.Error("want at most a second of waiting")
	}
	if s.InFlight != 0 || s.Succeeded != 1200 {
		t.Errorf("state %+v", s)
	}
}

func TestWithoutALimitOneConnectionDoes(t *testing.T) {
	t.Parallel()
	b := newBackend(t, slowly(20*time.Millisecond))
	c := openTo(t, b)
	ready(t, c, 1)
	var calls sync.WaitGroup
	for range 300 {
		calls.Go(func() { _, _ = unary(t.Context(), c) })
	}
	calls.Wait()
	if s := c.Endpoints()[0]; s.Connections != 1 || s.Succeeded != 300 {
		t.Errorf("%d calls on %d connections", s.Succeeded, s.Connections)
	}
}

// checked is a backend with the health service.
func checked(t *testing.T) (*backend, *health.Server) {
	t.Helper()
	b := &backend{health: health.NewServer()}
	b.start(t, "127.0.0.1:0")
	t.Cleanup(b.kill)
	return b, b.health
}

func watching(t *testing.T) ourhealth.Check {
	t.Helper()
	w, err := ourhealth.NewWatch(ourhealth.WatchConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// stateOf returns the state of a backend.
func stateOf(s []balancer.State, b *backend) balancer.State {
	i := slices.IndexFunc(s, func(e balancer.State) bool { return e.Endpoint.Address() == b.address })
	if i < 0 {
		return balancer.State{}
	}
	return s[i]
}

func TestUnhealthyEndpointsGetNoCalls(t *testing.T) {
	t.Parallel()
	sick, sickHealth := checked(t)
	well, _ := checked(t)
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, []*backend{sick, well}), Health: watching(t)})
	ready(t, c, 2)
	sickHealth.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	states(t, c, "unhealthy", func(s []balancer.State) bool {
		e := stateOf(s, sick)
		return e.Condition == balancer.Unhealthy && e.Reason == "NOT_SERVING" && e.Connections == 1
	})
	for range 30 {
		if to, err := unary(t.Context(), c); err != nil || to != well.address {
			t.Fatalf("a call went to %s, %v", to, err)
		}
	}
	sickHealth.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	ready(t, c, 2)
	// The connection is another; the check goes on there.
	sick.kill()
	states(t, c, "failing", func(s []balancer.State) bool { return stateOf(s, sick).Condition == balancer.Failing })
	sick.restart(t)
	ready(t, c, 2)
	sickHealth.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	states(t, c, "unhealthy", func(s []balancer.State) bool { return stateOf(s, sick).Condition == balancer.Unhealthy })
}

// Fault 11: when too few are healthy, all are used, and the state says so.
func TestFault11PanicUsesTheUnhealthy(t *testing.T) {
	t.Parallel()
	one, oneHealth := checked(t)
	two, twoHealth := checked(t)
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, []*backend{one, two}), Health: watching(t)})
	ready(t, c, 2)
	oneHealth.Shutdown()
	twoHealth.Shutdown()
	states(t, c, "in panic", func(s []balancer.State) bool {
		return len(s) == 2 && s[0].Condition == balancer.Unhealthy && s[1].Condition == balancer.Unhealthy &&
			s[0].Reason == "NOT_SERVING; used all the same: 0 of 2 are healthy"
	})
	for range 10 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if one.calls.Load() == 0 || two.calls.Load() == 0 {
		t.Errorf("%d and %d calls", one.calls.Load(), two.calls.Load())
	}
}

// quiet is a health check that never says anything.
type quiet struct{}

func (quiet) Run(ctx context.Context, _ grpc.ClientConnInterface, _ func(ourhealth.Verdict)) {
	<-ctx.Done()
}

// Calls wait for the first verdict rather than go to an endpoint of which nothing is known.
func TestCallsWaitForTheFirstCheck(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := open(t, balancer.Config{Target: b.address, Health: quiet{}})
	s := states(t, c, "connected", func(s []balancer.State) bool { return len(s) == 1 && s[0].Connections == 1 })
	if s[0].Condition != balancer.Connecting || s[0].Reason != "waiting for the first health check" {
		t.Errorf("state %+v", s[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := unary(ctx, c); err == nil || b.calls.Load() != 0 {
		t.Errorf("a call was placed before the first check: %v", err)
	}
}

// Health by a method of the user's choice.
func TestPollDecides(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	p, err := ourhealth.NewPoll(ourhealth.PollConfig{Method: testpb.TestService_EmptyCall_FullMethodName})
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, balancer.Config{Target: b.address, Health: p})
	states(t, c, "unhealthy", func(s []balancer.State) bool {
		return len(s) == 1 && s[0].Condition == balancer.Unhealthy && strings.HasPrefix(s[0].Reason, "Unimplemented: method EmptyCall not implemented")
	})
}
