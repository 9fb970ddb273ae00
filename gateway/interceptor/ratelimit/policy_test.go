// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func all(string, string) bool { return true }

func perSecond(n uint32) ratelimit.Rate { return ratelimit.Rate{Count: n, Per: time.Second} }

func key(t testing.TB, s string) ratelimit.Key {
	t.Helper()
	k, err := ratelimit.ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var method = transcoder.BareMethod("/a.B/C", false, false)

// policy returns the one policy of some rules.
func policy(t testing.TB, cfg ratelimit.Config, methods ...*transcoder.Method) *ratelimit.Policy {
	t.Helper()
	l, err := ratelimit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(methods) == 0 {
		methods = []*transcoder.Method{method}
	}
	before, err := l.Policy(methods, ratelimit.BeforeAuth, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := l.Policy(methods, ratelimit.AfterAuth, nil)
	if err != nil {
		t.Fatal(err)
	}
	if before != nil && after != nil {
		t.Fatal("the rules are asked at two places")
	}
	if before == nil {
		return after
	}
	return before
}

func call(m *transcoder.Method, address string) *transcoder.Call {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method = m
	c.Client = netip.MustParseAddr(address)
	return c
}

// admitted counts how many of some calls pass.
func admitted(t testing.TB, p *ratelimit.Policy, calls int, address string) int {
	t.Helper()
	n := 0
	for range calls {
		if interceptor.Admit(p, call(method, address)) == nil {
			n++
		}
	}
	return n
}

func TestLimitsByAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "r", Match: all, Key: key(t, "client.address"), Rate: perSecond(10), Burst: 5}}})
		if n := admitted(t, p, 20, "10.0.0.1"); n != 5 {
			t.Errorf("%d at once; want the burst, 5", n)
		}
		if n := admitted(t, p, 20, "10.0.0.2"); n != 5 {
			t.Errorf("%d of another; want 5", n)
		}
		time.Sleep(time.Second)
		if n := admitted(t, p, 20, "10.0.0.1"); n != 5 {
			t.Errorf("%d after a second; want 5", n)
		}
		n := 0
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			n += admitted(t, p, 3, "10.0.0.1")
		}
		if n != 10 {
			t.Errorf("%d in a second of too many; want 10", n)
		}
	})
}

// What is refused says when to come back, by what rule, and what is left.
func TestRefusalsSayWhen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "login", Match: all, Rate: ratelimit.Rate{Count: 6, Per: time.Minute}, Burst: 2}}})
		admitted(t, p, 2, "10.0.0.1")
		time.Sleep(500 * time.Millisecond)
		c := call(method, "10.0.0.1")
		err := p.Admit(c)
		e, ok := errors.AsType[*status.Error](err)
		if !ok || e.Code != codes.ResourceExhausted || e.Reason != status.ReasonRateLimited || e.RetryAfter != 9500*time.Millisecond || e.Metadata["rule"] != "login" {
			t.Fatalf("got %+v", err)
		}
		if got, _ := status.RetryAfter(err); got != 10 {
			t.Errorf("Retry-After is %d; want 10", got)
		}
		if got, _ := status.Pushback(err); got != 9500 {
			t.Errorf("the pushback is %d; want 9500", got)
		}
		if got := c.AnswerFields.Get("ratelimit-policy"); got != `"login";q=6;w=60` {
			t.Errorf("RateLimit-Policy is %s", got)
		}
		if got := c.AnswerFields.Get("ratelimit"); got != `"login";r=0;t=10` {
			t.Errorf("RateLimit is %s", got)
		}
	})
}

func TestAnnouncedLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(t, ratelimit.Config{Announce: true, Rules: []ratelimit.Rule{
			{Name: "a", Match: all, Rate: perSecond(10), Burst: 40},
			{Name: "b", Match: all, Rate: ratelimit.Rate{Count: 5, Per: time.Hour}},
			{Name: "c", Match: all, MaxInFlight: 3},
		}})
		c := call(method, "10.0.0.1")
		if err := p.Admit(c); err != nil {
			t.Fatal(err)
		}
		if got := c.AnswerFields.Get("ratelimit-policy"); got != `"a";q=40;w=4, "b";q=5;w=3600` {
			t.Errorf("RateLimit-Policy is %s", got)
		}
		if got := c.AnswerFields.Get("ratelimit"); got != `"a";r=39;t=1, "b";r=4;t=720` {
			t.Errorf("RateLimit is %s", got)
		}
	})
}

// Several rules hold together, and a call that one of them refuses takes nothing of the others.
func TestRefusedCallsCostNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{
			{Name: "all", Match: all, Rate: perSecond(100), Burst: 3, MaxInFlight: 100},
			{Name: "each", Match: all, Key: key(t, "client.address"), Rate: perSecond(1)},
		}})
		if n := admitted(t, p, 50, "10.0.0.1"); n != 1 {
			t.Errorf("%d of one; want 1", n)
		}
		if n := admitted(t, p, 1, "10.0.0.2") + admitted(t, p, 1, "10.0.0.3"); n != 2 {
			t.Errorf("%d of two others; want 2: the first has used up what it was refused", n)
		}
		if n := admitted(t, p, 1, "10.0.0.4"); n != 0 {
			t.Error("the limit of all does not hold")
		}
	})
}

func TestCallsUnderWay(t *testing.T) {
	t.Parallel()
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "slots", Match: all, Key: key(t, "client.address"), MaxInFlight: 2}}})
	first, second := call(method, "10.0.0.1"), call(method, "10.0.0.1")
	if p.Admit(first) != nil || p.Admit(second) != nil {
		t.Fatal("two are refused; two may be under way")
	}
	err := p.Admit(call(method, "10.0.0.1"))
	if status.ReasonOf(err) != status.ReasonTooManyInFlight || codes.Code(status.Proto(err).GetCode()) != codes.ResourceExhausted {
		t.Fatalf("the third: %v", err)
	}
	if after, ok := status.RetryAfter(err); !ok || after != 1 {
		t.Errorf("Retry-After is %d, %t; want 1", after, ok)
	}
	if err := p.Admit(call(method, "10.0.0.2")); err != nil {
		t.Errorf("another address: %v", err)
	}
	p.Finish(first)
	if err := p.Admit(call(method, "10.0.0.1")); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	if p.Admit(call(method, "10.0.0.1")) == nil {
		t.Error("a third again")
	}
	p.Finish(second)
}

// Threat G5: whoever comes at the same time, never more pass than may.
func TestThreatG5ManyAtATime(t *testing.T) {
	t.Parallel()
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{
		{Name: "slots", Match: all, MaxInFlight: 7},
		{Name: "rate", Match: all, Rate: ratelimit.Rate{Count: 1, Per: 24 * time.Hour}, Burst: 300},
	}})
	var passed, now, most atomic.Int64
	var clients sync.WaitGroup
	for range 200 {
		clients.Go(func() {
			for range 50 {
				c := call(method, "10.0.0.1")
				if p.Admit(c) != nil {
					continue
				}
				passed.Add(1)
				for n := now.Add(1); ; {
					if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				now.Add(-1)
				p.Finish(c)
			}
		})
	}
	clients.Wait()
	if passed.Load() != 300 {
		t.Errorf("%d passed; want 300", passed.Load())
	}
	if most.Load() > 7 {
		t.Errorf("%d were under way at a time; at most 7", most.Load())
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	dear := transcoder.BareMethod("/a.B/Export", false, false)
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{
		Name: "r", Match: all, Rate: perSecond(1), Burst: 10,
		Weights: []ratelimit.Weight{{Match: func(_, m string) bool { return m == "Export" }, Weight: 4}, {Match: all, Weight: 1}},
	}}}, method, dear)
	for i, tt := range []struct {
		m  *transcoder.Method
		ok bool
	}{{dear, true}, {dear, true}, {dear, false}, {method, true}, {method, true}, {method, false}} {
		if err := p.Admit(call(tt.m, "10.0.0.1")); (err == nil) != tt.ok {
			t.Errorf("call %d, of %s: %v", i, tt.m.Name, err)
		}
	}
}

func message(t testing.TB, m proto.Message) *transcoder.Message {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	half := len(data) / 2
	return &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data[:half:half]), mem.SliceBuffer(data[half:])}}
}

// A limit by a field of the request counts calls by what their first message says.
func TestLimitsByFieldsOfRequests(t *testing.T) {
	t.Parallel()
	desc := (&testv1.CanaryRequest{}).ProtoReflect().Descriptor().ParentFile().Services().ByName("EchoService").Methods().ByName("Echo")
	m := transcoder.BareMethod("/dragoman.test.v1.EchoService/Echo", false, false)
	m.Desc = desc
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "r", Match: all, Key: key(t, "request.user_id"), Rate: perSecond(1), Burst: 2}}}, m)
	if !p.Inspects(call(m, "10.0.0.1")) {
		t.Fatal("no message is looked at")
	}
	inspect := func(number int64, user string) error {
		return p.Inspect(call(m, "10.0.0.1"), number, message(t, &testv1.CanaryRequest{UserId: user}))
	}
	for i, tt := range []struct {
		number int64
		user   string
		ok     bool
	}{
		{1, "a", true}, {1, "a", true}, {1, "a", false}, {1, "b", true}, {2, "a", true}, {1, "", true}, {1, "", true}, {1, "", false},
	} {
		if err := inspect(tt.number, tt.user); (err == nil) != tt.ok {
			t.Errorf("%d: message %d of %q: %v", i, tt.number, tt.user, err)
		}
	}
	l, err := ratelimit.New(ratelimit.Config{Rules: []ratelimit.Rule{{Name: "r", Match: all, Key: key(t, "request.nothing"), Rate: perSecond(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Policy([]*transcoder.Method{m}, ratelimit.AfterAuth, nil)
	if e, ok := errors.AsType[*ratelimit.FieldError](err); !ok || e.Rule != 0 || e.Method != m.Path || !strings.Contains(e.Message, "no field") {
		t.Errorf("a field that is not there: %v", err)
	}
}

// Threat G8: messages within a stream are counted, so that one stream is no way around a limit.
func TestThreatG8Messages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "r", Match: all, Key: key(t, "client.address"), Rate: perSecond(10), Messages: true}}})
		c := call(method, "10.0.0.1")
		if err := p.Admit(c); err != nil {
			t.Fatal(err)
		}
		passed := 0
		for n := range int64(10_000) {
			if n%100 == 0 {
				time.Sleep(time.Second)
			}
			if err := p.Inspect(c, n+1, &transcoder.Message{}); err == nil {
				passed++
			} else if status.ReasonOf(err) != status.ReasonRateLimited {
				t.Fatal(err)
			}
		}
		if passed != 1000 {
			t.Errorf("%d of 10,000 messages at ten times the limit passed; want 1000", passed)
		}
	})
}

func TestRulesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rule ratelimit.Rule
		want string
	}{
		{"nothing", ratelimit.Rule{}, "limits nothing"},
		{"only a burst", ratelimit.Rule{MaxInFlight: 1, Burst: 1}, "no limit"},
		{"never", ratelimit.Rule{Rate: ratelimit.Rate{Count: 0, Per: time.Second}}, "1 or more"},
		{"too often", ratelimit.Rule{Rate: perSecond(2_000_000)}, "the most is"},
		{"a weight that never passes", ratelimit.Rule{Rate: perSecond(5), Weights: []ratelimit.Weight{{Match: all, Weight: 6}}}, "more than the burst"},
		{"a burst of years", ratelimit.Rule{Rate: ratelimit.Rate{Count: 1, Per: 24 * time.Hour}, Burst: 400}, "more than a year"},
		{"under way by a field", ratelimit.Rule{MaxInFlight: 1, Key: key(t, "request.a")}, "before the request is read"},
		{"messages under way", ratelimit.Rule{MaxInFlight: 1, Rate: perSecond(1), Messages: true}, "write two rules"},
		{"shared without a store", ratelimit.Rule{Rate: perSecond(1), Shared: true}, "no store"},
		{"a lease of what is not shared", ratelimit.Rule{Rate: perSecond(1), Lease: 1}, "not shared"},
		{"a lease of more than there is", ratelimit.Rule{Rate: perSecond(1), Shared: true, Lease: 2}, "never be taken"},
	} {
		tt.rule.Name, tt.rule.Match = "r", all
		if _, err := ratelimit.New(ratelimit.Config{Rules: []ratelimit.Rule{tt.rule}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
	rule := ratelimit.Rule{Name: "r", Match: all, MaxInFlight: 1}
	if _, err := ratelimit.New(ratelimit.Config{Rules: []ratelimit.Rule{rule, rule}}); err == nil {
		t.Error("two rules of one name are accepted")
	}
}

// stream is a stream of a gRPC server that has the same message for ever.
type stream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // as that of any stream
}

func (s *stream) Context() context.Context { return s.ctx }
func (s *stream) RecvMsg(any) error        { return nil }

// In a server of gRPC that is not ours, the same policy holds calls and messages.
func TestPolicyInAnyServer(t *testing.T) {
	t.Parallel()
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{
		{Name: "messages", Match: all, Rate: ratelimit.Rate{Count: 3, Per: 24 * time.Hour}, Messages: true},
	}})
	received := 0
	err := interceptor.StreamServerInterceptor(p)(nil, &stream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: "/a.B/C"}, func(_ any, ss grpc.ServerStream) error {
		for {
			if err := ss.RecvMsg(&testv1.CanaryRequest{}); err != nil {
				return err
			}
			received++
		}
	})
	if received != 3 || status.ReasonOf(err) != status.ReasonRateLimited {
		t.Errorf("%d messages, then %v; want 3, and that the limit is reached", received, err)
	}
}

// A limit costs no memory of its own for keys that are known, and well below a microsecond.
func TestLimitsDoNotAllocate(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{
		{Name: "a", Match: all, Key: key(t, "client.address"), Rate: perSecond(1_000_000), MaxInFlight: 10}, {Name: "b", Match: all, Rate: perSecond(1_000_000)},
	}})
	c := call(method, "2001:db8::1")
	if n := testing.AllocsPerRun(1000, func() {
		if p.Admit(c) == nil {
			p.Finish(c)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a call; want none", n)
	}
}

func BenchmarkLimit(b *testing.B) {
	for _, bb := range []struct{ name, key string }{{"address", "client.address"}, {"subject", "auth.tenant+auth.subject"}} {
		b.Run(bb.name, func(b *testing.B) {
			p := policy(b, ratelimit.Config{Rules: []ratelimit.Rule{{Name: "r", Match: all, Key: key(b, bb.key), Rate: perSecond(1_000_000), Burst: 1_000_000_000}}})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				c := call(method, "10.0.0.1")
				c.Identity = &transcoder.Identity{Provider: "mobile", Tenant: "acme", Subject: "7f1c6a5e-0c1b-4f6e"}
				for pb.Next() {
					_ = p.Admit(c)
				}
			})
		})
	}
}

// Methods that no schema has are limited as others are, and counted by the rule by which they pass: their names are the client's.
func TestMethodsThatNoSchemaHas(t *testing.T) {
	t.Parallel()
	p := policy(t, ratelimit.Config{Rules: []ratelimit.Rule{{
		Name: "r", Match: func(service, _ string) bool { return strings.HasPrefix(service, "legacy.") }, Key: key(t, "client.address+method"),
		Rate: ratelimit.Rate{Count: 3, Per: 24 * time.Hour}, MaxInFlight: 100,
	}}})
	passed := 0
	for _, name := range []string{"/legacy.A/One", "/legacy.B/Two", "/legacy.C/Three", "/legacy.D/Four", "/legacy.E/Five"} {
		m := transcoder.BareMethod(name, true, true)
		m.Rule = "legacy.*"
		c := call(m, "10.0.0.1")
		if p.Admit(c) == nil {
			passed++
			p.Finish(c)
		}
	}
	if passed != 3 {
		t.Errorf("%d passed; want 3", passed)
	}
	other := transcoder.BareMethod("/other.A/One", true, true)
	other.Rule = "**"
	for range 10 {
		if err := p.Admit(call(other, "10.0.0.1")); err != nil {
			t.Fatalf("a method that the rule is not for: %v", err)
		}
	}
}
