// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// listener is the one that calls come by.
const listener = "main"

// served is a gateway in this process without a socket, which answers calls of its own health: what a call costs there is what the gateway does.
type served struct {
	gateway *gateway.Gateway
	head    wire.Header // of each call
}

// serving makes a gateway of a configuration.
func serving(t testing.TB, edit func(*config.Config), fields ...string) *served {
	t.Helper()
	cfg := &config.Config{Listeners: []transport.Config{{Name: listener, Address: "127.0.0.1:0"}}, Local: map[string]config.Local{listener: {Health: true}}}
	if edit != nil {
		edit(cfg)
	}
	cfg.SetDefaults()
	log := slog.New(slog.DiscardHandler)
	s := &served{gateway: gateway.New(log), head: wire.Header{{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"}}}
	for i := 0; i < len(fields); i += 2 {
		s.head.Add(fields[i], fields[i+1])
	}
	own, err := local.New(s.gateway)
	if err != nil {
		t.Fatal(err)
	}
	a, err := assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log, Local: own})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, _, err := a.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.gateway.Swap(snapshot)
	t.Cleanup(func() {
		s.gateway.Close()
		a.Close()
	})
	if got := s.call(t.Context()); got != "0" {
		t.Fatalf("a call ends with grpc-status %q", got)
	}
	return s
}

// exchange is one request and its answer, in memory.
type exchange struct {
	ctx     context.Context //nolint:containedctx // as any exchange has one
	request transcoder.Request
	head    [16]wire.Field
	read    bool
	status  string
}

// emptyMessage is a message of gRPC that has nothing in it.
var emptyMessage = []byte{0, 0, 0, 0, 0}

func (e *exchange) Request() *transcoder.Request { return &e.request }
func (e *exchange) Context() context.Context     { return e.ctx }
func (e *exchange) CloseRead()                   {}

func (e *exchange) Read() (mem.Buffer, error) {
	if e.read {
		return nil, io.EOF
	}
	e.read = true
	return mem.SliceBuffer(emptyMessage), io.EOF
}

func (e *exchange) Write(out *transcoder.Out) error {
	for _, fields := range []wire.Header{out.Header, out.Trailer} {
		if status := fields.Get("grpc-status"); status != "" {
			e.status = status
		}
	}
	out.Data.Free()
	return nil
}

// call serves a call and returns its grpc-status.
func (s *served) call(ctx context.Context) string {
	e := &exchange{ctx: ctx}
	e.request = transcoder.Request{
		Method: "POST", Path: "/grpc.health.v1.Health/Check", Authority: "gateway.example", Scheme: "http", Major: 2, ContentLength: int64(len(emptyMessage)), Listener: listener,
		Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 7}), 4711), Header: append(e.head[:0], s.head...),
	}
	s.gateway.Serve(e) //nolint:contextcheck // the exchange has it
	return e.status
}

// policies are what is measured: a token that is known, a key, a limit of each caller, and a rule in CEL on who calls and a header field.
func policies(t testing.TB) (edit func(*config.Config), fields []string) {
	t.Helper()
	dir := t.TempDir()
	signer := jwttest.NewKey(t, "k", "ES256")
	keySet, keyFile := filepath.Join(dir, "keys.json"), filepath.Join(dir, "clients.yaml")
	if err := os.WriteFile(keySet, jwttest.Set(signer), 0o600); err != nil {
		t.Fatal(err)
	}
	_, key, err := apikey.Create(keyFile, apikey.Key{Subject: "batch"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	edit = func(c *config.Config) {
		c.Auth.Providers = []config.AuthProvider{
			{Name: "mobile", JWT: &jwt.Config{
				Name: "mobile", Issuer: jwttest.Issuer, Audiences: []string{jwttest.Audience}, Algorithms: []string{"ES256"}, Keys: jwks.Config{File: keySet},
				Claims: auth.ClaimNames{Forward: map[string]string{"sub": "x-user-id"}},
			}},
			{Name: "partners", APIKey: &apikey.Config{Name: "partners", File: keyFile}},
		}
		c.Defaults.Auth = []string{"mobile+partners"}
		c.RateLimits.Rules = []config.LimitRule{
			{Name: "caller", Match: config.AllMethods(), Key: "auth.subject || client.address", Limit: ratelimit.Rate{Count: 1_000_000, Per: time.Second}, Burst: 1_000_000_000},
		}
		c.Authorization.Rules = []config.AuthorizationRule{
			{Name: "readers", Match: config.AllMethods(), Allow: `"read" in auth.scopes && request.header("x-region") == "eu"`},
		}
	}
	return edit, []string{"x-region", "eu", "authorization", "Bearer " + signer.Token("alice", map[string]any{"scope": "read write", "email": "alice@example.com"}), apikey.DefaultHeader, key}
}

// The policies that most gateways have cost a call no allocation beside those that it has without them, and little time (issue 6: 3 µs).
func TestPoliciesAllocateNothing(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	edit, fields := policies(t)
	plain, with := serving(t, nil, fields...), serving(t, edit, fields...)
	wrong := *with
	wrong.head = append(wire.Header{}, with.head...)
	wrong.head.Set("authorization", "Bearer x.y.z")
	if got := wrong.call(t.Context()); got != "16" {
		t.Fatalf("a wrong token: grpc-status %q: nothing is asked", got)
	}
	ctx := t.Context()
	allocations := func(s *served) float64 {
		least := math.Inf(1) // what else the process does allocates now and then
		for range 5 {
			least = min(least, testing.AllocsPerRun(500, func() { s.call(ctx) }))
		}
		return least
	}
	base, all := allocations(plain), allocations(with)
	t.Logf("%.0f allocations without policies, %.0f with them", base, all)
	if !race.Enabled && all > base {
		t.Errorf("the policies allocate %.0f times", all-base)
	}
	// Calls of both kinds in turn, so that both have the same machine; of many rounds the best, in which nothing else ran.
	took := func(s *served) time.Duration {
		const calls = 2000
		began := time.Now()
		for range calls {
			s.call(ctx)
		}
		return time.Since(began) / calls
	}
	least, leastWith, rounds := time.Hour, time.Hour, 2
	if faults.Held() {
		rounds = 50
	}
	for range rounds {
		least, leastWith = min(least, took(plain)), min(leastWith, took(with))
	}
	t.Logf("a call takes %s without policies, %s with them", least, leastWith)
	if added := leastWith - least; faults.Held() && added > 3*time.Microsecond {
		t.Errorf("the policies add %s; want 3µs at most", added)
	}
}

// BenchmarkPolicies is a call with policies and without.
func BenchmarkPolicies(b *testing.B) {
	edit, fields := policies(b)
	only := func(keep func(*config.Config)) func(*config.Config) {
		return func(c *config.Config) {
			edit(c)
			keep(c)
		}
	}
	for _, bb := range []struct {
		name string
		edit func(*config.Config)
	}{
		{"none", nil},
		{"token", only(func(c *config.Config) {
			c.Defaults.Auth, c.RateLimits.Rules, c.Authorization.Rules = []string{"mobile"}, nil, nil
		})},
		{"key", only(func(c *config.Config) {
			c.Defaults.Auth, c.RateLimits.Rules, c.Authorization.Rules = []string{"partners"}, nil, nil
		})},
		{"limit", only(func(c *config.Config) { c.Defaults.Auth, c.Authorization.Rules = nil, nil })},
		{"token and CEL", only(func(c *config.Config) { c.Defaults.Auth, c.RateLimits.Rules = []string{"mobile"}, nil })},
		{"all", edit},
	} {
		b.Run(strings.ReplaceAll(bb.name, " ", "_"), func(b *testing.B) {
			s := serving(b, bb.edit, fields...)
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				s.call(ctx)
			}
		})
	}
}
