// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	rlsv3 "github.com/envoyproxy/go-control-plane/envoy/service/ratelimit/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/rls"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// limitService is a server of Envoy's rate limit protocol, which counts by descriptor.
type limitService struct {
	*switchable

	limit uint32

	mu    sync.Mutex
	asked []string          // descriptors, in their order; guarded by mu
	taken map[string]uint32 // by descriptor; guarded by mu
}

// limited runs a service that lets so many calls of each descriptor through.
func limited(t *testing.T, limit uint32) *limitService {
	t.Helper()
	s := &limitService{limit: limit, taken: map[string]uint32{}}
	s.switchable = runSwitchable(t, s.serve)
	return s
}

// serve counts.
func (s *limitService) serve(stream grpc.ServerStream) error {
	if method, _ := grpc.MethodFromServerStream(stream); method != rlsv3.RateLimitService_ShouldRateLimit_FullMethodName {
		return grpcstatus.Error(codes.Unimplemented, method)
	}
	m := raw("")
	if err := stream.RecvMsg(m); err != nil {
		return err
	}
	defer m.Free()
	r := &rlsv3.RateLimitRequest{}
	if err := proto.Unmarshal(m.Data.Materialize(), r); err != nil {
		return grpcstatus.Error(codes.InvalidArgument, err.Error())
	}
	var entries []string
	for _, d := range r.GetDescriptors() {
		for _, e := range d.GetEntries() {
			entries = append(entries, e.GetKey()+"="+e.GetValue())
		}
	}
	key := strings.Join(entries, " ")
	if key == "rule=dragoman.probe" {
		return s.answer(stream, &rlsv3.RateLimitResponse{OverallCode: rlsv3.RateLimitResponse_OK})
	}
	s.mu.Lock()
	s.asked = append(s.asked, key)
	s.taken[key] += r.GetHitsAddend()
	over := s.taken[key] > s.limit
	s.mu.Unlock()
	if over {
		return s.answer(stream, &rlsv3.RateLimitResponse{OverallCode: rlsv3.RateLimitResponse_OVER_LIMIT, Statuses: []*rlsv3.RateLimitResponse_DescriptorStatus{
			{Code: rlsv3.RateLimitResponse_OVER_LIMIT, DurationUntilReset: durationpb.New(7 * time.Second)},
		}})
	}
	return s.answer(stream, &rlsv3.RateLimitResponse{OverallCode: rlsv3.RateLimitResponse_OK})
}

func (s *limitService) answer(stream grpc.ServerStream, answer *rlsv3.RateLimitResponse) error {
	data, err := proto.Marshal(answer)
	if err != nil {
		return err
	}
	return stream.SendMsg(raw(string(data)))
}

// take returns the descriptors that were asked about since it was called last.
func (s *limitService) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// limitBy has rules kept by a service.
func limitBy(t testing.TB, s *limitService, timeout time.Duration, rules ...config.LimitRule) func(*config.Config) {
	return func(c *config.Config) {
		for i := range rules {
			rules[i].Shared = true
		}
		c.Backends = append(c.Backends, at(t, "limits", s.address))
		c.RateLimits.RLS = &rls.Config{Backend: "limits", Timeout: timeout}
		limitTo(rules...)(c)
	}
}

// lastLine waits until the log has the one of two texts after the other one.
func (d *dragoman) lastLine(t testing.TB, text, other string) {
	t.Helper()
	eventually(t, func() error { return lastOf(d.log.String(), text, other) })
}

// What the log says of a store of limits.
const (
	storeIsAsked = "the store of limits is asked"
	storeIsGone  = "the store of limits cannot be asked"
)

// A service of Envoy's protocol counts the calls of all protocols alike, and what it refuses does not arrive (G4).
func TestRLSThroughTheGateway(t *testing.T) {
	t.Parallel()
	const limit = 20
	s := limited(t, limit)
	d := start(t, limitBy(t, s, patience/4, config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "client.address+method", Limit: perDay(1)}))
	d.lastLine(t, storeIsAsked, storeIsGone)
	passed := 0
	for round := range 3 {
		for i, w := range ways {
			got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("rls-%d-%d", round, i))
			want := decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}
			if passed == limit {
				want = decision{Code: "RESOURCE_EXHAUSTED", Reason: "rate_limited", RPC: "Echo"}
			}
			if !made || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, round %d:\n got %+v\nwant %+v", w.name, round, got, want)
			}
			passed += got.Arrived
			if asked, want := fmt.Sprint(s.take()), "[rule=each client.address=127.0.0.1 method=/dragoman.test.v1.EchoService/Echo]"; asked != want {
				t.Errorf("%s: the service was asked of %s; want %s", w.name, asked, want)
			}
		}
	}
	a := d.h1(t).call(t, "GET", "/canary/v1/echo", "")
	if a.status != 429 || a.header.Get("Retry-After") != "7" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// Threat G6: whatever the service does, no call fails for it and no more pass than the rule says for that; by default that is the gateway's own share.
func TestThreatG6RLSFailsNotOpen(t *testing.T) {
	t.Parallel()
	const limit = 20 // a day; half of it is the share of a gateway
	for _, tt := range append(evil("\x08\x01"),
		misbehaviour{"nothing", sendsRaw("")}, // for ext_authz that is an OK
		misbehaviour{"a code that there is not", sendsRaw("\x08\x4d")}) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := limited(t, 1_000_000)
			rule := func(name, match string, onError ratelimit.OnError) config.LimitRule {
				return config.LimitRule{Name: name, Match: methodGlob(t, match), Key: "client.address", Limit: perDay(limit), OnError: onError}
			}
			d := start(t, limitBy(t, s, 200*time.Millisecond,
				rule("share", "**.EchoService", ""), rule("open", "**.UserService", ratelimit.Allow), rule("closed", "**.PublicService", ratelimit.Refuse)))
			d.lastLine(t, storeIsAsked, storeIsGone)
			if tt.instead == nil {
				s.stop()
			} else {
				s.instead.Store(&tt.instead)
			}
			c := d.h2(t)
			const calls = 60
			for _, row := range []struct {
				method          string
				passed, refused int // how many, and how the rest is
				reason          string
			}{
				{canaryEcho, limit / 2, 429, "rate_limited"}, {canaryUser, calls, 0, ""}, {canaryPublic, 0, 503, "limit_unavailable"},
			} {
				passed := 0
				_, path, _ := strings.Cut(canaryPaths[row.method], " ")
				arrived := d.arrivals(func() {
					for range calls {
						switch a := c.call(t, "GET", path, ""); {
						case a.status == 200:
							passed++
						case a.status != row.refused || a.header.Get("X-Dragoman-Reason") != row.reason:
							t.Errorf("%s: %d %v %s", row.method, a.status, a.header, a.body)
						}
					}
				})[row.method]
				if passed != row.passed || arrived != row.passed {
					t.Errorf("%s: %d calls passed and %d arrived; want %d", row.method, passed, arrived, row.passed)
				}
			}
			d.lastLine(t, storeIsGone, storeIsAsked)
			if tt.instead == nil {
				s.run(t)
			}
			s.instead.Store(nil)
			d.lastLine(t, storeIsAsked, storeIsGone)
			eventually(t, func() error {
				if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
					return fmt.Errorf("when it is back: %d %s", a.status, a.body)
				}
				return nil
			})
		})
	}
}

// Threat G6, G2: a key that is not UTF-8 is counted like others. It does not make the gateway think that the service is down, so that others' limits
// would be kept less well; and two such keys are two.
func TestThreatG6KeysThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	const limit = 5
	s := limited(t, limit)
	d := start(t, limitBy(t, s, patience/4, config.LimitRule{Name: "each", Match: methodGlob(t, "**.UserService/Get"), Key: "request.user_id", Limit: perDay(1), OnError: ratelimit.Allow}))
	d.lastLine(t, storeIsAsked, storeIsGone)
	conn := d.dial(t, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(transcoder.RawCodec{})))
	call := func(user string) codes.Code {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		in, out := raw(string(protowire.AppendString([]byte{0x12}, user))), raw("")
		err := conn.Invoke(ctx, canaryUser, in, out)
		return grpcstatus.Code(err)
	}
	if code := call("good"); code != codes.OK {
		t.Fatalf("a good one: %s", code)
	}
	if asked := fmt.Sprint(s.take()); asked != "[rule=each request.user_id=good]" {
		t.Fatalf("the service was asked of %s: is user_id another field?", asked)
	}
	for _, user := range []string{"\xff", "\xfe", "a\xc0\xaf", "\xed\xa0\x80"} {
		refused := 0
		for range limit + 3 {
			if call(user) == codes.ResourceExhausted {
				refused++
			}
		}
		if refused != 3 {
			t.Errorf("%q: %d calls were refused as too many; want 3", user, refused)
		}
	}
	if strings.Contains(d.log.String(), storeIsGone) {
		t.Error("the service was thought to be down")
	}
	s.take()
	if code := call("good"); code != codes.OK || len(s.take()) != 1 {
		t.Errorf("another caller, afterwards: %s, and the service was not asked", code)
	}
}
