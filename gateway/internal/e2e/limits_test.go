// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// perDay is a limit that does not refill while a test runs: what is counted is exact.
func perDay(n uint32) ratelimit.Rate { return ratelimit.Rate{Count: n, Per: 24 * time.Hour} }

// limitTo is a configuration with limits.
func limitTo(rules ...config.LimitRule) func(*config.Config) {
	return func(c *config.Config) { c.RateLimits.Rules = append(c.RateLimits.Rules, rules...) }
}

// methodGlob reads a glob of methods.
func methodGlob(t testing.TB, s string) config.MethodGlob {
	t.Helper()
	g, err := config.ParseMethodGlob(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Threats G4 and A14: a method is counted under its one name, by whatever protocol it is called: the bucket is shared, and the decision and
// what the log says of it are the same.
func TestThreatG4ProtocolsShareALimit(t *testing.T) {
	t.Parallel()
	const limit = 10
	d := start(t, limitTo(config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "client.address+method", Limit: perDay(limit)}))
	passed, refused := 0, 0
	var lines [2]map[string]any // of the first call that passed, and of the first that was refused
	for round := range 3 {
		for i, w := range ways {
			id := fmt.Sprintf("limit-%d-%d", round, i)
			got, made := d.decide(t, w, canaryEcho, id)
			want := decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}
			if passed == limit {
				want = decision{Code: "RESOURCE_EXHAUSTED", Reason: "rate_limited", RPC: "Echo"}
			}
			if !made || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, round %d:\n got %+v\nwant %+v", w.name, round, got, want)
			}
			which := 0
			if got.Code == "OK" {
				passed++
			} else {
				refused, which = refused+1, 1
			}
			line := d.logged(t, id)
			if lines[which] == nil {
				lines[which] = line
			}
			if diff := cmp.Diff(lines[which], line); diff != "" {
				t.Errorf("%s, round %d: the log (-first +it):\n%s", w.name, round, diff)
			}
		}
	}
	if passed != limit || refused != 3*len(ways)-limit {
		t.Errorf("%d calls passed and %d were refused; want %d and %d", passed, refused, limit, 3*len(ways)-limit)
	}
	if r := d.access.await(t, "limit-2-0"); r.Rule != "each" {
		t.Errorf("the log names the rule %q", r.Rule)
	}
}

// T158: what a refusal says in each protocol.
func TestT158_RefusalsOfLimits(t *testing.T) {
	t.Parallel()
	d := start(t, limitTo(config.LimitRule{Name: "daily", Match: config.AllMethods(), Limit: ratelimit.Rate{Count: 24, Per: 24 * time.Hour}, Burst: 1}))
	if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
		t.Fatalf("the first: %d", a.status)
	}
	const policyWant = `"daily";q=24;w=86400`
	isState := func(s string) bool {
		rest, ok := strings.CutPrefix(s, `"daily";r=0;t=3`)
		return ok && len(rest) == 3 // an hour, less what the test has taken
	}
	retryAfter := func(s string) bool { return len(s) == 4 && (s[:2] == "35" || s == "3600") }

	t.Run("rest", func(t *testing.T) {
		a := d.h1(t).call(t, "GET", "/canary/v1/echo", "")
		h := a.header
		if a.status != 429 || !retryAfter(h.Get("Retry-After")) || h.Get("RateLimit-Policy") != policyWant || !isState(h.Get("RateLimit")) ||
			h.Get("X-Dragoman-Reason") != "rate_limited" {
			t.Errorf("%d, %v", a.status, h)
		}
		if !strings.Contains(a.body, `"code":8`) || !strings.Contains(a.body, `"RATE_LIMITED"`) || !strings.Contains(a.body, "google.rpc.RetryInfo") ||
			!strings.Contains(a.body, "the limit of 24 calls a day is reached (daily)") {
			t.Errorf("the body is %s", a.body)
		}
	})
	t.Run("connect", func(t *testing.T) {
		c := d.h2(t)
		a := c.do(t, c.request(t, "POST", canaryEcho, "{}", connectJSON()...))
		h := a.header
		if a.status != 429 || !retryAfter(h.Get("Retry-After")) || h.Get("RateLimit-Policy") != policyWant || !isState(h.Get("RateLimit")) || !strings.Contains(a.body, `"resource_exhausted"`) {
			t.Errorf("%d, %v, %s", a.status, h, a.body)
		}
	})
	t.Run("grpc", func(t *testing.T) {
		var header, trailer metadata.MD
		err := d.dial(t).Invoke(within(t), canaryEcho, &testv1.CanaryRequest{}, &testv1.CanaryResponse{}, grpc.Header(&header), grpc.Trailer(&trailer))
		st := grpcstatus.Convert(err)
		if st.Code() != codes.ResourceExhausted {
			t.Fatal(err)
		}
		all := metadata.Join(header, trailer)
		if got := all.Get("grpc-retry-pushback-ms"); len(got) != 1 || len(got[0]) != 7 || got[0][:2] != "35" && got[0] != "3600000" {
			t.Errorf("the pushback is %v", got)
		}
		if got := all.Get("ratelimit"); len(got) != 1 || !isState(got[0]) {
			t.Errorf("RateLimit is %v", got)
		}
		var retry *errdetails.RetryInfo
		for _, detail := range st.Details() {
			if info, ok := detail.(*errdetails.RetryInfo); ok {
				retry = info
			}
		}
		if s := retry.GetRetryDelay().GetSeconds(); s < 3500 || s > 3600 {
			t.Errorf("the RetryInfo is %v", retry)
		}
	})
	t.Run("grpc-web", func(t *testing.T) {
		c := d.h1(t)
		a := c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, marshal(t, &testv1.CanaryRequest{})}.bytes()), web("application/grpc-web+proto")...))
		if a.status != 200 || a.header.Get("Grpc-Status") != "8" || len(a.header.Get("Grpc-Retry-Pushback-Ms")) != 7 || !isState(a.header.Get("RateLimit")) {
			t.Errorf("%d, %v", a.status, a.header)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		_, a, err := d.tryConnect(t, canaryEcho, nil)
		if err == nil || a.status != 429 || !retryAfter(a.header.Get("Retry-After")) || !isState(a.header.Get("RateLimit")) {
			t.Errorf("%v, %d, %v", err, a.status, a.header)
		}
	})
}

// What is left is told in every answer where that is said, in every protocol.
func TestAnnouncedLimitsInEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		limitTo(config.LimitRule{Name: "daily", Match: config.AllMethods(), Limit: perDay(1000)})(c)
		c.RateLimits.Announce = true
	})
	c := d.h2(t)
	check := func(name, got string, left int) {
		if want := fmt.Sprintf(`"daily";r=%d;t=`, left); !strings.HasPrefix(got, want) {
			t.Errorf("%s: RateLimit is %q; want %s", name, got, want)
		}
	}
	check("rest", d.h1(t).call(t, "GET", "/canary/v1/echo", "").header.Get("RateLimit"), 999)
	check("connect", c.do(t, c.request(t, "POST", canaryEcho, "{}", connectJSON()...)).header.Get("RateLimit"), 998)
	check("grpc-web", c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, ""}.bytes()), web("application/grpc-web+proto")...)).header.Get("RateLimit"), 997)
	var header metadata.MD
	if err := d.dial(t).Invoke(within(t), canaryEcho, &testv1.CanaryRequest{}, &testv1.CanaryResponse{}, grpc.Header(&header)); err != nil {
		t.Fatal(err)
	}
	check("grpc", strings.Join(header.Get("ratelimit"), "|"), 996)
	check("connect, a stream", c.do(t, c.request(t, "POST", echo+"Stream", string(frame{0, "{}"}.bytes()), connectStream("json")...)).header.Get("RateLimit"), 995)
}

// Threat G1: nothing that a client says of itself is another key.
func TestThreatG1KeysAreNotForged(t *testing.T) {
	t.Parallel()
	d := start(t, limitTo(config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "client.address", Limit: perDay(20)}))
	c := d.h2(t)
	passed := 0
	for i := range 300 {
		forged := fmt.Sprintf("10.%d.%d.%d", i%7, i%11, i)
		a := c.do(t, c.request(t, "GET", "/canary/v1/echo", "",
			"x-forwarded-for", forged, "forwarded", "for="+forged, "x-real-ip", forged, "true-client-ip", forged, "cf-connecting-ip", forged,
			"x-api-key", forged, "user-agent", forged, "x-client-ip", forged, "authorization", "Bearer "+forged))
		if a.status == 200 {
			passed++
		} else if a.status != 429 {
			t.Fatalf("%d", a.status)
		}
	}
	if passed != 20 {
		t.Errorf("%d calls passed; want 20", passed)
	}
	other := d.from(t, "127.0.0.2")
	if a := other.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
		t.Errorf("another client: %d", a.status)
	}
}

// from is a client with an address of its own.
func (d *dragoman) from(t testing.TB, address string) *client {
	t.Helper()
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0))}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{name: "HTTP/1.1", base: "http://" + d.address, http: &http.Client{Transport: transport}}
}

// Threat G9: who sends bad credentials is limited before they are looked at; and callers are counted by who they are.
func TestThreatG9AddressesBeforeCredentials(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		limitTo(
			config.LimitRule{Name: "caller", Match: methodGlob(t, "**.UserService/Get"), Key: "auth.subject", Limit: perDay(3)},
			config.LimitRule{Name: "address", Match: methodGlob(t, "**.AdminService"), Key: "client.address", Limit: perDay(5)},
		)(c)
	})
	c := d.h2(t)
	statuses := func(verb, path string, n int, token string) (list []int) {
		for range n {
			list = append(list, c.do(t, c.request(t, verb, path, "", "authorization", "Bearer "+token)).status)
		}
		return list
	}
	token := func(who string) string { return key.Token(who, map[string]any{"tenant": "t1"}) }
	for _, tt := range []struct {
		name, verb, path, token string
		want                    []int
	}{
		{"bad credentials, then not even that", "DELETE", "/canary/v1/admin/a", "x.y.z", []int{401, 401, 401, 401, 401, 429, 429}},
		{"good ones from there neither", "DELETE", "/canary/v1/admin/a", token("alice"), []int{429}},
		{"bad credentials are no caller", "GET", "/canary/v1/users/u", "x.y.z", []int{401, 401, 401, 401}},
		{"a caller", "GET", "/canary/v1/users/u", token("alice"), []int{200, 200, 200, 429}},
		{"another token of the same caller", "GET", "/canary/v1/users/u", token("alice"), []int{429}},
		{"another caller", "GET", "/canary/v1/users/u", token("eve"), []int{200, 200, 200, 429}},
	} {
		if got := statuses(tt.verb, tt.path, len(tt.want), tt.token); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
}

// A limit by a field of the request counts what it says, wherever in the request the protocol has it, before the backend is called.
func TestLimitsByFieldsOfRequests(t *testing.T) {
	t.Parallel()
	const most = 6
	d := start(t, limitTo(config.LimitRule{Name: "per-user", Match: methodGlob(t, "**.UserService/Get"), Key: "request.user_id", Limit: perDay(most)}))
	// Those whose requests name the user; the other ways have none, which is another bucket.
	var naming []way
	for _, w := range ways {
		if w.name == "grpc" || w.name == "rest" {
			naming = append(naming, w)
		}
	}
	for i := range most + 2 {
		w := naming[i%len(naming)]
		got, _ := d.decide(t, w, canaryUser, fmt.Sprintf("field-%d", i))
		want := decision{Code: "OK", Reason: "ok", RPC: "Get", Arrived: 1}
		if i >= most {
			want = decision{Code: "RESOURCE_EXHAUSTED", Reason: "rate_limited", RPC: "Get"}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s, call %d:\n got %+v\nwant %+v", w.name, i, got, want)
		}
	}
	a := d.h1(t).call(t, "GET", "/canary/v1/users/other", "")
	if a.status != 200 {
		t.Errorf("another user: %d", a.status)
	}
}

// Threat G8: messages within a stream are counted, by gRPC and WebSocket alike; the stream ends with the refusal.
func TestThreatG8StreamsThatSendTooMuch(t *testing.T) {
	t.Parallel()
	const limit = 20
	d := start(t, limitTo(config.LimitRule{Name: "messages", Match: methodGlob(t, "**.EchoService/Converse"), Key: "client.address", Limit: perDay(limit), Messages: true}))
	stream, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for {
		if err = stream.Send(&testv1.CanaryRequest{}); err == nil {
			_, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			_, err = stream.Recv()
		}
		if err != nil {
			break
		}
		answered++
	}
	if answered != limit || grpcstatus.Code(err) != codes.ResourceExhausted {
		t.Errorf("%d messages were answered, then %v; want %d, then RESOURCE_EXHAUSTED", answered, err, limit)
	}
	k := d.connect(t, echo+"Converse", nil)
	k.send("{}")
	if _, _, err := k.conn.Read(k.ctx); ws.CloseStatus(err) != 4008 {
		t.Errorf("the WebSocket ended with %v", err)
	}
}

// Calls under way are counted until they are over, streams among them, and however they end.
func TestCallsUnderWayAreCounted(t *testing.T) {
	t.Parallel()
	d := start(t, limitTo(config.LimitRule{Name: "slots", Match: methodGlob(t, "**.EchoService"), Key: "client.address", MaxInFlight: 2}))
	client := testv1.NewEchoServiceClient(d.dial(t))
	open := func() (testv1.EchoService_ConverseClient, context.CancelFunc, error) {
		ctx, cancel := context.WithCancel(within(t))
		s, err := client.Converse(ctx)
		if err == nil {
			if err = s.Send(&testv1.CanaryRequest{}); err == nil {
				_, err = s.Recv()
			}
		}
		return s, cancel, err
	}
	free := func(what string) {
		t.Helper()
		eventually(t, func() error {
			if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
				return fmt.Errorf("%s: %d", what, a.status)
			}
			return nil
		})
	}
	for range 3 {
		first, cancelFirst, err := open()
		if err != nil {
			t.Fatal(err)
		}
		_, cancelSecond, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if _, cancel, err := open(); grpcstatus.Code(err) != codes.ResourceExhausted {
			t.Errorf("the third: %v", err)
			cancel()
		}
		a := d.h1(t).call(t, "GET", "/canary/v1/echo", "")
		if a.status != 429 || a.header.Get("X-Dragoman-Reason") != "too_many_in_flight" || a.header.Get("Retry-After") != "1" {
			t.Errorf("by REST: %d, %v", a.status, a.header)
		}
		cancelSecond() // the client goes away
		free("after one was cancelled")
		if err := first.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Recv(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		cancelFirst()
		free("after both are over")
	}
}

// Limits hold across reloads of schemas, and what they count is not forgotten.
func TestLimitsOutliveSnapshots(t *testing.T) {
	t.Parallel()
	folder, canary := newTree(t)
	d := start(t, func(c *config.Config) {
		limitTo(config.LimitRule{Name: "daily", Match: config.AllMethods(), Limit: perDay(4)})(c)
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	})
	text, err := os.ReadFile(canary.canary)
	if err != nil {
		t.Fatal(err)
	}
	c := d.h1(t)
	for i := range 6 {
		if i == 2 {
			canary.write(t, strings.Replace(string(text), `get: "/canary/v1/public"`, `get: "/canary/v2/public"`, 1))
			d.reloaded(t, d.started.Load.Snapshot)
		}
		want := 200
		if i >= 4 {
			want = 429
		}
		if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != want {
			t.Errorf("call %d: %d; want %d", i, a.status, want)
		}
	}
}
