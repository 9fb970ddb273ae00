// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Threat C12: of many callers at the same time, each is themselves, whatever was remembered of the others.
func TestThreatC12ManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) { canaryAuth(t, c, jwtProvider(t, "mobile", nil, key)) })
	// Names that one could be taken for another if they were put together.
	callers := [][2]string{{"a", "b:c"}, {"a:b", "c"}, {"a b", "c"}, {"a", "b c"}, {"ab", "c"}, {"a", "bc"}, {"a,b", "c"}, {"a", "b,c"}}
	tokens := make([]string, len(callers))
	for i, c := range callers {
		tokens[i] = key.Token(c[0], map[string]any{"tenant": c[1]})
	}
	h1, h2 := d.h1(t), d.h2(t)
	var calling sync.WaitGroup
	for n := range 200 {
		calling.Go(func() {
			for range 5 {
				i := rand.IntN(len(callers)) //nolint:gosec // no secret
				c := h1
				if n%2 == 0 {
					c = h2
				}
				a, err := c.try(c.request(t, "GET", "/canary/v1/echo", "", "authorization", "Bearer "+tokens[i]))
				if err != nil || a.status != 200 {
					t.Errorf("%v, %+v", err, a)
					return
				}
				seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
				if got, want := fmt.Sprint(metadataOf(seen, "x-user-id"), metadataOf(seen, "x-tenant-id")), fmt.Sprintf("[%s] [%s]", callers[i][0], callers[i][1]); got != want {
					t.Errorf("the backend is told %s; want %s", got, want)
				}
			}
		})
	}
	calling.Wait()
}

// Threat C6: tokens with keys that are not there, from twenty addresses, make the gateway fetch no more than twice, and hold up nobody.
func TestThreatC6UnknownKeys(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	var hits atomic.Int64
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		_, _ = w.Write(jwttest.Set(key))
	}))
	t.Cleanup(keys.Close)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Keys = jwks.Config{URL: keys.URL} }, key))
	})
	good := "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})
	c := d.h2(t)
	if a := c.call(t, "GET", "/canary/v1/echo", "", "authorization", good); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	claims := jwttest.JSON(jwttest.Claims("alice", nil))
	begin := time.Now()
	var calling sync.WaitGroup
	none(t, d.arrivals(func() {
		for n := range 20 {
			c := d.from(t, fmt.Sprintf("127.0.0.%d", 10+n))
			calling.Go(func() {
				for i := range 50 {
					token := key.Sign(jwttest.JSON(key.Header(map[string]any{"kid": fmt.Sprintf("../%d/%d", n, i)})), claims)
					a, err := c.try(c.request(t, "GET", "/canary/v1/echo", "", "authorization", "Bearer "+token))
					if err != nil || a.status != 401 || a.header.Get("X-Dragoman-Reason") != "token_untrusted" {
						t.Errorf("%v, %+v", err, a)
						return
					}
				}
			})
		}
		calling.Wait()
	}))
	if n := hits.Load(); n > 2 && time.Since(begin) < jwks.MissInterval {
		t.Errorf("the keys were fetched %d times for a thousand tokens", n)
	}
	if a := c.call(t, "GET", "/canary/v1/echo", "", "authorization", good); a.status != 200 {
		t.Errorf("a good token, after all that: %d", a.status)
	}
}

// Threat F2: what a preflight asks for is answered in no time, however long it is, or not at all.
func TestThreatF2LongPreflights(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Listeners[0].MaxHeader = 1 << 20
		c.Defaults.CORS = corsFor("https://app.example", true)
	})
	c := d.h1(t)
	for _, asked := range []string{strings.Repeat(",", 500<<10), strings.Repeat("a,", 250<<10), "authorization"} {
		begin := time.Now()
		a := c.call(t, "OPTIONS", "/canary/v1/echo", "", "origin", "https://app.example", "access-control-request-method", "POST", "access-control-request-headers", asked)
		if took := time.Since(begin); took > patience/4 || a.status >= 500 {
			t.Errorf("%d bytes: %d after %s", len(asked), a.status, took)
		}
	}
}

// Threat F8: a request that is sent behind one for an upgrade is never answered by it, nor let in by it; and only a WebSocket is one to upgrade to.
func TestThreatF8RequestsBehindAnUpgrade(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) { canaryAuth(t, c, jwtProvider(t, "mobile", nil, key)) })
	good := key.Token("alice", map[string]any{"tenant": "t1"})
	upgrade := "GET " + canaryEcho + " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	behind := "DELETE /canary/v1/admin/a HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, request := range map[string]string{
		"refused":                upgrade + "\r\n" + behind,
		"let in":                 upgrade + "Authorization: Bearer " + good + "\r\n\r\n" + behind,
		"to something else":      strings.Replace(upgrade, "websocket", "h2c", 1) + "Authorization: Bearer " + good + "\r\n\r\n" + behind,
		"to something else, too": strings.Replace(upgrade, "websocket", "TLS/1.0", 1) + "\r\n" + behind,
	} {
		arrived := d.arrivals(func() {
			s := d.socket(t)
			if _, err := s.Write([]byte(request)); err != nil {
				t.Fatal(err)
			}
			if err := s.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(s)
			for range 2 {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if strings.Contains(line, " 101 ") && name != "let in" {
					t.Errorf("%s: %s", name, line)
				}
			}
			_, _ = io.Copy(io.Discard, r)
		})
		if arrived[canaryAdmin] > 0 {
			t.Errorf("%s: the request behind it reached the backend", name)
		}
	}
}
