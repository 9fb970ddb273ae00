// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/test/bufconn"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// steady calls so many times a second whatever becomes of the calls, each with a time limit, until it is stopped, and counts
// where they went in each step of time.
type steady struct {
	stop func()

	mu     sync.Mutex
	went   map[string]int // since the last look; guarded by mu
	failed int            // guarded by mu
	took   []time.Duration
}

func startSteady(t *testing.T, c grpc.ClientConnInterface, rate int, limit time.Duration) *steady {
	t.Helper()
	s := &steady{went: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	calls.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				calls.Go(func() { s.one(c, limit) }) //nolint:contextcheck // a call under way is to end, not to be cancelled
			case <-ctx.Done():
				return
			}
		}
	})
	s.stop = sync.OnceFunc(func() {
		cancel()
		calls.Wait()
	})
	t.Cleanup(s.stop)
	return s
}

func (s *steady) one(c grpc.ClientConnInterface, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var call picker.Call
	began := time.Now()
	_, err := unary(picker.WithCall(ctx, &call), c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.went[call.Endpoint().Address()]++
	s.took = append(s.took, time.Since(began))
	if err != nil {
		s.failed++
	}
}

// look returns what has happened since the last look.
func (s *steady) look() (went map[string]int, all, failed int, p99 time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	went, failed = s.went, s.failed
	took := slices.Sorted(slices.Values(s.took))
	if len(took) > 0 {
		p99 = took[len(took)*99/100]
	}
	for _, n := range went {
		all += n
	}
	s.went, s.failed, s.took = map[string]int{}, 0, nil
	return went, all, failed, p99
}

// exact reports a figure, and whether it is to be held. Otherwise only the order of events is.
func exact(t *testing.T, format string, args ...any) bool {
	t.Helper()
	t.Logf(format, args...)
	return faults.Held()
}

// given is how long each call may take while a backend is silent.
func given(t *testing.T) time.Duration {
	t.Helper()
	limit := 250 * time.Millisecond
	if !exact(t, "each call has %v where times are held", limit) {
		limit = time.Second // a machine that is busy answers late itself, and then nobody stands out
	}
	return limit
}

// wait lets a time of real processes and sockets pass.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// Fault 7: of three backends one is slowed by two seconds: its share is at most one in twenty within ten seconds.
func TestFault07ASlowBackendIsLeftAlone(t *testing.T) {
	t.Parallel()
	slow := newBackend(t, slowly(2*time.Second))
	backends := []*backend{slow, newBackend(t, slowly(5*time.Millisecond)), newBackend(t, slowly(5*time.Millisecond))}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	s := startSteady(t, c, 200, 10*time.Second)
	wait(t, 1500*time.Millisecond)
	s.look()
	wait(t, 3*time.Second)
	went, all, failed, _ := s.look()
	share := float64(went[slow.address]) / float64(all)
	if exact(t, "the slow backend had %.3f of %d calls, %d failed", share, all, failed) && (share > 0.05 || failed > 0) {
		t.Error("want at most 0.05, and none failed")
	}
	if share > 0.2 {
		t.Errorf("the slow backend had its share of %.3f still", share)
	}
}

// aloneRole is that of a backend in a process of its own, which can be stopped (SIGSTOP) and go on.
const aloneRole = "backend"

// serveAlone serves until the test ends.
func serveAlone(string) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := grpc.NewServer()
	b := &backend{address: l.Addr().String()}
	testpb.RegisterTestServiceServer(s, b)
	fmt.Println(b.address)
	_ = s.Serve(l)
}

// Fault 3: one of three backends is stopped, so that its kernel still acknowledges: it is ejected within 3 s, after which no
// call waits for it but a trial now and then; and it is back within 5 s of going on, without a burst.
func TestFault03AStoppedBackend(t *testing.T) {
	t.Parallel()
	b := processtest.Start(t, aloneRole, "")
	others := []*backend{newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: append(endpointsOf(t, others), at(t, b.Line))})
	ready(t, c, 3)
	s := startSteady(t, c, 200, given(t))
	wait(t, time.Second)
	s.look()
	b.Signal(t, syscall.SIGSTOP)
	began := time.Now()
	states(t, c, "ejected", func(s []balancer.State) bool {
		return slices.ContainsFunc(s, func(e balancer.State) bool {
			return e.Condition == balancer.Ejected && e.Endpoint.Address() == b.Line
		})
	})
	if d := time.Since(began); exact(t, "it was ejected after %v", d) && d > 3*time.Second {
		t.Error("want 3s at most")
	}
	wait(t, 300*time.Millisecond) // calls that were placed before
	_, all, failed, _ := s.look()
	if exact(t, "%d of %d calls failed until it was ejected", failed, all) && failed > 40 {
		t.Error("want 40 at most")
	}
	wait(t, 4*time.Second)
	went, all, failed, p99 := s.look()
	if exact(t, "while it was out it had %d of %d calls, %d failed, p99 %v", went[b.Line], all, failed, p99) &&
		(failed > 4 || p99 > 100*time.Millisecond) {
		t.Error("want 4 failed at most, and a p99 of 100ms")
	}
	if went[b.Line] > 6 {
		t.Errorf("while it was out it had %d calls, want a trial now and then", went[b.Line])
	}
	b.Signal(t, syscall.SIGCONT)
	back := time.Now()
	states(t, c, "back", func(s []balancer.State) bool {
		return slices.ContainsFunc(s, func(e balancer.State) bool {
			return e.Condition == balancer.Ready && e.Endpoint.Address() == b.Line
		})
	})
	if d := time.Since(back); exact(t, "it was back after %v", d) && d > 5*time.Second {
		t.Error("want 5s at most")
	}
	s.look()
	wait(t, time.Second)
	went, all, _, _ = s.look()
	if share := float64(went[b.Line]) / float64(all); exact(t, "after its return it had %.2f of the calls", share) && share > 0.67 {
		t.Error("want no burst")
	}
}

// Fault 13: a backend that flaps is no reason for ejections that come and go: its connection says enough.
func TestFault13Flapping(t *testing.T) {
	t.Parallel()
	flapping := newBackend(t)
	backends := []*backend{flapping, newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	s := startSteady(t, c, 200, time.Second)
	ejections := 0
	for range 4 {
		flapping.kill()
		for range 50 {
			for _, e := range c.Endpoints() {
				if e.Condition == balancer.Ejected {
					ejections++
				}
			}
			wait(t, 10*time.Millisecond)
		}
		flapping.restart(t)
		wait(t, 500*time.Millisecond)
	}
	_, all, failed, _ := s.look()
	// Calls that were in flight there when it was killed.
	if exact(t, "%d of %d calls failed; it was seen ejected %d times", failed, all, ejections) && (failed > 8 || ejections > 0) {
		t.Error("want 8 failed at most, and no ejection")
	}
	if failed > all/10 {
		t.Errorf("%d of %d calls failed", failed, all)
	}
}

// Fault 19: a connection that is idle for long, with a silent stream on it and without, is never closed for too many pings by
// a server with grpc-go's defaults.
func TestFault19NotTooManyPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := bufconn.Listen(1 << 16)
		b := &backend{address: "bufconn"}
		server := grpc.NewServer()
		testpb.RegisterTestServiceServer(server, b)
		go func() { _ = server.Serve(l) }()
		var dialled atomic.Int64
		c, err := balancer.New(balancer.Config{
			Name: "test", Target: "10.0.0.1:1", Credentials: insecure.NewCredentials(),
			Dial: func(ctx context.Context, _ string) (net.Conn, error) {
				dialled.Add(1)
				return l.DialContext(ctx)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		call := func(when string) {
			t.Helper()
			if _, err := unary(t.Context(), c); err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}
		call("at first")
		time.Sleep(15 * time.Minute)
		call("after a quarter of an hour without a call")
		stream, err := testpb.NewTestServiceClient(c).FullDuplexCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
			t.Error(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Errorf("after three hours of silence the stream says %v", err)
		}
		call("beside a silent stream")
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		if _, err := stream.Recv(); err == nil {
			t.Error("the stream did not end")
		}
		if n := dialled.Load(); n != 1 {
			t.Errorf("%d connections, want the first one still", n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		synctest.Wait()
	})
}

// Fault 41: the slow start is seen, and ends.
func TestFault41SlowStartIsSeen(t *testing.T) {
	t.Parallel()
	weights, err := picker.NewWeightedRoundRobin(picker.WeightedRoundRobinConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := picker.NewSlowStart(picker.SlowStartConfig{Policy: weights, Window: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := newBackend(t), newBackend(t)
	l := &list{}
	l.set(at(t, old.address))
	c := open(t, balancer.Config{Source: l.source(), Policy: p})
	ready(t, c, 1)
	wait(t, 1200*time.Millisecond)
	l.set(at(t, old.address), at(t, fresh.address))
	s := states(t, c, "in slow start", func(s []balancer.State) bool {
		return len(s) == 2 && strings.HasPrefix(stateOf(s, fresh).Reason, "slow start: ")
	})
	if e := stateOf(s, fresh); e.Condition != balancer.Ready || e.Weight >= 1 {
		t.Errorf("state %+v", e)
	}
	before := fresh.calls.Load()
	for range 40 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if n := fresh.calls.Load() - before; n == 0 || n > 15 {
		t.Errorf("a fresh backend had %d of 40 calls", n)
	}
	states(t, c, "over it", func(s []balancer.State) bool { return stateOf(s, fresh).Weight == 1 && stateOf(s, fresh).Reason == "" })
}

// Threat H2: a stream whose client does not read keeps no other call from the same connection waiting.
func TestThreatH2AStalledReaderBlocksNobody(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := openTo(t, b)
	ready(t, c, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var params []*testpb.ResponseParameters
	for range 200 {
		params = append(params, &testpb.ResponseParameters{Size: 1 << 20})
	}
	stream, err := testpb.NewTestServiceClient(c).StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{ResponseParameters: params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	for range 200 { // while the server would send 200 MiB
		one, stop := context.WithTimeout(t.Context(), time.Second)
		_, err := unary(one, c)
		stop()
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Endpoints()[0].Connections; n != 1 {
		t.Errorf("%d connections", n)
	}
}

// Threat H10: each attempt has the authority of the endpoint that it goes to, also when it is an attempt anew.
func TestThreatH10AuthorityFollowsTheEndpoint(t *testing.T) {
	t.Parallel()
	seen := make(chan [2]string, 100)
	notes := grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		p, _ := peer.FromContext(ctx)
		seen <- [2]string{p.LocalAddr.String(), strings.Join(md[":authority"], ",")}
		return h(ctx, req)
	})
	one, two := newBackend(t, notes), newBackend(t, notes)
	var es []endpoint.Endpoint
	for i, b := range []*backend{one, two} {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{b.address}, ServerName: fmt.Sprintf("b%d.test", i)})
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	c := open(t, balancer.Config{Endpoints: es, Policy: picker.RoundRobin{}})
	ready(t, c, 2)
	check := func(n int) {
		t.Helper()
		for range n {
			if _, err := unary(t.Context(), waitForReady{c}); err != nil {
				t.Fatal(err)
			}
			got := <-seen
			want := map[string]string{one.address: "b0.test", two.address: "b1.test"}[got[0]]
			if got[1] != want {
				t.Errorf("a call to %s was for %q, want %q", got[0], got[1], want)
			}
		}
	}
	check(10)
	one.stop((*grpc.Server).GracefulStop)
	check(10)
	one.restart(t)
	check(10)
}

// Threat H4: an answer with a huge header fails its call and no other.
func TestThreatH4HugeHeaders(t *testing.T) {
	t.Parallel()
	large := atomic.Bool{}
	b := newBackend(t, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		if large.Load() {
			if err := grpc.SetHeader(ctx, metadata.Pairs("x-large", strings.Repeat("a", balancer.DefaultMaxHeaderList))); err != nil {
				return nil, err
			}
		}
		return h(ctx, req)
	}))
	c := openTo(t, b)
	ready(t, c, 1)
	began := c.Endpoints()[0].Since
	for range 5 {
		large.Store(true)
		if _, err := unary(t.Context(), c); err == nil {
			t.Error("an answer with 64 KiB of header fields came through")
		}
		large.Store(false)
		if _, err := unary(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
	if s := c.Endpoints()[0]; !s.Since.Equal(began) {
		t.Errorf("the connection was lost: %+v", s)
	}
}
