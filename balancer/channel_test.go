// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

func TestBalancesEvenly(t *testing.T) {
	t.Parallel()
	backends := []*backend{newBackend(t), newBackend(t), newBackend(t)}
	c := openTo(t, backends...)
	ready(t, c, 3)
	for range 300 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range backends {
		if n := b.calls.Load(); n != 100 {
			t.Errorf("%s had %d of 300 calls, want 100", b.address, n)
		}
	}
	for _, s := range c.Endpoints() {
		if s.Condition != balancer.Ready || s.Succeeded != 100 || s.Failed != 0 || s.InFlight != 0 || s.Latency <= 0 || s.Success != 1 || s.Weight != 1 ||
			s.Address != s.Endpoint.Address() || s.Reason != "" || s.Since.IsZero() {
			t.Errorf("state %+v", s)
		}
	}
}

// With the default policy a light load is spread too, if not as evenly.
func TestDefaultPolicySpreads(t *testing.T) {
	t.Parallel()
	backends := []*backend{newBackend(t), newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	if got := c.Policy().Name(); got != "adaptive" {
		t.Errorf("the default policy is %s", got)
	}
	// A first call that was slow by chance is forgiven after some seconds.
	least := func() int64 {
		return min(backends[0].calls.Load(), backends[1].calls.Load(), backends[2].calls.Load())
	}
	for deadline := time.Now().Add(3 * patience); least() < 20; {
		if time.Now().After(deadline) {
			t.Fatalf("an endpoint had %d calls, the others %d and more", least(), backends[0].calls.Load())
		}
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// Faults 9 and 10: a backend that fails fast is ejected with a reason, and is back after it has recovered.
func TestFault09DefaultPolicyEjects(t *testing.T) {
	t.Parallel()
	backends := []*backend{newBackend(t), newBackend(t), newBackend(t)}
	c := open(t, balancer.Config{Endpoints: endpointsOf(t, backends)})
	ready(t, c, 3)
	backends[0].answer.Store(status.New(codes.Unavailable, "out of order"))
	failed := 0
	for range 600 {
		if _, err := unary(t.Context(), c); err != nil {
			failed++
		}
	}
	if failed > 6 {
		t.Errorf("%d of 600 calls failed", failed)
	}
	bad := func(s []balancer.State) balancer.State {
		return s[slices.IndexFunc(s, func(e balancer.State) bool { return e.Endpoint.Address() == backends[0].address })]
	}
	if s := bad(c.Endpoints()); s.Success > 0.9 {
		t.Errorf("success is %v", s.Success)
	}
	// With one policy for the turns the failures come in a row.
	p, err := outlier.New(outlier.Config{
		Policy: picker.RoundRobin{}, BaseTime: 200 * time.Millisecond, MaxTime: 200 * time.Millisecond, FailingFor: outlier.Off,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.SetPolicy(p)
	for range 30 {
		_, _ = unary(t.Context(), c)
	}
	s := bad(c.Endpoints())
	if s.Condition != balancer.Ejected || s.Reason != "5 failures in a row" || s.NextTry.IsZero() || time.Since(s.Since) > patience {
		t.Errorf("state %+v", s)
	}
	backends[0].answer.Store(nil)
	states(t, c, "back", func(s []balancer.State) bool {
		_, _ = unary(t.Context(), c)
		return bad(s).Condition == balancer.Ready
	})
}

func TestRollingChangesFailNoCall(t *testing.T) {
	t.Parallel()
	backends := make([]*backend, 6)
	for i := range backends {
		backends[i] = newBackend(t)
	}
	l := &list{}
	l.set(at(t, backends[0].address), at(t, backends[1].address), at(t, backends[2].address))
	c := open(t, balancer.Config{Source: l.source()})
	ready(t, c, 3)
	work := startLoad(t, c, 4)
	for round := range 12 {
		// One comes, one goes; and every fourth time all are replaced at once.
		step := 1 + round%4/3*2
		first := round * step
		want := []string{backends[first%6].address, backends[(first+1)%6].address, backends[(first+2)%6].address}
		l.set(at(t, want[0]), at(t, want[1]), at(t, want[2]))
		states(t, c, "changed", func(s []balancer.State) bool {
			n := 0
			for _, e := range s {
				if e.Condition == balancer.Ready && slices.Contains(want, e.Address) {
					n++
				}
			}
			return n == 3
		})
		work.more(t, 20)
	}
	calls, errs := work.stop()
	if len(errs) > 0 {
		t.Errorf("%d of %d calls failed, the first with %v", len(errs), calls, errs[0])
	}
}

// Fault 1: a rolling restart of all backends fails no call.
func TestFault01RollingRestartFailsNoCall(t *testing.T) {
	t.Parallel()
	backends := []*backend{newBackend(t), newBackend(t), newBackend(t)}
	c := openTo(t, backends...)
	ready(t, c, 3)
	work := startLoad(t, c, 4)
	for range 2 {
		for _, b := range backends {
			b.stop((*grpc.Server).GracefulStop)
			work.more(t, 50)
			b.restart(t)
			ready(t, c, 3)
			work.more(t, 50)
		}
	}
	calls, errs := work.stop()
	if len(errs) > 0 {
		t.Errorf("%d of %d calls failed, the first with %v", len(errs), calls, errs[0])
	}
}

// Fault 2: kill -9 of one backend fails only calls that were in flight there, and it is back in use within
// 2 s of its return.
func TestFault02KillAndReturn(t *testing.T) {
	t.Parallel()
	dying, other := newBackend(t), newBackend(t)
	c := openTo(t, dying, other)
	ready(t, c, 2)
	dying.kill()
	failing := func(s []balancer.State) bool {
		return slices.ContainsFunc(s, func(e balancer.State) bool { return e.Condition == balancer.Failing })
	}
	states(t, c, "failing", failing)
	for range 50 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatalf("a call failed while one of two backends was ready: %v", err)
		}
	}
	s := states(t, c, "trying", func(s []balancer.State) bool {
		return slices.ContainsFunc(s, func(e balancer.State) bool { return e.Tries >= 2 && !e.NextTry.IsZero() })
	})
	for _, e := range s {
		if e.Condition != balancer.Failing {
			continue
		}
		if e.Reason != "connection refused" || e.Err == nil {
			t.Errorf("reason %q, error %v", e.Reason, e.Err)
		}
		if text := e.String(); !strings.HasPrefix(text, dying.address+"  connection refused, ") || !strings.Contains(text, "tries, next in ") {
			t.Errorf("state reads %q", text)
		}
	}
	dying.restart(t)
	back := time.Now()
	ready(t, c, 2)
	if d := time.Since(back); exact(t, "ready %v after its return", d) && d > 2*time.Second {
		t.Error("want within 2s")
	}
	before := dying.calls.Load()
	for range 10 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := dying.calls.Load() - before; got != 5 {
		t.Errorf("the backend that returned had %d of 10 calls", got)
	}
}

// Fault 12: with all backends down a call fails within 50 ms (p99), and the first success comes within 1 s of
// the return.
func TestFault12AllDownFailsFast(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := openTo(t, b)
	ready(t, c, 1)
	b.kill()
	states(t, c, "failing", func(s []balancer.State) bool { return s[0].Condition == balancer.Failing })
	took := make([]time.Duration, 200)
	for i := range took {
		began := time.Now()
		var call picker.Call
		_, err := unary(picker.WithCall(t.Context(), &call), c)
		took[i] = time.Since(began)
		if status.Code(err) != codes.Unavailable || !balancer.IsUnready(err, &call) {
			t.Fatalf("error %v at stage %v", err, call.Stage())
		}
		if !strings.Contains(err.Error(), "backend \"test\": no ready endpoint: "+b.address+": connection refused") {
			t.Fatalf("error reads %q", err)
		}
	}
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; exact(t, "p99 of failing calls is %v", p99) && p99 > 50*time.Millisecond {
		t.Error("want at most 50ms")
	}
	b.restart(t)
	back := time.Now()
	if _, err := unary(t.Context(), waitForReady{c}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(back); exact(t, "first success %v after the return", d) && d > time.Second {
		t.Error("want within 1s")
	}
}

// waitForReady makes every call wait for a ready endpoint.
type waitForReady struct{ *balancer.Channel }

func (w waitForReady) Invoke(ctx context.Context, method string, in, out any, opts ...grpc.CallOption) error {
	return w.Channel.Invoke(ctx, method, in, out, append(opts, grpc.WaitForReady(true))...)
}

// Fault 17: servers that close connections by age fail no call.
func TestFault17GOAWAYFailsNoCall(t *testing.T) {
	t.Parallel()
	age := grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 100 * time.Millisecond, MaxConnectionAgeGrace: patience})
	one := newBackend(t, age)
	c := openTo(t, one)
	work := startLoad(t, c, 4)
	// Ten connections' worth of age.
	deadline := time.Now().Add(1500 * time.Millisecond)
	for time.Now().Before(deadline) {
		work.more(t, 10)
	}
	calls, errs := work.stop()
	if len(errs) > 0 {
		t.Errorf("%d of %d calls failed, the first with %v", len(errs), calls, errs[0])
	}
}

func TestLeavingEndpointKeepsItsCalls(t *testing.T) {
	t.Parallel()
	leaving, staying := newBackend(t), newBackend(t)
	l := &list{}
	l.set(at(t, leaving.address))
	c := open(t, balancer.Config{Source: l.source()})
	ready(t, c, 1)
	stream, err := testpb.NewTestServiceClient(c).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echo := func() {
		t.Helper()
		if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	echo()
	l.set(at(t, staying.address))
	states(t, c, "draining", func(s []balancer.State) bool {
		return len(s) == 2 && slices.ContainsFunc(s, func(e balancer.State) bool {
			return e.Condition == balancer.Draining && e.InFlight == 1 && e.Reason == "no longer listed"
		})
	})
	ready(t, c, 1)
	for range 10 {
		if to, err := unary(t.Context(), c); err != nil || to != staying.address {
			t.Fatalf("call went to %s, %v", to, err)
		}
	}
	echo()
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Fatal("the stream did not end")
	}
	states(t, c, "gone", func(s []balancer.State) bool { return len(s) == 1 })
}

func TestEndpointThatReturnsKeepsItsStatistics(t *testing.T) {
	t.Parallel()
	b, other := newBackend(t), newBackend(t)
	l := &list{}
	l.set(at(t, b.address))
	c := open(t, balancer.Config{Source: l.source()})
	ready(t, c, 1)
	stream, err := testpb.NewTestServiceClient(c).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unary(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	l.set(at(t, other.address))
	states(t, c, "replaced", func(s []balancer.State) bool { return len(s) == 2 })
	l.set(at(t, b.address))
	states(t, c, "returned", func(s []balancer.State) bool {
		return len(s) == 1 && s[0].Condition == balancer.Ready && s[0].InFlight == 1 && s[0].Succeeded == 1
	})
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	a, b := newBackend(t), newBackend(t)
	c := openTo(t, a, b)
	ready(t, c, 2)
	c.Drain(at(t, a.address))
	before := a.calls.Load()
	for range 20 {
		if _, err := unary(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.calls.Load() - before; got != 0 {
		t.Errorf("a drained endpoint had %d calls", got)
	}
	s := c.Endpoints()
	i := slices.IndexFunc(s, func(e balancer.State) bool { return e.Condition == balancer.Draining })
	if i < 0 || s[i].Endpoint.Address() != a.address || s[i].Address == "" || s[i].Reason != "drained" {
		t.Fatalf("states %v: the drained endpoint must keep its connection", s)
	}
	c.Drain(at(t, b.address))
	var call picker.Call
	if _, err := unary(picker.WithCall(t.Context(), &call), c); !balancer.IsUnready(err, &call) || !strings.Contains(err.Error(), "drained") {
		t.Errorf("with all drained: %v", err)
	}
	c.Undrain(at(t, a.address))
	if to, err := unary(t.Context(), c); err != nil || to != a.address {
		t.Errorf("after undrain: %s, %v", to, err)
	}
}

func TestIsUnreadyIsNotTheBackendsUnavailable(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := openTo(t, b)
	ready(t, c, 1)
	b.answer.Store(status.New(codes.Unavailable, "backend \"test\": no ready endpoint"))
	var call picker.Call
	_, err := unary(picker.WithCall(t.Context(), &call), c)
	if status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
	if balancer.IsUnready(err, &call) {
		t.Error("a backend's answer passes for ours")
	}
	if call.Stage() != picker.StageAnswered || call.Endpoint().Address() != b.address {
		t.Errorf("stage %v at %v", call.Stage(), call.Endpoint())
	}
	if s := c.Endpoints()[0]; s.Failed != 1 {
		t.Errorf("%d failures, want 1", s.Failed)
	}
}

func TestSetPolicyKeepsConnections(t *testing.T) {
	t.Parallel()
	a, b := newBackend(t), newBackend(t)
	c := openTo(t, a, b)
	ready(t, c, 2)
	since := c.Endpoints()[0].Since
	c.SetPolicy(only{a.address})
	for range 20 {
		if to, err := unary(t.Context(), c); err != nil || to != a.address {
			t.Fatalf("call went to %s, %v", to, err)
		}
	}
	if c.Policy().Name() != "only" {
		t.Errorf("policy is %q", c.Policy().Name())
	}
	if got := c.Endpoints()[0].Since; !got.Equal(since) {
		t.Error("the change of policy touched a connection")
	}
}

// only is a policy that places every call on one endpoint.
type only struct{ address string }

func (only) Name() string { return "only" }

func (o only) Next(_ picker.Picker, v picker.View) picker.Picker {
	i := slices.IndexFunc(v.Ready, func(c *picker.Candidate) bool { return c.Endpoint.Address() == o.address })
	return chosen{v.Ready[max(i, 0)]}
}

type chosen struct{ c *picker.Candidate }

func (p chosen) Pick(picker.Info) (*picker.Candidate, error) { return p.c, nil }

// curious is a policy that records what it is told.
type curious struct {
	ends  chan picker.Outcome
	views chan picker.View
}

func (curious) Name() string { return "curious" }

func (q curious) Next(_ picker.Picker, v picker.View) picker.Picker {
	q.views <- v
	return curiousPicker{chosen{v.Ready[0]}, q.ends}
}

type curiousPicker struct {
	chosen
	ends chan picker.Outcome
}

func (p curiousPicker) Finish(_ *picker.Candidate, o picker.Outcome) { p.ends <- o }

func TestPolicySeesEndsAndMayAskForARebuild(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	q := curious{ends: make(chan picker.Outcome, 10), views: make(chan picker.View, 100)}
	l := &list{}
	l.set(at(t, b.address), at(t, "127.0.0.1:1"))
	c := open(t, balancer.Config{Source: l.source(), Policy: q})
	states(t, c, "settled", func(s []balancer.State) bool {
		return len(s) == 2 && s[0].Condition == balancer.Failing && s[1].Condition == balancer.Ready
	})
	call := picker.Call{Key: "k"}
	if _, err := unary(picker.WithCall(t.Context(), &call), c); err != nil {
		t.Fatal(err)
	}
	o := <-q.ends
	if o.Method != "/grpc.testing.TestService/UnaryCall" || o.Result != picker.Success || o.Call != &call || o.Latency <= 0 {
		t.Errorf("outcome %+v", o)
	}
	v := <-q.views
	if len(v.Ready) != 1 || len(v.All) != 2 {
		t.Errorf("view of %d ready of %d, want 1 of 2", len(v.Ready), len(v.All))
	}
	c.Drain(at(t, "127.0.0.1:1")) // no more attempts count for this policy
	for len(q.views) > 0 {
		<-q.views
	}
	v.Rebuild(time.Hour)
	v.Rebuild(0)
	select {
	case <-q.views:
	case <-time.After(patience):
		t.Error("no rebuild")
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	b := &backend{}
	b.start(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	t.Cleanup(b.kill)
	c := open(t, balancer.Config{Target: b.address})
	if _, err := unary(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	missing := open(t, balancer.Config{Target: "unix:///no/such/socket"})
	s := states(t, missing, "failing", func(s []balancer.State) bool { return len(s) == 1 && s[0].Condition == balancer.Failing })
	if s[0].Reason != "no such socket" {
		t.Errorf("reason %q", s[0].Reason)
	}
}

func TestWaitReady(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if err := openTo(t, b).WaitReady(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := open(t, balancer.Config{Target: "127.0.0.1:1"}).WaitReady(ctx)
	if err == nil || !strings.Contains(err.Error(), "no endpoint became ready") {
		t.Errorf("error %v", err)
	}
}

func TestWeightAndLabelsChangeWithoutANewConnection(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	l := &list{}
	l.set(at(t, b.address))
	c := open(t, balancer.Config{Source: l.source()})
	ready(t, c, 1)
	since := c.Endpoints()[0].Since
	l.set(weighted(t, b.address, 5))
	s := states(t, c, "weighted", func(s []balancer.State) bool { return s[0].Endpoint.Weight() == 5 })
	if !s[0].Since.Equal(since) || s[0].Condition != balancer.Ready {
		t.Errorf("state %+v: a weight must not touch the connection", s[0])
	}
}

func TestSetWeightHoldsUntilItIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	l := &list{}
	l.set(weighted(t, b.address, 3))
	q := curious{ends: make(chan picker.Outcome, 10), views: make(chan picker.View, 100)}
	c := open(t, balancer.Config{Source: l.source(), Policy: q})
	ready(t, c, 1)
	weighs := func(want float64) {
		t.Helper()
		if got := c.Endpoints()[0].Weight; got != want {
			t.Errorf("weight is %v, want %v", got, want)
		}
		var last picker.View
		for len(q.views) > 0 {
			last = <-q.views
		}
		if got := last.Ready[0].Weight; got != want {
			t.Errorf("the policy sees the weight %v, want %v", got, want)
		}
	}
	weighs(3)
	if err := c.SetWeight(at(t, b.address), 7); err != nil {
		t.Fatal(err)
	}
	weighs(7)
	l.set(weighted(t, b.address, 4))
	states(t, c, "changed", func(s []balancer.State) bool { return s[0].Endpoint.Weight() == 4 })
	weighs(7)
	if err := c.SetWeight(at(t, b.address), 0); err != nil {
		t.Fatal(err)
	}
	weighs(4)
	err := c.SetWeight(at(t, b.address), 1<<16+1)
	if err == nil || !strings.Contains(err.Error(), "is 65537; it must be 0 to 65536") {
		t.Errorf("error %v", err)
	}
}

// The life of a stream says nothing about its endpoint, the time to its first message does.
func TestStreamsAreMeasuredByTheirFirstMessage(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	q := curious{ends: make(chan picker.Outcome, 10), views: make(chan picker.View, 100)}
	c := open(t, balancer.Config{Target: b.address, Policy: q})
	stream := func(echoes int) picker.Outcome {
		t.Helper()
		s, err := testpb.NewTestServiceClient(c).FullDuplexCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range echoes {
			if err := s.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return <-q.ends
	}
	if o := stream(0); o.First >= 0 || !o.Call.Streaming {
		t.Errorf("a stream without a message has the outcome %+v", o)
	}
	if got := c.Endpoints()[0].Latency; got != 0 {
		t.Errorf("a stream without a message has the latency %v", got)
	}
	o := stream(20)
	if o.First <= 0 || o.First >= o.Latency {
		t.Errorf("a stream of %v had its first message after %v", o.Latency, o.First)
	}
	if got := c.Endpoints()[0].Latency; got != o.First {
		t.Errorf("latency is %v, want %v", got, o.First)
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	_, err := balancer.New(balancer.Config{
		Target: "xds:///books", ConnectTimeout: -1, Backoff: balancer.Backoff{Base: time.Second, Max: time.Millisecond},
		PingInterval: time.Second, DeadAfter: time.Second, ResolveInterval: -time.Second,
		PanicThreshold: 2, MinConnections: 3, MaxConnections: 2, MaxHeaderList: 100, MaxStreams: -1,
	})
	if err == nil {
		t.Fatal("want an error")
	}
	for _, want := range []string{
		"name is empty", "credentials is nil", "scheme \"xds\" is not known", "connect timeout is -1ns; it must be 1ms or more",
		"backoff max is 1ms; it must be 1s or more", "ping interval is 1s; it must be 10s or more", "dead after is 1s; it must be 2s or more",
		"resolve interval is -1s", "panic threshold is 2", "min connections is 3; it must be 1 to max connections, 2", "max header list is 100; it must be 4096",
		"max streams is -1; it must be 0 to 65536",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	_, _, err = balancer.Options(balancer.Config{Name: "x"})
	if err == nil || !strings.Contains(err.Error(), "0 of target, endpoints and source are set") {
		t.Errorf("error %v", err)
	}
}

func TestStateReads(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]balancer.State{
		"10.0.1.11:50051  connection refused, 3 tries, next in 4s": {
			Condition: balancer.Failing, Reason: "connection refused", Tries: 3, NextTry: time.Now().Add(4 * time.Second),
		},
		"10.0.1.11:50051  ready, 2 in flight":                        {Condition: balancer.Ready, InFlight: 2},
		"10.0.1.11:50051  no longer listed, 1 in flight":             {Condition: balancer.Draining, Reason: "no longer listed", InFlight: 1},
		"10.0.1.11:50051  connecting":                                {Condition: balancer.Connecting},
		"10.0.1.11:50051  transient failure, 1 try":                  {Condition: balancer.Failing, Tries: 1},
		"10.0.1.11:50051  ejected: 5 failures in a row, 2 in flight": {Condition: balancer.Ejected, Reason: "5 failures in a row", InFlight: 2},
		"10.0.1.11:50051  unhealthy: NOT_SERVING, 0 in flight":       {Condition: balancer.Unhealthy, Reason: "NOT_SERVING"},
		"10.0.1.11:50051  ready: slow start, 0 in flight":            {Condition: balancer.Ready, Reason: "slow start"},
	} {
		s.Endpoint = at(t, "10.0.1.11:50051")
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := fmt.Sprint(balancer.Condition(math.MaxUint8)); got != "condition 255" {
		t.Errorf("got %q", got)
	}
}
