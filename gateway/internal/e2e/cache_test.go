// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// An answer that one protocol has had answers all: whatever the order of fields and the form of the request, the backend is asked once for
// each host and scheme.
func TestAnswersServeEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, caching(minute()))
	for first := range askings {
		id := fmt.Sprintf("thing%d", first)
		for i := range askings {
			w := askings[(first+i)%len(askings)]
			request := fmt.Sprintf("serve-%d-%d", first, i)
			var got string
			arrived := d.asked(func() { got = w.ask(t, d, id, "x-request-id", request) })
			if !strings.Contains(got, id) {
				t.Errorf("%s got %q, without %s", w.name, got, id)
			}
			isFirst := true
			for j := range i {
				isFirst = isFirst && askings[(first+j)%len(askings)].secure != w.secure
			}
			want := map[bool]string{true: "miss", false: "hit"}[isFirst]
			if c := d.cached(t, request); c != want || arrived != map[bool]int{true: 1}[isFirst] {
				t.Errorf("%s, after %s: %s, %d calls arrived; want %s", w.name, askings[first].name, c, arrived, want)
			}
		}
	}
}

// Threats C12 and A14: whoever calls, by whatever protocol, nobody is ever given the answer of another.
func TestThreatC12NobodyHasTheAnswerOfAnother(t *testing.T) {
	t.Parallel()
	key, other := jwttest.NewKey(t, "k", "ES256"), jwttest.NewKey(t, "o", "ES256")
	const elsewhere = "https://other.example/"
	second := jwtProvider(t, "second", func(c *jwt.Config) {
		c.Issuer = elsewhere
		c.Claims.Forward = map[string]string{"sub": "x-user-id", "tenant": "x-tenant-id", "iss": "x-issuer"}
	}, other)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key), second)
		c.Defaults.Auth = []string{"mobile", "second", config.Everybody}
		c.Defaults.Headers.Allow = []string{"cookie"}
		p := minute()
		p.Vary = []string{"auth.subject"}
		caching(p)(c)
	})
	by := func(sub, tenant string, more ...string) []string {
		return append([]string{"authorization", "Bearer " + key.Token(sub, map[string]any{"tenant": tenant})}, more...)
	}
	foreign := other.Token("alice-1", map[string]any{"tenant": "t-one", "iss": elsewhere})
	callers := []struct {
		name   string
		fields []string
		told   []string // what the backend is told, and so the answer says; what it tells of others is in none
		cached bool
	}{
		{"nobody", nil, nil, true},
		{"alice", by("alice-1", "t-one"), []string{"alice-1", "t-one"}, true},
		{"another subject", by("eve-2", "t-two"), []string{"eve-2", "t-two"}, true},
		{"the same subject of another tenant", by("alice-1", "t-three"), []string{"alice-1", "t-three"}, true},
		{"another subject of the same tenant", by("bob-3", "t-one"), []string{"bob-3", "t-one"}, true},
		{"the same of another provider", []string{"authorization", "Bearer " + foreign}, []string{"alice-1", "t-one", elsewhere}, true},
		{"two texts that look like two others", by("alice-1t", "-one"), []string{"alice-1t", "alice-1", "-one"}, true},
		{"upper case", by("ALICE-1", "T-ONE"), []string{"ALICE-1", "T-ONE"}, true},
		{"a field in upper case", []string{"AUTHORIZATION", by("dan-4", "t-one")[1]}, []string{"dan-4", "t-one"}, true},
		{"a cookie", []string{"cookie", "session=cookie-5"}, []string{"cookie-5"}, false},
		{"another cookie", []string{"cookie", "session=cookie-6"}, []string{"cookie-6"}, false},
		{"a subject with a cookie", by("carol-7", "t-one", "cookie", "session=cookie-7"), []string{"carol-7", "t-one", "cookie-7"}, true},
		{"the subject with another cookie", by("carol-7", "t-one", "cookie", "session=cookie-8"), []string{"carol-7", "t-one", "cookie-8"}, true},
		{"the subject without one", by("carol-7", "t-one"), []string{"carol-7", "t-one"}, true},
		{"a key that nobody asks for", []string{"x-api-key", "key-9"}, []string{"key-9"}, false},
		{"forged metadata", []string{"x-user-id", "alice-1", "x-tenant-id", "t-one"}, nil, true},
		{"forged metadata of REST", []string{"grpc-metadata-x-user-id", "alice-1", "grpc-metadata-x-tenant-id", "t-one"}, nil, true},
		{"a subject with forged metadata", by("eve-2", "t-two", "x-user-id", "alice-1", "x-tenant-id", "t-one"), []string{"eve-2", "t-two"}, true},
		{"a field twice", []string{"cookie", "a=cookie-10", "cookie", "b=cookie-11"}, []string{"cookie-10", "cookie-11"}, false},
	}
	var marks []string
	for _, c := range callers {
		marks = append(marks, c.told...)
	}
	calls := 0
	for round := range 2 {
		for _, w := range askings {
			for _, c := range callers {
				calls++
				id := fmt.Sprintf("who-%d", calls)
				got := w.ask(t, d, "own", append([]string{"x-request-id", id}, c.fields...)...)
				for _, mark := range marks {
					own := slices.ContainsFunc(c.told, func(told string) bool { return strings.Contains(told, mark) })
					if strings.Contains(got, mark) != own {
						t.Errorf("%s, %s: the answer has %s: %t", w.name, c.name, mark, !own)
					}
				}
				if kept := d.cached(t, id); (kept == "bypass") == c.cached || round > 0 && c.cached && kept != "hit" {
					t.Errorf("%s, %s, round %d: %s", w.name, c.name, round, kept)
				}
			}
		}
	}
	if s := d.started.Cache().Stats(); s.Hits < int64(calls)/2 {
		t.Errorf("of %d calls %d were hits: nothing is proven", calls, s.Hits)
	}
}

// By default nothing that somebody in particular has asked for is stored, nor is anybody in particular given what is.
func TestCallsBySomebodyAreNotStoredUnlessSaid(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	token := "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})
	for _, tt := range []struct {
		name   string
		policy func(*cache.PolicyConfig)
		want   []string // of two calls by nobody, two by alice
	}{
		{"nothing said", func(*cache.PolicyConfig) {}, []string{"miss", "hit", "bypass", "bypass"}},
		{"a header is not who calls", func(p *cache.PolicyConfig) { p.Vary = []string{`headers["authorization"]`} }, []string{"miss", "hit", "bypass", "bypass"}},
		{"a tenant is not who calls", func(p *cache.PolicyConfig) { p.Vary = []string{"auth.tenant"} }, []string{"miss", "hit", "bypass", "bypass"}},
		{"by subject", func(p *cache.PolicyConfig) { p.Vary = []string{"auth.subject"} }, []string{"miss", "hit", "miss", "hit"}},
		{"shared", func(p *cache.PolicyConfig) { p.Shared = true }, []string{"miss", "hit", "hit", "hit"}},
		{"shared within a tenant", func(p *cache.PolicyConfig) { p.Shared, p.Vary = true, []string{"auth.tenant"} }, []string{"miss", "hit", "miss", "hit"}},
	} {
		d := start(t, func(c *config.Config) {
			canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
			c.Defaults.Auth = []string{"mobile", config.Everybody}
			p := minute()
			tt.policy(&p)
			caching(p)(c)
		})
		var got []string
		for i, fields := range [][]string{nil, nil, {"authorization", token}, {"authorization", token}} {
			id := fmt.Sprintf("default-%d", i)
			d.h1(t).call(t, "GET", "/canary/v1/echo", "", append([]string{"x-request-id", id}, fields...)...)
			got = append(got, d.cached(t, id))
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
}

// A call that is answered from the cache is authenticated and limited like all others.
func TestHitsPassThePolicies(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		p := minute()
		p.Shared = true
		caching(p)(c)
		limitTo(config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "auth.subject", Limit: perDay(2)})(c)
	})
	c := d.h1(t)
	get := func(fields ...string) int { return c.call(t, "GET", "/canary/v1/echo", "", fields...).status }
	alice := []string{"authorization", "Bearer " + key.Token("alice", map[string]any{"tenant": "t1"})}
	bob := []string{"authorization", "Bearer " + key.Token("bob", map[string]any{"tenant": "t1"})}
	arrived := d.asked(func() {
		for i, tt := range []struct {
			fields []string
			want   int
		}{{alice, 200}, {nil, 401}, {[]string{"authorization", "Bearer x"}, 401}, {alice, 200}, {alice, 429}, {bob, 200}} {
			if got := get(tt.fields...); got != tt.want {
				t.Errorf("call %d: %d; want %d", i, got, tt.want)
			}
		}
	})
	if arrived != 1 {
		t.Errorf("%d calls arrived; want 1", arrived)
	}
}

// What the backend says of an answer decides, and clients are told what has become of it (RFC 9111, RFC 9211).
func TestDirectivesOfBackendsAndClients(t *testing.T) {
	t.Parallel()
	d := start(t, caching(minute()))
	for i, tt := range []struct {
		name   string
		header []string // of the backend's answer
		client string   // Cache-Control of the second request
		want   string   // what becomes of the second
		status string   // in its Cache-Status
	}{
		{"nothing said", nil, "", "hit", "dragoman; hit; ttl=3"},
		{"max-age", []string{"cache-control", "max-age=60"}, "", "hit", "dragoman; hit; ttl=5"},
		{"no-store", []string{"cache-control", "no-store"}, "", "miss", "detail=no-store"},
		{"private", []string{"cache-control", "private, max-age=60"}, "", "miss", "detail=private"},
		{"a cookie", []string{"set-cookie", "a=b"}, "", "miss", "detail=set-cookie"},
		{"vary", []string{"vary", "x-region"}, "", "miss", "detail=vary"},
		{"the client wants a new one", nil, "no-cache", "miss", "fwd=request; stored"},
		{"the client wants none stored", nil, "no-store", "bypass", "fwd=bypass"},
		{"only if cached", nil, "only-if-cached", "hit", "hit"},
	} {
		id := fmt.Sprintf("directive%d", i)
		if _, _, err := d.echo(within(t), t, echoOf(id, tt.header...)); err != nil {
			t.Fatal(err)
		}
		fields := []string{"x-request-id", id}
		if tt.client != "" {
			fields = append(fields, "cache-control", tt.client)
		}
		_, header, err := d.echo(within(t), t, echoOf(id, tt.header...), fields...)
		if err != nil {
			t.Fatal(err)
		}
		status := strings.Join(header.Get("cache-status"), ", ")
		if got := d.cached(t, id); got != tt.want || !strings.Contains(status, tt.status) {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, got, status, tt.want, tt.status)
		}
		if age := header.Get("age"); (tt.want == "hit") != (len(age) == 1) {
			t.Errorf("%s: age is %v", tt.name, age)
		}
	}
	a := d.h1(t).call(t, "GET", "/canary/v1/echo?id=none", "", "cache-control", "only-if-cached")
	if a.status != 504 || a.header.Get("X-Dragoman-Reason") != "not_cached" {
		t.Errorf("only if cached, and nothing is: %d, %v", a.status, a.header)
	}
}

// T202, T189: an answer of the cache has the entity tag that it had, and 304 is said of it.
func TestT202_StoredAnswersAreNotModified(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		caching(minute())(c)
		c.Defaults.REST.ETag = "content"
	})
	for _, target := range []string{"/canary/v1/echo?id=tag", canaryEcho + "?connect=v1&encoding=json&message=%7B%22id%22%3A%22tag%22%7D"} {
		c := d.h1(t)
		first := c.call(t, "GET", target, "")
		tag := first.header.Get("Etag")
		if first.status != 200 || tag == "" {
			t.Fatalf("%s: %d, %v", target, first.status, first.header)
		}
		none(t, d.arrivals(func() {
			again := c.call(t, "GET", target, "", "if-none-match", tag)
			if again.status != 304 || again.body != "" || again.header.Get("Etag") != tag || !strings.Contains(again.header.Get("Cache-Status"), "hit") {
				t.Errorf("%s: %d, %v", target, again.status, again.header)
			}
			if other := c.call(t, "GET", target, "", "if-none-match", `"x"`); other.status != 200 || other.body != first.body {
				t.Errorf("%s with another tag: %d", target, other.status)
			}
		}))
	}
}

// Many calls for one answer are one call of the backend, and errors are nobody's but who got them.
func TestMissesAreOneCall(t *testing.T) {
	t.Parallel()
	d := start(t, caching(minute()))
	release := d.backend.Hold(canaryEcho)
	defer release()
	var clients sync.WaitGroup
	const many = 50
	arrived := d.asked(func() {
		for range many {
			c := d.h1(t)
			clients.Go(func() {
				if a, err := c.get(t.Context(), "/canary/v1/echo?id=many"); err != nil || a.status != 200 {
					t.Errorf("%v, %v", a, err)
				}
			})
		}
		eventually(t, func() error {
			if n := d.started.InFlight(); n < many {
				return fmt.Errorf("%d calls are under way", n)
			}
			return nil
		})
		release()
		clients.Wait()
	})
	if arrived != 1 {
		t.Errorf("%d calls arrived", arrived)
	}
	bad := &testv1.CanaryRequest{Id: "bad", Behavior: fromJSON(t, `{"status":{"code":5,"message":"not there"}}`, &testv1.Behavior{})}
	arrived = d.asked(func() {
		for range 3 {
			if _, _, err := d.echo(within(t), t, bad); grpcstatus.Code(err) != codes.NotFound {
				t.Error(err)
			}
		}
	})
	if arrived != 3 {
		t.Errorf("%d calls that fail arrived; want 3", arrived)
	}
}

// What is purged is asked for again.
func TestPurge(t *testing.T) {
	t.Parallel()
	d := start(t, caching(minute()))
	k := d.started.Cache()
	call := func(id, tags string) int {
		t.Helper()
		return d.asked(func() {
			if _, _, err := d.echo(within(t), t, echoOf(id, "cache-tag", tags)); err != nil {
				t.Fatal(err)
			}
		})
	}
	fill := func() {
		call("a", "red, round")
		call("b", "blue")
	}
	fill()
	for _, tt := range []struct {
		name    string
		purge   func() int
		dropped int
		a, b    int // calls that arrive afterwards
	}{
		{"a tag", func() int { return k.PurgeTag("round") }, 1, 1, 0},
		{"a part of a tag", func() int { return k.PurgeTag("ro") }, 0, 0, 0},
		{"a method", func() int { return k.PurgeMethods([]string{canaryEcho}) }, 2, 1, 1},
		{"another method", func() int { return k.PurgeMethods([]string{canaryUser}) }, 0, 0, 0},
		{"a key", func() int { return k.PurgeKey(k.List(10, nil)[0].Key) }, 1, -1, -1},
		{"all", k.PurgeAll, 2, 1, 1},
	} {
		n := tt.purge()
		a, b := call("a", "red, round"), call("b", "blue")
		if n != tt.dropped || tt.a >= 0 && (a != tt.a || b != tt.b) || tt.a < 0 && a+b != 1 {
			t.Errorf("%s: %d dropped, %d and %d calls arrived; want %d, %d and %d", tt.name, n, a, b, tt.dropped, tt.a, tt.b)
		}
	}
	if s := k.Stats(); s.Purged != 6 || s.Entries != 2 || s.Bytes <= 0 || s.Bytes > s.Memory {
		t.Errorf("%+v", s)
	}
}

// What was fresh is used while a new one is fetched, and when none can be had.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	d := start(t, caching(cache.PolicyConfig{}))
	request := echoOf("stale", "cache-control", "max-age=1, stale-while-revalidate=600, stale-if-error=600")
	if _, _, err := d.echo(within(t), t, request); err != nil {
		t.Fatal(err)
	}
	n := 0
	eventually(t, func() error {
		n++
		id := fmt.Sprintf("stale-%d", n)
		if _, _, err := d.echo(within(t), t, request, "x-request-id", id); err != nil {
			t.Fatal(err)
		}
		if c := d.cached(t, id); c != "stale" {
			return fmt.Errorf("it is a %s", c)
		}
		return nil
	})
	eventually(t, func() error {
		if s := d.started.Cache().Stats(); s.Refreshes != 1 || s.Stored != 2 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// A stored answer is used when the backend cannot be reached.
func TestStaleAnswersWhileTheBackendIsAway(t *testing.T) {
	t.Parallel()
	d := start(t, caching(cache.PolicyConfig{}))
	request := echoOf("away", "cache-control", "max-age=1, stale-if-error=600")
	began := time.Now()
	if _, _, err := d.echo(within(t), t, request); err != nil {
		t.Fatal(err)
	}
	if err := d.backend.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	n := 0
	eventually(t, func() error {
		n++
		id := fmt.Sprintf("away-%d", n)
		if _, _, err := d.echo(within(t), t, request, "x-request-id", id); err != nil {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if c := d.cached(t, id); c != "stale_if_error" {
			return fmt.Errorf("it is a %s", c)
		}
		return nil
	})
}
