// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Methods of the canary, by who may call them.
const (
	canaryPublic   = "/dragoman.test.v1.PublicService/Get"
	canaryUser     = "/dragoman.test.v1.UserService/Get"
	canaryAdmin    = "/dragoman.test.v1.AdminService/Delete"
	canaryEcho     = echo + "Echo"
	canaryStream   = echo + "Stream"
	canaryConverse = echo + "Converse"
)

// jwtProvider is a provider of authentication whose keys are in a file.
func jwtProvider(t testing.TB, name string, edit func(*jwt.Config), keys ...*jwttest.Key) config.AuthProvider {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, jwttest.Set(keys...), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &jwt.Config{
		Name: name, Issuer: jwttest.Issuer, Audiences: []string{jwttest.Audience}, Algorithms: []string{"RS256", "ES256"}, Keys: jwks.Config{File: file},
		Claims: auth.ClaimNames{Tenant: "tenant", Forward: map[string]string{"sub": "x-user-id", "tenant": "x-tenant-id"}},
	}
	if edit != nil {
		edit(cfg)
	}
	return config.AuthProvider{Name: name, JWT: cfg}
}

// canaryAuth opens the public service to everybody, and asks for a token by a provider for the others.
func canaryAuth(t testing.TB, c *config.Config, p ...config.AuthProvider) {
	t.Helper()
	c.Auth.Providers = append(c.Auth.Providers, p...)
	c.Defaults.Auth = []string{p[0].Name}
	public, err := config.ParseGlob("dragoman.test.v1.PublicService")
	if err != nil {
		t.Fatal(err)
	}
	c.Services = append([]config.Service{{Match: public, Backend: "test", Policy: config.Policy{Auth: []string{config.Everybody}}}}, c.Services...)
}

// Threats B1 to B5: what only the gateway says, no client can say, whether or not it is asked who it is, in whatever spelling.
func TestThreatB1NoClientForgesAnIdentity(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		c.Listeners[0].AllowUnderscores = true
		c.Defaults.Headers.Allow = []string{"x-user-id", "x.user.id", "cookie"}
	})
	token := []string{"authorization", "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})}
	names := []string{
		"x-user-id", "X-User-Id", "X-USER-ID", "x_user_id", "X_User_Id", "x.user.id", "x.user-id", "x-user_id", "x_user-id", "x-user.id",
		"grpc-metadata-x-user-id", "grpcgateway-x-user-id",
	}
	n := 0
	for _, method := range []string{canaryPublic, canaryEcho} {
		for _, name := range names {
			for _, w := range ways {
				fields := []string{name, "admin", name, "root", "x-tenant-id", "evil"} // B2: each of several
				if w.name == "rest" || w.name == "connect" {
					fields = append(fields, "x-keep", "1")
				}
				if method != canaryPublic {
					fields = append(fields, token...)
				}
				n++
				got, made := d.decide(t, w, method, fmt.Sprintf("forged-%d", n), fields...)
				if !made {
					continue
				}
				if got.Code != "OK" || got.Arrived != 1 {
					t.Errorf("%s: %s with %s: %+v", w.name, method, name, got)
					continue
				}
				for _, m := range d.backend.Last(method).GetMetadata() {
					plain := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(m.GetKey()))
					want := map[string]string{"x-user-id": "[alice]", "x-tenant-id": "[t1]"}[plain]
					if method == canaryPublic && want != "" || want != "" && (m.GetKey() != plain || fmt.Sprint(m.GetValues()) != want) || plain == "x-keep" && len(m.GetValues()) != 1 {
						t.Errorf("%s: %s with %s: the backend is told %s: %v", w.name, method, name, m.GetKey(), m.GetValues())
					}
				}
			}
		}
	}
	// B4: what Connection names is for this hop; what the gateway adds is not.
	for _, field := range []string{"Connection", "connection"} {
		a, err := d.rawH1(t, "GET "+"/canary/v1/echo HTTP/1.1\r\nHost: a\r\n"+field+": x-user-id, authorization, X-Tenant-Id\r\nAuthorization: "+token[1]+"\r\nX-User-Id: admin\r\n\r\n")
		if err != nil || a.status != 200 {
			t.Fatalf("%v, %+v", err, a)
		}
		if got := metadataOf(d.backend.Last(canaryEcho), "x-user-id"); fmt.Sprint(got) != "[alice]" {
			t.Errorf("%s: the backend is told x-user-id %v", field, got)
		}
	}
}

// T157, D13: what a refusal says in each protocol; and that the body was not waited for.
func TestT157_WhatARefusalSays(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) { canaryAuth(t, c, jwtProvider(t, "mobile", nil, key)) })
	expired := "Bearer " + key.Token("alice", map[string]any{"tenant": "t1", "exp": 1})
	for _, c := range d.both(t) {
		a := c.call(t, "GET", "/canary/v1/echo", "")
		if a.status != 401 || a.header.Get("Www-Authenticate") != "Bearer" || a.header.Get("X-Dragoman-Reason") != "unauthenticated" || !strings.Contains(a.body, "UNAUTHENTICATED") {
			t.Errorf("%s: REST without a token: %d %v %s", c.name, a.status, a.header, a.body)
		}
		a = c.call(t, "GET", "/canary/v1/echo", "", "authorization", expired)
		if want := `Bearer error="invalid_token", error_description="the token has expired"`; a.status != 401 || a.header.Get("Www-Authenticate") != want || !strings.Contains(a.body, "TOKEN_EXPIRED") {
			t.Errorf("%s: REST with an expired token: %d %v %s", c.name, a.status, a.header, a.body)
		}
		a = c.call(t, "POST", canaryEcho, "{}", connectJSON()...)
		if a.status != 401 || a.header.Get("Www-Authenticate") != "Bearer" || !strings.Contains(a.body, `"unauthenticated"`) {
			t.Errorf("%s: Connect without a token: %d %v %s", c.name, a.status, a.header, a.body)
		}
		a = c.do(t, c.request(t, "POST", canaryEcho, "", web("application/grpc-web+proto")...))
		if a.status != 200 || !strings.Contains(a.header.Get("Grpc-Status")+a.body, "16") {
			t.Errorf("%s: gRPC-Web without a token: %d %v %q", c.name, a.status, a.header, a.body)
		}
	}
	// The client says that it will send a body when it is told to go on, which it is not.
	a, err := d.rawH1(t, "POST /canary/v1/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n")
	if err != nil || a.status != 401 {
		t.Errorf("Expect: 100-continue: %v, %+v", err, a)
	}
	// And one that never sends the body that it promised.
	a, err = d.rawH1(t, "POST /canary/v1/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{")
	if err != nil || a.status != 401 {
		t.Errorf("a body that does not come: %v, %+v", err, a)
	}
	// A14, H6: a method that is there and one that is not are told apart only where they were before.
	none(t, d.arrivals(func() {
		for _, c := range d.both(t) {
			c.call(t, "OPTIONS", "/canary/v1/echo", "") // C19: no way around
			c.call(t, "GET", "/canary/v1/echo", "", "user-agent", "kube-probe/1")
		}
	}))
}

// Threat B10: credentials that are there twice are nobody's, whichever is good.
func TestThreatB10CredentialsTwice(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Carrier.Cookie = "session" }, key))
	})
	good := key.Token("alice", map[string]any{"tenant": "t1"})
	none(t, d.arrivals(func() {
		for _, c := range d.both(t) {
			for _, fields := range [][]string{
				{"authorization", "Bearer " + good, "authorization", "Bearer bad"},
				{"authorization", "Bearer bad", "authorization", "Bearer " + good},
				{"authorization", "Bearer " + good + ", Bearer bad"},
				{"cookie", "session=" + good + "; session=bad", "x-requested-with", "a"},
				{"cookie", "session=bad", "cookie", "session=" + good, "x-requested-with", "a"},
				{"authorization", "Bearer bad", "cookie", "session=" + good, "x-requested-with", "a"},
			} {
				if a := c.call(t, "GET", "/canary/v1/echo", "", fields...); a.status != 400 && a.status != 401 {
					t.Errorf("%s: %.60q: %d", c.name, fields, a.status)
				}
			}
		}
	}))
}

// Threats F3 and F4: a cookie alone proves nothing, for browsers send it for pages of any site.
func TestThreatF3F4CookiesOfOtherSites(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Carrier.Cookie = "session" }, key))
		c.Defaults.CORS = corsFor("https://app.example", true)
	})
	token := key.Token("alice", map[string]any{"tenant": "t1"})
	cookie := []string{"cookie", "a=b; session=" + token}
	own := "http://" + d.address
	for _, row := range []struct {
		name   string
		fields []string
		ok     bool
	}{
		{"nothing else", nil, false},
		{"from this site", []string{"sec-fetch-site", "same-origin"}, true},
		{"by the user's own hand", []string{"sec-fetch-site", "none"}, true},
		{"a sibling site", []string{"sec-fetch-site", "same-site"}, false},
		{"another site", []string{"sec-fetch-site", "cross-site"}, false},
		{"this origin", []string{"origin", own}, true},
		{"an origin that CORS lets in with credentials", []string{"origin", "https://app.example", "sec-fetch-site", "cross-site"}, true},
		{"another origin", []string{"origin", "https://evil.example"}, false},
		{"another origin, that says it is the same", []string{"origin", "https://evil.example", "sec-fetch-site", "same-origin"}, false},
		{"another origin and a header of one's own", []string{"origin", "https://evil.example", "x-requested-with", "a"}, false},
		{"null", []string{"origin", "null"}, false},
		{"this origin by another scheme", []string{"origin", "https://" + d.address}, false},
		{"this origin by another scheme, behind a proxy that ends TLS", []string{"origin", "https://" + d.address, "sec-fetch-site", "same-origin"}, true},
		{"two origins", []string{"origin", own, "origin", "https://evil.example"}, false},
		{"a header that pages of other sites cannot send", []string{"x-requested-with", "XMLHttpRequest"}, true},
		{"another site, with such a header", []string{"sec-fetch-site", "cross-site", "x-requested-with", "a"}, false},
	} {
		c := d.h1(t)
		if a := c.call(t, "POST", "/canary/v1/echo", "{}", append(row.fields, cookie...)...); (a.status == 200) != row.ok || !row.ok && a.header.Get("X-Dragoman-Reason") != "cross_site" {
			t.Errorf("%s: %d %s", row.name, a.status, a.body)
		}
		// A token that the page itself sends needs no such thing.
		if a := c.call(t, "POST", "/canary/v1/echo", "{}", append(row.fields, "authorization", "Bearer "+token)...); a.status != 200 {
			t.Errorf("%s, with a token of its own: %d %s", row.name, a.status, a.body)
		}
	}
	for _, row := range []struct {
		name   string
		origin string
		ok     bool
	}{{"no origin", "", false}, {"its own", own, true}, {"another", "https://evil.example", false}, {"null", "null", false}, {"another port", own + "1", false}, {"CORS", "https://app.example", true}} {
		fields := append([]string{}, cookie...)
		if row.origin != "" {
			fields = append(fields, "origin", row.origin)
		}
		k, a, err := d.tryConnect(t, canaryEcho, nil, fields...)
		if (err == nil) != row.ok || err != nil && a.status != 403 {
			t.Errorf("a WebSocket by %s: %v, %d", row.name, err, a.status)
		}
		if k != nil {
			k.send("{}")
			k.next(ws.MessageText)
		}
	}
	// F3: a form with text/plain is no JSON, whoever sends it.
	none(t, d.arrivals(func() {
		c := d.h1(t)
		if a := c.call(t, "POST", "/canary/v1/echo", "{}", append([]string{"content-type", "text/plain", "sec-fetch-site", "same-origin"}, cookie...)...); a.status != 415 {
			t.Errorf("text/plain: %d", a.status)
		}
	}))
}

// Threats F5 and F6: the token of a WebSocket comes by a subprotocol, which is not given back, or with the head; never in the URL; and it counts before
// the connection is one.
func TestThreatF5F6TokenOfAWebSocket(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) { canaryAuth(t, c, jwtProvider(t, "mobile", nil, key)) })
	token := key.Token("alice", map[string]any{"tenant": "t1"})
	k := d.connect(t, canaryEcho, []string{"bearer." + token, "dragoman.json"})
	if k.conn.Subprotocol() != "dragoman.json" {
		t.Errorf("the subprotocol is %q", k.conn.Subprotocol())
	}
	k.send("{}")
	if seen := seenIn(t, k.next(ws.MessageText)); fmt.Sprint(metadataOf(seen, "x-user-id")) != "[alice]" || len(metadataOf(seen, "authorization")) > 0 {
		t.Errorf("the backend saw %v", seen)
	}
	none(t, d.arrivals(func() {
		for _, target := range []string{"/canary/v1/echo?access_token=" + token, "/canary/v1/echo?token=" + token, canaryEcho} {
			_, a, err := d.tryConnect(t, target, nil)
			if err == nil || a.status != 401 && a.status != 400 {
				t.Errorf("%.30s: %v, %d", target, err, a.status)
			}
		}
		if _, a, err := d.tryConnect(t, canaryEcho, []string{"bearer." + token + "x", "dragoman.json"}); err == nil || a.status != 401 {
			t.Errorf("a bad token: %v, %d", err, a.status)
		}
	}))
	if log := d.access.String() + d.log.String(); strings.Contains(log, token[len(token)-20:]) {
		t.Error("the token is in a log")
	}
}

// Alternatives, several at once, and callers that may stay unknown.
func TestAuthAlternatives(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "one", "ES256"), jwttest.NewKey(t, "two", "ES256")
	var policy []string
	run := func(rule ...string) *dragoman {
		policy = rule
		return start(t, func(c *config.Config) {
			canaryAuth(t, c,
				jwtProvider(t, "a", func(c *jwt.Config) { c.Claims.Tenant, c.Claims.Forward = "", map[string]string{"sub": "x-a"} }, one),
				jwtProvider(t, "b", func(c *jwt.Config) {
					c.Issuer, c.Carrier.Header, c.Claims = "b", "x-token", auth.ClaimNames{Forward: map[string]string{"sub": "x-b"}}
				}, two))
			c.Defaults.Auth = policy
		})
	}
	a := []string{"authorization", "Bearer " + one.Token("alice", nil)}
	b := []string{"x-token", two.Token("bob", map[string]any{"iss": "b"})}
	badA, badB := []string{"authorization", "Bearer x"}, []string{"x-token", "x"}
	both := append(append([]string{}, a...), b...)
	type want struct {
		fields []string
		status int
		seen   string // x-a and x-b at the backend
	}
	for _, row := range []struct {
		rule []string
		want []want
	}{
		{[]string{"a", "b"}, []want{
			{nil, 401, ""},
			{a, 200, "[alice][]"},
			{b, 200, "[][bob]"},
			{both, 200, "[alice][]"},
			{badA, 401, ""},
			{append(append([]string{}, badA...), b...), 200, "[][bob]"},
			{append(append([]string{}, badA...), badB...), 401, ""},
		}},
		{[]string{"a+b"}, []want{{nil, 401, ""}, {a, 401, ""}, {b, 401, ""}, {both, 200, "[alice][bob]"}, {append(append([]string{}, a...), badB...), 401, ""}}},
		{[]string{"a", "none"}, []want{{nil, 200, "[][]"}, {a, 200, "[alice][]"}, {badA, 401, ""}, {b, 200, "[][]"}}},
		{[]string{"none"}, []want{{nil, 200, "[][]"}, {badA, 200, "[][]"}, {a, 200, "[][]"}}},
		{nil, []want{{nil, 200, "[][]"}, {badA, 200, "[][]"}}},
	} {
		d := run(row.rule...)
		for _, w := range row.want {
			c := d.h1(t)
			answer := c.call(t, "GET", "/canary/v1/echo", "", append(w.fields, "x-a", "forged", "x-b", "forged")...)
			got := ""
			if answer.status == 200 {
				seen := d.backend.Last(canaryEcho)
				got = fmt.Sprint(metadataOf(seen, "x-a"), metadataOf(seen, "x-b"))
				got = strings.ReplaceAll(got, "] [", "][")
			}
			if answer.status != w.status || got != w.seen {
				t.Errorf("%v with %.40q: %d %s; want %d %s", row.rule, w.fields, answer.status, got, w.status, w.seen)
			}
		}
		if err := d.stop(patience); err != nil {
			t.Error(err)
		}
	}
}

// Credentials stay here, unless the provider says that backends read them.
func TestCredentialsAreForwardedWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	for _, forward := range []bool{false, true} {
		d := start(t, func(c *config.Config) {
			p := jwtProvider(t, "mobile", nil, key)
			p.ForwardCredentials = forward
			canaryAuth(t, c, p)
		})
		c := d.h1(t)
		value := "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})
		c.call(t, "GET", "/canary/v1/echo", "", "authorization", value)
		if got := metadataOf(d.backend.Last(canaryEcho), "authorization"); len(got) > 0 != forward || forward && got[0] != value {
			t.Errorf("forward_credentials %t: the backend saw %v", forward, got)
		}
	}
}

// Fault 27: a key that is new is known at once, and no good token is refused; C8: one that is gone is gone.
func TestFault27KeyRotation(t *testing.T) {
	t.Parallel()
	old, next := jwttest.NewKey(t, "old", "ES256"), jwttest.NewKey(t, "next", "ES256")
	keys := serveKeys(t, jwttest.Set(old))
	d := start(t, func(c *config.Config) {
		p := jwtProvider(t, "mobile", func(c *jwt.Config) { c.Keys = jwks.Config{URL: keys.URL} }, old)
		canaryAuth(t, c, p)
	})
	c := d.h1(t)
	get := func(key *jwttest.Key) int {
		return c.call(t, "GET", "/canary/v1/echo", "", "authorization", "Bearer "+key.Token("alice", map[string]any{"tenant": "t1"})).status
	}
	if got := get(old); got != 200 { // the keys may just be on their way
		t.Errorf("the old key: %d", got)
	}
	keys.set(jwttest.Set(old, next))
	for _, key := range []*jwttest.Key{next, old, next} {
		if got := get(key); got != 200 {
			t.Errorf("after the rotation, key %s: %d", key.ID, got)
		}
	}
	// Fault 26: where keys are not to be had, tokens of a stranger are refused at once all the same.
	keys.set(nil)
	stranger := jwttest.NewKey(t, "stranger", "ES256")
	if got := get(stranger); got != 401 {
		t.Errorf("a stranger: %d", got)
	}
	if got := get(next); got != 200 {
		t.Errorf("a key that is known: %d", got)
	}
}

// Fault 26: where no keys are to be had from the start, calls fail closed and at once, and go on when the keys come.
func TestFault26NoKeys(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	keys := serveKeys(t, nil)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Keys = jwks.Config{URL: keys.URL} }, key))
	})
	c := d.h1(t)
	get := func() *answer {
		return c.call(t, "GET", "/canary/v1/echo", "", "authorization", "Bearer "+key.Token("alice", map[string]any{"tenant": "t1"}))
	}
	only(t, d.arrivals(func() {
		if a := get(); a.status != 503 || a.header.Get("X-Dragoman-Reason") != "auth_unavailable" || strings.Contains(a.body, "127.0.0.1") {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
		if a := c.call(t, "GET", "/canary/v1/public", ""); a.status != 200 {
			t.Errorf("a method that asks nobody: %d", a.status)
		}
	}), canaryPublic)
	keys.set(jwttest.Set(key))
	eventually(t, func() error {
		if a := get(); a.status != 200 {
			return fmt.Errorf("%d %s", a.status, a.body)
		}
		return nil
	})
}

// keyServer is where keys are fetched from.
type keyServer struct {
	*httptest.Server
	answer atomic.Pointer[[]byte]
}

// serveKeys serves a key set until the test ends; nil is an error.
func serveKeys(t testing.TB, set []byte) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.set(set)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if data := *s.answer.Load(); data != nil {
			_, _ = w.Write(data)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) set(data []byte) { s.answer.Store(&data) }

func corsFor(origin string, credentials bool) *cors.Config {
	return &cors.Config{AllowOrigins: []string{origin}, AllowCredentials: credentials}
}

// Threat C22: a stream ends when the token with which it began does: over WebSocket, and elsewhere where that is said.
func TestThreatC22StreamsOutliveNoToken(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	for _, everywhere := range []bool{false, true} {
		d := start(t, func(c *config.Config) {
			p := jwtProvider(t, "mobile", func(c *jwt.Config) { c.Leeway = time.Second }, key)
			if everywhere {
				p.EndStreams = &everywhere
			}
			canaryAuth(t, c, p)
		})
		token := func() string {
			return key.Token("alice", map[string]any{"tenant": "t1", "exp": float64(time.Now().UnixMilli())/1000 - 0.5}) // half a second and the leeway
		}
		k := d.connect(t, echo+"Converse", []string{"bearer." + token(), "dragoman.json"})
		k.send("{}")
		k.next(ws.MessageText)
		k.ends(4000+16, "expired")

		ctx := metadata.AppendToOutgoingContext(within(t), "authorization", "Bearer "+token(), "x-request-id", "stream")
		began := time.Now()
		s, err := d.dial(t).NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, echo+"Converse")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.SendMsg(&testv1.CanaryRequest{}), s.RecvMsg(&testv1.CanaryResponse{})); err != nil {
			t.Fatal(err)
		}
		if !everywhere {
			for time.Since(began) < time.Second { // until after the token has expired
				if err := errors.Join(s.SendMsg(&testv1.CanaryRequest{}), s.RecvMsg(&testv1.CanaryResponse{})); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(&testv1.CanaryResponse{}); !errors.Is(err, io.EOF) {
				t.Errorf("a stream that may go on: %v", err)
			}
			continue
		}
		if err := s.RecvMsg(&testv1.CanaryResponse{}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%v", err)
		}
		if r := d.access.await(t, "stream"); r.Reason != "token_expired" || r.Subject != "alice" {
			t.Errorf("the log has %+v", r)
		}
	}
}

// What the gateway itself answers is asked for as all else is, and can be opened as all else.
func TestAuthOfHealthAndReflection(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	for _, open := range []bool{false, true} {
		d := start(t, func(c *config.Config) {
			withLocal(c)
			canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
			if open {
				health, err := config.ParseGlob(healthService)
				if err != nil {
					t.Fatal(err)
				}
				c.Services = append(c.Services, config.Service{Match: health, Backend: "test", Policy: config.Policy{Auth: []string{config.Everybody}}})
			}
		})
		check := func(fields ...string) codes.Code {
			ctx := metadata.AppendToOutgoingContext(within(t), fields...)
			_, err := healthv1.NewHealthClient(d.dial(t)).Check(ctx, &healthv1.HealthCheckRequest{})
			return status.Code(err)
		}
		want := map[bool]codes.Code{false: codes.Unauthenticated, true: codes.OK}[open]
		if got := check(); got != want {
			t.Errorf("health for everybody (%t): %s; want %s", open, got, want)
		}
		if got := check("authorization", "Bearer "+key.Token("alice", map[string]any{"tenant": "t1"})); got != codes.OK {
			t.Errorf("health with a token: %s", got)
		}
		s, err := reflectionv1.NewServerReflectionClient(d.dial(t)).ServerReflectionInfo(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); status.Code(err) != codes.Unauthenticated { // before a message was sent
			t.Errorf("reflection: %v", err)
		}
	}
}
