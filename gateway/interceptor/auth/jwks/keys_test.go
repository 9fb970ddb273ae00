// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// server is where keys are fetched from.
type server struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	hits   atomic.Int64
}

func serve(t testing.TB, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.answer.Store(&answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answers(h http.HandlerFunc) { s.answer.Store(&h) }

func set(keys ...*jwttest.Key) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwttest.Set(keys...)) }
}

// run runs keys until the test ends.
func run(t testing.TB, cfg jwks.Config) *jwks.Keys {
	t.Helper()
	k, err := jwks.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return k
}

func eventually(t testing.TB, ok func() error) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// has tells whether a key is in the set.
func has(k *jwks.Keys, key *jwttest.Key) bool {
	s, err := k.Current()
	if err != nil {
		return false
	}
	found := false
	s.Find(key.ID, key.Algorithm, func(*jwks.Key) bool {
		found = true
		return true
	})
	return found
}

func want(k *jwks.Keys, key *jwttest.Key, there bool) func() error {
	return func() error {
		if has(k, key) != there {
			return fmt.Errorf("key %s is there: %t", key.ID, !there)
		}
		return nil
	}
}

// Fault 27: who asks for a key that is not known yet has it after one fetch.
func TestFault27NewKeyIsFetchedAtOnce(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "one", "ES256"), jwttest.NewKey(t, "two", "ES256")
	s := serve(t, set(one))
	k := run(t, jwks.Config{URL: s.URL})
	eventually(t, want(k, one, true))
	s.answers(set(one, two))
	start := time.Now()
	if !k.Missing(client) {
		t.Fatal("it does not help to wait")
	}
	k.Wait(t.Context(), client)
	if took := time.Since(start); !has(k, two) || faults.Held() && took > time.Second {
		t.Errorf("the new key is there: %t, after %s", has(k, two), took)
	}
}

// client is who asks where it does not matter.
var client = netip.MustParseAddr("192.0.2.1")

// Threat C6: whoever asks for keys that are not there makes the gateway fetch once in ten seconds, and waits for nothing.
func TestThreatC6MissesFetchOnce(t *testing.T) {
	t.Parallel()
	one := jwttest.NewKey(t, "one", "ES256")
	s := serve(t, set(one))
	k := run(t, jwks.Config{URL: s.URL})
	eventually(t, want(k, one, true))
	start := time.Now()
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			for range 100 {
				if k.Missing(client) {
					k.Wait(t.Context(), client)
				}
			}
		})
	}
	asking.Wait()
	if hits := s.hits.Load(); hits > 2 && time.Since(start) < jwks.MissInterval {
		t.Errorf("5000 misses fetched %d times; the first load and one more are meant", hits)
	}
}

// Threat C8: a refresh replaces the set, and what was verified by a key that went is known to be.
func TestThreatC8RefreshReplacesTheSet(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "one", "ES256"), jwttest.NewKey(t, "two", "ES256")
	s := serve(t, set(one, two))
	k := run(t, jwks.Config{URL: s.URL, Refresh: 5 * time.Millisecond})
	eventually(t, want(k, two, true))
	current, err := k.Current()
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]*jwks.Key{}
	current.Find("", "ES256", func(k *jwks.Key) bool {
		held[k.ID] = k
		return false
	})
	s.answers(set(one))
	eventually(t, want(k, two, false))
	eventually(t, func() error {
		if held["one"].Gone() || !held["two"].Gone() {
			return fmt.Errorf("gone: one %t, two %t", held["one"].Gone(), held["two"].Gone())
		}
		return nil
	})
}

// Fault 26: keys that are known go on when they cannot be fetched, until they are too old; where none are, nobody waits for them again and
// again.
func TestFault26KeysThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	one := jwttest.NewKey(t, "one", "ES256")
	t.Run("from the start", func(t *testing.T) {
		t.Parallel()
		s := serve(t, down)
		k := run(t, jwks.Config{URL: s.URL})
		eventually(t, func() error { // the first fetch fails
			if k.Missing(client) {
				return errors.New("it still helps to wait")
			}
			return nil
		})
		if _, err := k.Current(); !errors.Is(err, jwks.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		s.answers(set(one))
		eventually(t, want(k, one, true)) // it is tried again by itself
	})
	t.Run("later", func(t *testing.T) {
		t.Parallel()
		s := serve(t, set(one))
		k := run(t, jwks.Config{URL: s.URL, Refresh: time.Millisecond})
		eventually(t, want(k, one, true))
		for _, bad := range []http.HandlerFunc{down, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("garbage")) }} {
			s.answers(bad)
			before := s.hits.Load()
			eventually(t, func() error {
				if s.hits.Load() < before+2 {
					return errors.New("it is not fetched")
				}
				return nil
			})
			if !has(k, one) {
				t.Error("the key that was known is gone")
			}
		}
	})
	t.Run("for too long", func(t *testing.T) {
		t.Parallel()
		s := serve(t, set(one))
		k := run(t, jwks.Config{URL: s.URL, Refresh: time.Millisecond, MaxStale: 20 * time.Millisecond})
		eventually(t, want(k, one, true))
		s.answers(down)
		eventually(t, want(k, one, false))
	})
}

// Threat C7: whatever is answered, only so much of it is read, and the keys that are known stay.
func TestThreatC7HostileAnswers(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "one", "RS256")
	other := serve(t, set(key))
	many := make([]*jwttest.Key, 10_000)
	for i := range many {
		many[i] = key
	}
	jwk := func(members string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[{` + members + `}]}`)) }
	}
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			block := []byte(strings.Repeat(" ", 1<<16))
			for r.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"a bomb of gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(jwttest.Set(key))
			_, _ = z.Write([]byte(strings.Repeat(" ", 64<<20)))
			_ = z.Close()
		},
		"ten thousand keys":      set(many...),
		"RSA of 64 kbit":         jwk(`"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 64<<10/6) + `"`),
		"RSA of 1024 bits":       jwk(`"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 1024/6) + `"`),
		"RSA without n":          jwk(`"kty":"RSA","e":"AQAB"`),
		"RSA with e 1":           jwk(`"kty":"RSA","e":"AQ","n":"` + strings.Repeat("_", 342) + `"`),
		"RSA with a huge e":      jwk(`"kty":"RSA","e":"____________","n":"` + strings.Repeat("_", 342) + `"`),
		"EC off the curve":       jwk(`"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"`),
		"EC at infinity":         jwk(`"kty":"EC","crv":"P-256","x":"","y":""`),
		"EC too long":            jwk(`"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 60) + `","y":"AQ"`),
		"Ed25519 of 3 bytes":     jwk(`"kty":"OKP","crv":"Ed25519","x":"AAAA"`),
		"a secret":               jwk(`"kty":"oct","k":"AAAA"`),
		"for encryption":         jwk(`"kty":"OKP","crv":"Ed25519","use":"enc","x":"` + strings.Repeat("A", 43) + `"`),
		"to sign with only":      jwk(`"kty":"OKP","crv":"Ed25519","key_ops":["sign"],"x":"` + strings.Repeat("A", 43) + `"`),
		"a long kid":             jwk(`"kty":"OKP","crv":"Ed25519","kid":"` + strings.Repeat("k", 257) + `","x":"` + strings.Repeat("A", 43) + `"`),
		"kty a number":           jwk(`"kty":7`),
		"keys null":              func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":null}`)) },
		"a key that is null":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[null]}`)) },
		"no keys":                func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"a list":                 func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[]`)) },
		"nothing":                func(http.ResponseWriter, *http.Request) {},
		"C5: a redirect":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"a redirect to itself":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) },
		"not found, with a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = w.Write(jwttest.Set(key)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, answer)
			k := run(t, jwks.Config{URL: s.URL})
			eventually(t, func() error {
				if k.Missing(client) {
					k.Wait(t.Context(), client)
					return errors.New("the first fetch is not over")
				}
				return nil
			})
			if set, err := k.Current(); err == nil {
				t.Errorf("it has %d keys", set.Len())
			}
		})
	}
	t.Cleanup(func() {
		if hits := other.hits.Load(); hits > 0 {
			t.Errorf("C5: another host was asked %d times", hits)
		}
	})
}

// OpenID Connect discovery: the issuer says where its keys are, and must be who it is asked as.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "one", "EdDSA")
	discovery := func(format string) *server {
		var s *server
		s = serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/tenant/.well-known/openid-configuration" {
				_, _ = w.Write([]byte(strings.ReplaceAll(format, "URL", s.URL)))
				return
			}
			set(key)(w, r)
		})
		return s
	}
	s := discovery(`{"issuer": "URL/tenant", "jwks_uri": "URL/keys"}`)
	eventually(t, want(run(t, jwks.Config{Issuer: s.URL + "/tenant"}), key, true))

	for name, doc := range map[string]string{
		"another issuer":      `{"issuer": "URL", "jwks_uri": "URL/keys"}`,
		"no keys":             `{"issuer": "URL/tenant"}`,
		"C5: http elsewhere":  `{"issuer": "URL/tenant", "jwks_uri": "http://169.254.169.254/keys"}`,
		"C5: a file":          `{"issuer": "URL/tenant", "jwks_uri": "file:///etc/passwd"}`,
		"C5: private address": `{"issuer": "URL/tenant", "jwks_uri": "https://10.0.0.1/keys"}`,
		"garbage":             `{"issuer": `,
	} {
		s := discovery(doc)
		k := run(t, jwks.Config{Issuer: s.URL + "/tenant"})
		eventually(t, func() error {
			if k.Missing(client) {
				return errors.New("the first fetch is not over")
			}
			return nil
		})
		if _, err := k.Current(); err == nil {
			t.Errorf("%s: there are keys", name)
		}
	}
}

// A file is read at once, and again when it changes; what cannot be read leaves the keys as they are.
func TestFile(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "one", "ES256"), jwttest.NewKey(t, "two", "ES384")
	file := filepath.Join(t.TempDir(), "keys.json")
	write := func(data []byte) {
		if err := os.WriteFile(file+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(jwttest.Set(one))
	k := run(t, jwks.Config{File: file})
	if !has(k, one) || k.Missing(client) {
		t.Error("the keys are not there at once")
	}
	write(jwttest.Set(two))
	eventually(t, want(k, two, true))
	if has(k, one) {
		t.Error("the key that was taken out is there")
	}
	write([]byte("{"))
	write(jwttest.Set(one, two))
	eventually(t, want(k, one, true))
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]jwks.Config{
		"nothing": {}, "two": {URL: "https://a.example", File: "f"}, "three": {URL: "https://a.example", File: "f", Issuer: "https://a.example"},
		"http": {URL: "http://a.example"}, "user": {URL: "https://u:p@a.example"}, "no host": {URL: "https:///a"}, "scheme": {URL: "ftp://a.example"},
		"no file": {File: "/nothing"}, "negative": {URL: "https://a.example", Refresh: -1},
	} {
		if _, err := jwks.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, cfg := range []jwks.Config{{URL: "https://a.example"}, {URL: "http://a.example", InsecureHTTP: true}, {Issuer: "http://127.0.0.1:1"}, {Issuer: "http://[::1]:1"}} {
		if _, err := jwks.New(cfg); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func FuzzSet(f *testing.F) {
	f.Add(jwttest.Set(jwttest.NewKey(f, "a", "RS256"), jwttest.NewKey(f, "b", "ES256"), jwttest.NewKey(f, "c", "EdDSA")))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-521","x":"AQ","y":"AQ"},{"kty":"RSA","n":"AQ","e":"AQ"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := jwks.Parse(data)
		if (s == nil) == (err == nil) || err == nil && (s.Len() == 0 || s.Len() > jwks.MaxKeys) {
			t.Fatalf("got %+v, %v", s, err)
		}
	})
}
