// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis/redistest"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// policies asks the admin API how policies fare.
func (d *dragoman) policies(t testing.TB) *adminv1.ListPoliciesResponse {
	t.Helper()
	all, err := adminv1.NewPolicyServiceClient(d.administer(t)).ListPolicies(within(t), &adminv1.ListPoliciesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A provider of authentication tells whom it let through, why others were refused, what keys it has and since when, and why they could not be
// had.
func TestAdminTellsHowProvidersFare(t *testing.T) {
	t.Parallel()
	key, stranger := jwttest.NewKey(t, "k", "ES256"), jwttest.NewKey(t, "x", "ES256")
	keys := serveKeys(t, nil)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", func(c *jwt.Config) { c.Keys = jwks.Config{URL: keys.URL} }, key))
	})
	get := func(k *jwttest.Key, with map[string]any) int {
		return d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "", "authorization", "Bearer "+k.Token("alice", with)).status
	}
	eventually(t, func() error {
		if p := d.policies(t).GetAuthProviders()[0]; p.GetKeysError() == "" || len(p.GetKeys()) > 0 || p.GetKeysRefreshed() != nil {
			return fmt.Errorf("without keys: %v", p)
		}
		return nil
	})
	keys.set(jwttest.Set(key))
	eventually(t, func() error {
		if p := d.policies(t).GetAuthProviders()[0]; p.GetKeysError() != "" || len(p.GetKeys()) != 1 || p.GetKeys()[0].GetId() != "k" || p.GetKeys()[0].GetAlgorithm() != "ES256" ||
			time.Since(p.GetKeysRefreshed().AsTime()) > time.Minute {
			return fmt.Errorf("with keys: %v", p)
		}
		return nil
	})
	before := d.policies(t).GetAuthProviders()[0]
	same := key.Token("alice", map[string]any{"tenant": "t1"})
	for range 3 {
		if a := d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "", "authorization", "Bearer "+same); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
	}
	past := time.Now().Add(-time.Hour).Unix()
	if got := get(key, map[string]any{"exp": past}); got != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", got)
	}
	if got := get(stranger, nil); got != http.StatusUnauthorized {
		t.Errorf("a stranger's token: %d", got)
	}
	if a := d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", ""); a.status != http.StatusUnauthorized {
		t.Errorf("no token: %d", a.status)
	}
	p := d.policies(t).GetAuthProviders()[0]
	if p.GetName() != "mobile" || p.GetKind() != "jwt" || p.GetAccepted()-before.GetAccepted() != 3 || p.GetRefused()["token_expired"] != 1 || p.GetRefused()["token_untrusted"] != 1 ||
		p.GetRefused()["unauthenticated"] != 0 || p.GetCacheHits() != 2 || p.GetCacheEntries() != 1 || p.GetMethods() == 0 {
		t.Errorf("got %v", p)
	}
}

// Whether the admin API can make keys is told as it is, and why not otherwise; of other providers nothing is said of that.
func TestAdminTellsWhetherKeysCanBeMade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		readOnly bool
		gone     bool
		want     string
	}{
		{"a file that it can write", false, false, ""},
		{"an admin API that is read-only", true, false, "the admin API is read-only"},
		{"a folder that is gone since", false, true, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "keys")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(folder, "keys.yaml")
			if _, _, err := apikey.Create(file, apikey.Key{Subject: "acme"}, time.Now()); err != nil {
				t.Fatal(err)
			}
			d := start(t, func(cfg *config.Config) {
				cfg.Admin.ReadOnly = c.readOnly
				key := jwttest.NewKey(t, "k", "ES256")
				canaryAuth(t, cfg, config.AuthProvider{Name: "partner", APIKey: &apikey.Config{Name: "partner", File: file}}, jwtProvider(t, "mobile", nil, key))
			})
			if c.gone {
				if err := os.RemoveAll(folder); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range d.policies(t).GetAuthProviders() {
				writable, why := p.GetKeysWritable(), p.GetKeysNotWritable()
				if p.GetName() != "partner" {
					if writable || why != "" {
						t.Errorf("of %s is said: %t, %q", p.GetName(), writable, why)
					}
					continue
				}
				if writable != (c.want == "") || writable != (why == "") || !strings.Contains(why, c.want) {
					t.Errorf("keys can be made: %t, %q; want %q", writable, why, c.want)
				}
			}
			_, err := adminv1.NewKeyServiceClient(d.administer(t)).CreateKey(within(t), &adminv1.CreateKeyRequest{Subject: "globex"})
			if (err == nil) != (c.want == "") {
				t.Errorf("a key is made: %v", err)
			}
		})
	}
}

// A limit tells how many calls it let through and refused, and whose they were, without saying what may be secret.
func TestAdminTellsHowLimitsFare(t *testing.T) {
	t.Parallel()
	d := start(t, limitTo(
		config.LimitRule{Name: "by-key", Match: methodGlob(t, "dragoman.test.v1.EchoService/Echo"), Key: `headers["x-api-key"]+client.address`, Limit: perDay(2)},
		config.LimitRule{Name: "unused", Match: methodGlob(t, "dragoman.test.v1.EchoService/Converse"), Limit: perDay(5), MaxInFlight: 7},
	))
	call := func(key string, times int) {
		t.Helper()
		for range times {
			d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "", "x-api-key", key)
		}
	}
	call("secret-one", 5)
	call("secret-two", 3)
	all := d.policies(t).GetRateLimits()
	if len(all) != 2 {
		t.Fatalf("%v", all)
	}
	r := all[0]
	if r.GetName() != "by-key" || r.GetOrigin() != "rate_limits.rules[0]" || r.GetAdmitted() != 4 || r.GetRefused() != 4 || r.GetKeys() != 2 || len(r.GetHottest()) != 2 ||
		r.GetHottest()[0].GetRefused() != 3 || r.GetHottest()[1].GetRefused() != 1 || r.GetShared() || r.GetOnError() != "" {
		t.Errorf("got %v", r)
	}
	if key := r.GetHottest()[0].GetKey(); !strings.Contains(key, "client.address=127.0.0.1") || !strings.Contains(key, `headers["x-api-key"]=#`) || strings.Contains(r.String(), "secret") {
		t.Errorf("the key is shown as %q", key)
	}
	if u := all[1]; u.GetLimit() != "5/d, 7 at a time" || u.GetAdmitted() != 0 || len(u.GetHottest()) != 0 {
		t.Errorf("the other: %v", u)
	}
	eventually(t, func() error {
		call("secret-one", 1)
		if r := d.policies(t).GetRateLimits()[0]; r.GetRefusedPerSecond() <= 0 {
			return fmt.Errorf("%v refused per second", r.GetRefusedPerSecond())
		}
		return nil
	})
}

// What the access log may not show of a client is not shown as a key either.
func TestAdminHidesKeysThatTheLogHides(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Observability.AccessLog.Redact = []string{"client_ip"}
		limitTo(config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "client.address", Limit: perDay(1)})(c)
	})
	for range 2 {
		d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "")
	}
	if r := d.policies(t).GetRateLimits()[0]; len(r.GetHottest()) != 1 || strings.Contains(r.GetHottest()[0].GetKey(), "127.0.0.1") {
		t.Errorf("got %v", r)
	}
}

// The store of shared limits tells whether it answers and how fast; while it does not, calls are decided without it, and that is told.
func TestAdminTellsHowTheStoreOfLimitsFares(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d := start(t, func(c *config.Config) {
		c.RateLimits.Redis = &redis.Config{Addresses: []string{server.Address}}
		limitTo(config.LimitRule{Name: "shared", Match: config.AllMethods(), Limit: ratelimit.Rate{Count: 1000, Per: time.Second}, Shared: true})(c)
	})
	call := func() { d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "") }
	eventually(t, func() error {
		call()
		all := d.policies(t)
		if s := all.GetLimitStore(); s.GetKind() != "redis" || s.GetLocation() != server.Address || !s.GetOk() || s.GetFallingBack() || s.GetAsked() == 0 || s.GetLatency().AsDuration() <= 0 || s.GetSince() == nil {
			return fmt.Errorf("the store: %v", s)
		}
		if r := all.GetRateLimits()[0]; !r.GetShared() || r.GetOnError() != "local" {
			return fmt.Errorf("the rule: %v", r)
		}
		return nil
	})
	server.Stop(t)
	eventually(t, func() error {
		call()
		all := d.policies(t)
		if s := all.GetLimitStore(); s.GetOk() || !s.GetFallingBack() || s.GetError() == "" || s.GetFailed() == 0 {
			return fmt.Errorf("the store that is gone: %v", s)
		}
		if all.GetRateLimits()[0].GetWithoutStore() == 0 {
			return errors.New("no call was decided without it")
		}
		return nil
	})
}

// A circuit breaker tells whether there is one, and why it does not let calls through.
func TestAdminTellsHowBreakersStand(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Backends[0].CircuitBreaker.FailurePercent, c.Backends[0].CircuitBreaker.MinCalls = 50, 1
	})
	if b := d.policies(t).GetCircuitBreakers()[0]; b.GetState() != "closed" || !b.GetConfigured() || b.GetReason() != "" {
		t.Errorf("before: %v", b)
	}
	eventually(t, func() error {
		d.h1(t).call(t, http.MethodGet, "/canary/v1/echo?behavior.status.code=14", "")
		if b := d.policies(t).GetCircuitBreakers()[0]; b.GetState() != "open" || !strings.Contains(b.GetReason(), "failed") || b.GetSince() == nil || b.GetUntil() == nil || b.GetRefused() == 0 {
			return fmt.Errorf("got %v", b)
		}
		return nil
	})
}
