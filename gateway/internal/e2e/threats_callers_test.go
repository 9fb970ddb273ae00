// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
)

// addressFields are what clients and proxies say of where a call comes from, with an address that it does not come from.
func addressFields(address string) []string {
	return []string{
		"x-forwarded-for", address, "forwarded", "for=" + address, "x-real-ip", address, "true-client-ip", address, "cf-connecting-ip", address,
		"x-client-ip", address, "x-cluster-client-ip", address, "fastly-client-ip", address, "x-original-forwarded-for", address, "x-envoy-external-address", address,
	}
}

// Threat B11: by every protocol, a call comes from its socket, for limits, the log and the backend; a proxy that is trusted is believed what it says of the
// last hop that is not, and nothing else of it.
func TestThreatB11WhereCallsComeFrom(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, sent, want string
		trusted          []netip.Prefix
	}{
		{"nobody is trusted", "203.0.113.9", "127.0.0.1", nil},
		{"another proxy is trusted", "203.0.113.9", "127.0.0.1", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		{"this one is", "203.0.113.9", "203.0.113.9", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		{"this one is, and the client has made up more", "10.9.9.9, 203.0.113.9", "203.0.113.9", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	} {
		s := limited(t, 1_000_000)
		d := start(t, func(c *config.Config) {
			limitBy(t, s, patience/4, config.LimitRule{Name: "address", Match: config.AllMethods(), Key: "client.address", Limit: perDay(1)})(c)
			c.Listeners[0].TrustedProxies = row.trusted
		})
		d.lastLine(t, storeIsAsked, storeIsGone)
		for i, w := range ways {
			id := fmt.Sprintf("from-%d", i)
			if !w.call(t, d, canaryEcho, append([]string{"x-request-id", id}, addressFields(row.sent)...)...) {
				continue
			}
			if got := d.logged(t, id)["client_ip"]; got != row.want {
				t.Errorf("%s: %s: the log says %v", row.name, w.name, got)
			}
			if got := s.take(); !slices.Equal(got, []string{"rule=address client.address=" + row.want}) {
				t.Errorf("%s: %s is counted by %q", row.name, w.name, got)
			}
			seen := d.backend.Last(canaryEcho)
			for j := 0; j < len(addressFields("")); j += 2 {
				name := addressFields("")[j]
				got := metadataOf(seen, name)
				if name == "x-forwarded-for" {
					if len(got) == 0 || !strings.HasSuffix(got[len(got)-1], "127.0.0.1") {
						t.Errorf("%s: %s: the backend is told x-forwarded-for %q", row.name, w.name, got)
					}
				} else if slices.Contains([]string{"forwarded", "x-real-ip"}, name) && got != nil {
					t.Errorf("%s: %s: the backend is told %s %q", row.name, w.name, name, got)
				}
			}
		}
	}
}

// Threat C19: nobody gets by authentication because of what they say that they are, or by asking first.
func TestThreatC19NoWayAround(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		c.Defaults.CORS = corsFor("https://app.example", true)
	})
	none(t, d.arrivals(func() {
		for _, agent := range []string{"kube-probe/1.31", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Consul Health Check", "Envoy/HC", "grpc_health_probe"} {
			for i, w := range ways {
				id := fmt.Sprintf("probe-%s-%d", strings.NewReplacer("/", "", " ", "").Replace(agent), i)
				if got, made := d.decide(t, w, canaryAdmin, id, "x-user-agent", agent, "x-health-check", "1"); made && got.Code != "UNAUTHENTICATED" {
					t.Errorf("%s as %s: %+v", w.name, agent, got)
				}
			}
			if a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "user-agent", agent); a.status != 401 {
				t.Errorf("%s: %d", agent, a.status)
			}
		}
		for _, c := range d.both(t) {
			for _, target := range []string{"/canary/v1/echo", "/canary/v1/admin/a", canaryEcho, canaryAdmin} {
				for _, fields := range [][]string{
					nil,
					{"origin", "https://app.example"},
					{"origin", "https://app.example", "access-control-request-method", "POST"},
					{"origin", "https://app.example", "access-control-request-method", "DELETE", "content-type", "application/json"},
					{"access-control-request-method", "GET", "content-type", "application/proto"},
				} {
					for _, body := range []string{"", "{}"} {
						if a := c.call(t, "OPTIONS", target, body, fields...); a.status == 200 || a.status >= 500 {
							t.Errorf("%s: OPTIONS %s with %q: %d %s", c.name, target, fields, a.status, a.body)
						}
					}
				}
				if a := c.call(t, "HEAD", target, ""); a.status < 400 {
					t.Errorf("%s: HEAD %s: %d", c.name, target, a.status)
				}
			}
		}
	}))
}

// Threat G2: callers whose names are one when they are put together have limits of their own, in memory as anywhere.
func TestThreatG2CallersThatLookAlike(t *testing.T) {
	t.Parallel()
	const limit = 3
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		limitTo(config.LimitRule{Name: "caller", Match: config.AllMethods(), Key: "auth.tenant+auth.subject || client.address", Limit: perDay(limit)})(c)
	})
	c := d.h2(t)
	for _, who := range [][2]string{{"a:b", "c"}, {"a", "b:c"}, {"ab", "c"}, {"a", "bc"}, {"a b", "c"}, {"a", "b c"}, {"a,b", "c"}, {"a", "b,c"}, {"a+b", "c"}, {"a|b", "c"}, {"127.0.0.1", "c"}, {strings.Repeat("a", 300), "c"}, {strings.Repeat("a", 301), "c"}} {
		token := "Bearer " + key.Token(who[1], map[string]any{"tenant": who[0]})
		passed := 0
		for range limit + 2 {
			switch a := c.call(t, "GET", "/canary/v1/echo", "", "authorization", token); a.status {
			case 200:
				passed++
			case 429:
			default:
				t.Fatalf("%.40q: %d %s", who, a.status, a.body)
			}
		}
		if passed != limit {
			t.Errorf("%.40q: %d passed; want %d", who, passed, limit)
		}
	}
}

// Threat C7: whatever a key server answers, the gateway starts, refuses tokens at once, serves the rest, and takes up good keys when they come.
func TestThreatC7KeyServersThroughTheGateway(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	many := make([]map[string]any, 10_000)
	for i := range many {
		many[i] = map[string]any{"kty": "EC", "crv": "P-256", "kid": fmt.Sprint(i), "x": "AA", "y": "AA"}
	}
	huge := key.JWK()
	huge["kty"], huge["n"], huge["e"] = "RSA", jwttest.Encode(new(big.Int).Lsh(big.NewInt(1), 65_535).Bytes()), "AQAB"
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"a bomb of gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
		"ten thousand keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(jwttest.JSON(map[string]any{"keys": many}))
		},
		"a huge key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(jwttest.JSON(map[string]any{"keys": []any{huge}}))
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\xff{{") },
		"a list":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[null, {"keys": {}}]`) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/keys", http.StatusFound)
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := httptest.NewServer(answer)
			t.Cleanup(keys.Close)
			d := start(t, func(c *config.Config) {
				canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Keys = jwks.Config{URL: keys.URL} }, key))
			})
			token := key.Token("alice", map[string]any{"tenant": "t1"})
			n := 0
			none(t, d.arrivals(func() {
				for _, w := range ways {
					n++
					began := time.Now()
					if got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("keys-%d", n), "authorization", "Bearer "+token); made && (got.Code == "OK" || got.Reason != "auth_unavailable") {
						t.Errorf("%s: %+v", w.name, got)
					}
					if took := time.Since(began); took > patience/2 {
						t.Errorf("%s: refused after %s", w.name, took)
					}
				}
			}))
			if a := d.h1(t).call(t, "GET", "/canary/v1/public", ""); a.status != 200 {
				t.Errorf("what is open: %d", a.status)
			}
		})
	}
}
