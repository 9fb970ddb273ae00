// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rls_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	common "github.com/envoyproxy/go-control-plane/envoy/extensions/common/ratelimit/v3"
	rlsv3 "github.com/envoyproxy/go-control-plane/envoy/service/ratelimit/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/rls"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// service is a real server of the protocol, which counts by descriptor and can be told to misbehave.
type service struct {
	rlsv3.UnimplementedRateLimitServiceServer

	limit   uint32
	garbage atomic.Bool
	stalls  atomic.Bool

	mu    sync.Mutex
	taken map[string]uint32 // by descriptor; guarded by mu
}

func (s *service) ShouldRateLimit(ctx context.Context, r *rlsv3.RateLimitRequest) (*rlsv3.RateLimitResponse, error) {
	if s.stalls.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.garbage.Load() {
		return &rlsv3.RateLimitResponse{OverallCode: 77, Statuses: []*rlsv3.RateLimitResponse_DescriptorStatus{{LimitRemaining: 1 << 30}}}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := describe(r.GetDomain(), r.GetDescriptors())
	if s.taken[key]+r.GetHitsAddend() > s.limit {
		return &rlsv3.RateLimitResponse{
			OverallCode: rlsv3.RateLimitResponse_OVER_LIMIT,
			Statuses:    []*rlsv3.RateLimitResponse_DescriptorStatus{{Code: rlsv3.RateLimitResponse_OVER_LIMIT, DurationUntilReset: durationpb.New(7 * time.Second)}},
		}, nil
	}
	s.taken[key] += r.GetHitsAddend()
	return &rlsv3.RateLimitResponse{
		OverallCode: rlsv3.RateLimitResponse_OK, Statuses: []*rlsv3.RateLimitResponse_DescriptorStatus{{LimitRemaining: s.limit - s.taken[key]}},
	}, nil
}

func describe(domain string, list []*common.RateLimitDescriptor) string {
	var b strings.Builder
	b.WriteString(domain)
	for _, d := range list {
		for _, e := range d.GetEntries() {
			fmt.Fprintf(&b, " %s=%s", e.GetKey(), e.GetValue())
		}
	}
	return b.String()
}

// asked returns how much was taken of a descriptor.
func (s *service) asked(key string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[key]
}

// run serves at an address until stopped is called.
func (s *service) run(t *testing.T, address string) (at string, stop func()) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	rlsv3.RegisterRateLimitServiceServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	return listener.Addr().String(), func() {
		server.Stop()
		serving.Wait()
	}
}

// rig is a policy whose rule is kept by a service.
type rig struct {
	store  *rls.Store
	policy *ratelimit.Policy
}

var method = transcoder.BareMethod("/a.B/C", false, false)

func start(t *testing.T, address string, onError ratelimit.OnError) *rig {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	store, err := rls.New(rls.Config{Conn: conn, Timeout: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ratelimit.ParseKey("auth.tenant+auth.subject || headers[\"x-a\"]")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ratelimit.New(ratelimit.Config{Store: store, Rules: []ratelimit.Rule{{
		Name: "r", Match: func(string, string) bool { return true }, Key: key, Rate: ratelimit.Rate{Count: 20, Per: 24 * time.Hour}, Shared: true, OnError: onError,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Policy([]*transcoder.Method{method}, ratelimit.AfterAuth, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { store.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = conn.Close()
	})
	return &rig{store: store, policy: p}
}

// becomes waits until the service is asked, or is not; each makes something happen meanwhile.
func (r *rig) becomes(t *testing.T, up bool, each func()) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); r.store.Up() != up; <-ticker.C {
		each()
		if time.Now().After(end) {
			t.Fatalf("the store does not come to be %t", up)
		}
	}
}

func (r *rig) call(who *transcoder.Identity) error {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method, c.Identity = method, who
	return interceptor.Admit(r.policy, c)
}

func alice() *transcoder.Identity {
	return &transcoder.Identity{Provider: "p", Subject: "alice", Tenant: "t1"}
}

// The service decides, by descriptors that say the rule and the parts of the key.
func TestServiceDecides(t *testing.T) {
	t.Parallel()
	s := &service{limit: 3, taken: map[string]uint32{}}
	address, stop := s.run(t, "127.0.0.1:0")
	defer stop()
	r := start(t, address, "")
	r.becomes(t, true, func() {})
	for i := range 5 {
		err := r.call(alice())
		if (err == nil) != (i < 3) {
			t.Errorf("call %d: %v", i, err)
		}
		if after, _ := status.RetryAfter(err); i >= 3 && (after != 7 || status.ReasonOf(err) != status.ReasonRateLimited) {
			t.Errorf("call %d: Retry-After %d, %v", i, after, err)
		}
	}
	if n := s.asked("dragoman rule=r auth.tenant=t1 auth.subject=alice"); n != 3 {
		t.Errorf("%d were taken of the descriptor: %v", n, s.taken)
	}
	if err := r.call(nil); err != nil || s.asked("dragoman rule=r") != 1 {
		t.Errorf("nobody in particular: %v, %v", err, s.taken)
	}
}

// Threat G6: a service that is down, slow or talks garbage lets nothing through that the gateway's own share does not, unless it is told to.
func TestThreatG6ServiceThatCannotTell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		goes func(s *service, stop func())
		back func(t *testing.T, s *service, address string) (stop func())
	}{
		{"down", func(_ *service, stop func()) { stop() }, func(t *testing.T, s *service, address string) func() {
			_, stop := s.run(t, address)
			return stop
		}},
		{"slow", func(s *service, _ func()) { s.stalls.Store(true) }, func(_ *testing.T, s *service, _ string) func() { s.stalls.Store(false); return nil }},
		{"garbage", func(s *service, _ func()) { s.garbage.Store(true) }, func(_ *testing.T, s *service, _ string) func() { s.garbage.Store(false); return nil }},
	} {
		for _, onError := range []ratelimit.OnError{ratelimit.CountLocally, ratelimit.Allow, ratelimit.Refuse} {
			t.Run(tt.name+", "+string(onError), func(t *testing.T) {
				t.Parallel()
				s := &service{limit: 1000, taken: map[string]uint32{}}
				address, stop := s.run(t, "127.0.0.1:0")
				defer func() { stop() }()
				r := start(t, address, onError)
				r.becomes(t, true, func() {})
				tt.goes(s, stop)
				passed, calls := 0, 0
				count := func() {
					calls++
					if r.call(alice()) == nil {
						passed++
					}
				}
				r.becomes(t, false, count)
				for range 100 {
					count()
				}
				// The limit is 20, of which this gateway's share is half.
				want := map[ratelimit.OnError]int{ratelimit.CountLocally: 10, ratelimit.Allow: calls, ratelimit.Refuse: 0}[onError]
				if passed != want {
					t.Errorf("%d of %d passed; want %d", passed, calls, want)
				}
				if again := tt.back(t, s, address); again != nil {
					stop = again
				}
				r.becomes(t, true, func() {})
				if err := r.call(alice()); err != nil {
					t.Errorf("when it is back: %v", err)
				}
			})
		}
	}
}
