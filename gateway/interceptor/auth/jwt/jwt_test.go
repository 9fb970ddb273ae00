// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider returns one whose keys are in a file.
func provider(t testing.TB, edit func(*jwt.Config), keys ...*jwttest.Key) *jwt.Provider {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, jwttest.Set(keys...), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := jwt.Config{Name: "mobile", Issuer: jwttest.Issuer, Audiences: []string{jwttest.Audience, "web"}, Algorithms: jwttest.Algorithms(), Keys: jwks.Config{File: file}}
	if edit != nil {
		edit(&cfg)
	}
	p, err := jwt.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bearer(token string) *transcoder.Request {
	return authtest.Request("authorization", "Bearer "+token)
}

func TestContract(t *testing.T) {
	t.Parallel()
	key, other := jwttest.NewKey(t, "k", "ES256"), jwttest.NewKey(t, "k", "ES256")
	p := provider(t, func(c *jwt.Config) { c.Carrier.Cookie = "session" }, key)
	authtest.Run(t, authtest.Subject{
		Provider: p,
		Good: map[string]*transcoder.Request{
			"alice": bearer(key.Token("alice", nil)),
			"bob":   authtest.Request("cookie", "a=b; session="+key.Token("bob", nil)),
			"carol": authtest.Request("authorization", "bEARER   "+key.Token("carol", nil)),
		},
		Bad: map[string]*transcoder.Request{
			"a stranger's key":   bearer(other.Token("alice", nil)),
			"expired":            bearer(key.Token("alice", map[string]any{"exp": 1})),
			"no token":           authtest.Request("authorization", "Bearer"),
			"two words":          authtest.Request("authorization", "Bearer a b"),
			"cookie twice":       authtest.Request("cookie", "session=a; session=b"),
			"a bad one in front": authtest.Request("authorization", "Bearer x", "cookie", "session="+key.Token("bob", nil)),
		},
	})
}

// What an identity is made of.
func TestIdentity(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "EdDSA")
	p := provider(t, func(c *jwt.Config) {
		c.Claims = auth.ClaimNames{
			Tenant: "https://acme.example/org", Groups: "realm.roles",
			Forward: map[string]string{
				"sub": "x-user-id", "https://acme.example/org": "x-tenant", "realm.roles": "x-roles", "n": "x-n", "name": "x-name-bin", "realm": "x-realm-bin", "nothing": "x-nothing", "empty": "x-empty",
			},
		}
	}, key)
	exp := time.Now().Add(time.Hour).Unix()
	id, err := authtest.Authenticate(t.Context(), p, bearer(key.Token("alice", map[string]any{
		"exp": exp, "https://acme.example/org": "org-1", "realm": map[string]any{"roles": []string{"a", "b"}}, "scope": "read  write", "n": 7, "name": "Zoë", "empty": "",
	})))
	if err != nil {
		t.Fatal(err)
	}
	got := *id
	got.Claims = nil
	want := transcoder.Identity{
		Provider: "mobile", Subject: "alice", Tenant: "org-1", Groups: []string{"a", "b"}, Scopes: []string{"read", "write"}, Expires: time.Unix(exp, 0).Add(jwt.DefaultLeeway),
		Forward: wire.Header{
			{Name: "x-n", Value: "7"},
			{Name: "x-name-bin", Value: wire.EncodeBinary([]byte("Zoë"))},
			{Name: "x-realm-bin", Value: wire.EncodeBinary([]byte(`{"roles":["a","b"]}`))},
			{Name: "x-roles", Value: "a,b"},
			{Name: "x-tenant", Value: "org-1"},
			{Name: "x-user-id", Value: "alice"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !id.HasScope("read") || id.HasScope("r") || !id.InGroup("b") || id.InGroup("read") || id.Claims["name"] != "Zoë" {
		t.Errorf("the identity is %+v", id)
	}
}

// Threat C21: claims that cannot be said to a backend refuse the token; nothing of them becomes a field.
func TestThreatC21ClaimsThatCannotBeForwarded(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "EdDSA")
	p := provider(t, func(c *jwt.Config) { c.Claims.Forward = map[string]string{"c": "x-c", "b": "x-b-bin"} }, key)
	for name, claims := range map[string]map[string]any{
		"CR LF": {"c": "a\r\nx-admin: 1"}, "NUL": {"c": "a\x00"}, "not ASCII": {"c": "ä"}, "spaces around": {"c": " a"}, "long": {"c": string(make([]byte, 1<<12+1))},
		"an object": {"c": map[string]any{"a": 1}}, "a list with commas": {"c": []string{"a,b"}}, "a list of objects": {"c": []any{map[string]any{}}},
		"long binary": {"b": string(make([]byte, 1<<12+1))},
	} {
		if id, err := authtest.Authenticate(t.Context(), p, bearer(key.Token("alice", claims))); err == nil || status.ReasonOf(err) != status.ReasonTokenInvalid {
			t.Errorf("%s: got %+v, %v", name, id, err)
		}
	}
}

// C12, and the promise that a token is verified once: what is remembered is forgotten when the token expires.
func TestVerifiedTokensAreRememberedUntilTheyExpire(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "RS256")
	p := provider(t, nil, key)
	token := key.Token("alice", nil)
	first, err := authtest.Authenticate(t.Context(), p, bearer(token))
	if err != nil {
		t.Fatal(err)
	}
	second, err := authtest.Authenticate(t.Context(), p, bearer(token))
	if err != nil || first != second {
		t.Errorf("the second time is %p, %v; want the same identity, %p", second, err, first)
	}
	// A token that differs in one bit is another one.
	for i := range token {
		changed := []byte(token)
		if changed[i] ^= 1; changed[i] == '.' || token[i] == '.' {
			continue
		}
		if id, err := authtest.Authenticate(t.Context(), p, bearer(string(changed))); err == nil {
			t.Fatalf("with another byte %d it is %+v", i, id)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := func() jwt.Config {
		return jwt.Config{Issuer: "i", Audiences: []string{"a"}, Algorithms: []string{"RS256"}, Keys: jwks.Config{URL: "https://keys.example"}}
	}
	if _, err := jwt.New(good()); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*jwt.Config){
		"no issuer": func(c *jwt.Config) { c.Issuer = "" }, "no audience": func(c *jwt.Config) { c.Audiences = nil }, "an empty audience": func(c *jwt.Config) { c.Audiences = []string{""} },
		"no algorithm": func(c *jwt.Config) { c.Algorithms = nil }, "none": func(c *jwt.Config) { c.Algorithms = []string{"none"} }, "HS256": func(c *jwt.Config) { c.Algorithms = []string{"HS256"} },
		"leeway": func(c *jwt.Config) { c.Leeway = time.Hour }, "two sources": func(c *jwt.Config) { c.Keys.File = "f" }, "no source": func(c *jwt.Config) { c.Keys.URL = "" },
		"http": func(c *jwt.Config) { c.Keys.URL = "http://keys.example" }, "no file": func(c *jwt.Config) { c.Keys = jwks.Config{File: "/nothing"} },
		"forward": func(c *jwt.Config) { c.Claims.Forward = map[string]string{"a": "grpc-x"} }, "forward twice": func(c *jwt.Config) { c.Claims.Forward = map[string]string{"a": "x-a", "b": "x-a"} },
		"header": func(c *jwt.Config) { c.Carrier.Header = "X" }, "cookie": func(c *jwt.Config) { c.Carrier.Cookie = "a;b" },
	} {
		cfg := good()
		edit(&cfg)
		if _, err := jwt.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// BenchmarkKnownToken is what a token costs that was verified before; BenchmarkWrongToken one whose signature is wrong, which is not remembered.
func BenchmarkKnownToken(b *testing.B) {
	key := jwttest.NewKey(b, "k", "RS256")
	policy, err := auth.New(auth.Config{Any: [][]auth.Named{{{Name: "mobile", Provider: provider(b, nil, key)}}}, Reserved: []string{"x-user-id", "x-tenant-id"}})
	if err != nil {
		b.Fatal(err)
	}
	r := bearer(key.Token("alice", map[string]any{"scope": "read write", "roles": []string{"a", "b", "c"}, "email": "alice@example.com"}))
	r.Header = append(r.Header, wire.Header{{Name: "user-agent", Value: "test"}, {Name: "accept", Value: "*/*"}, {Name: "x-request-id", Value: "id"}}...)
	c := authtest.Call(b.Context(), r)
	c.Metadata = slices.Clone(r.Header)
	if err := policy.Admit(c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := policy.Admit(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrongToken(b *testing.B) {
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			key := jwttest.NewKey(b, "k", algorithm)
			p := provider(b, nil, key)
			token := []byte(key.Token("alice", nil))
			if i := len(token) - 20; token[i] == 'A' { // in the signature, where every bit counts
				token[i] = 'B'
			} else {
				token[i] = 'A'
			}
			c := authtest.Call(b.Context(), bearer(string(token)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Authenticate(c); err == nil {
					b.Fatal("a wrong token is right")
				}
			}
		})
	}
}

// A token that was verified costs nothing but looking it up.
func TestKnownTokenCostsNoAllocation(t *testing.T) { //nolint:paralleltest // it counts allocations
	key := jwttest.NewKey(t, "k", "ES256")
	policy, err := auth.New(auth.Config{Any: [][]auth.Named{{{Name: "mobile", Provider: provider(t, nil, key)}}}, Reserved: []string{"x-user-id"}})
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.Call(t.Context(), bearer(key.Token("alice", nil)))
	if n := testing.AllocsPerRun(100, func() {
		if err := policy.Admit(c); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Fault 26, C8: what was verified counts no longer than the keys: not when they are too old, and not when they have gone.
func TestFault26VerifiedTokensGoWithTheirKeys(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "one", "ES256"), jwttest.NewKey(t, "two", "ES256")
	var answer atomic.Pointer[[]byte]
	answers := func(data []byte) { answer.Store(&data) }
	answers(jwttest.Set(one, two))
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*answer.Load()) }))
	defer keys.Close()
	p := provider(t, func(c *jwt.Config) {
		c.Keys = jwks.Config{URL: keys.URL, Refresh: 2 * time.Millisecond, MaxStale: 50 * time.Millisecond}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	tokens := map[*jwttest.Key]string{one: one.Token("alice", nil), two: two.Token("alice", nil)}
	until := func(key *jwttest.Key, want status.Reason) {
		t.Helper()
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for end := time.Now().Add(authtest.Patience); ; <-ticker.C {
			_, err := authtest.Authenticate(ctx, p, bearer(tokens[key]))
			if status.ReasonOf(err) == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%v; want %s", err, want)
			}
		}
	}
	until(one, status.ReasonOK)
	until(two, status.ReasonOK)
	answers(jwttest.Set(two))
	until(one, status.ReasonTokenUntrusted)
	until(two, status.ReasonOK)
	answers([]byte("garbage"))
	until(two, status.ReasonAuthUnavailable)
	answers(jwttest.Set(one))
	until(one, status.ReasonOK)
}
