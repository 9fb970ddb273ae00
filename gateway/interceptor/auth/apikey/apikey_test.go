// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func create(t testing.TB, file string, k apikey.Key) (id, key string) {
	t.Helper()
	id, key, err := apikey.Create(file, k, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id, key
}

func provider(t testing.TB, cfg apikey.Config) *apikey.Provider {
	t.Helper()
	cfg.Name = "partner"
	p, err := apikey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestContract(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	_, alice := create(t, file, apikey.Key{Subject: "alice"})
	_, bob := create(t, file, apikey.Key{Subject: "bob", Expires: time.Now().Add(time.Hour)})
	_, expired := create(t, file, apikey.Key{Subject: "eve", Expires: time.Now().Add(-time.Hour)})
	for _, header := range []string{"", "x-key", "authorization"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			with := func(key string) *transcoder.Request {
				switch header {
				case "":
					return authtest.Request("x-api-key", key)
				case "authorization":
					return authtest.Request(header, "Bearer "+key)
				}
				return authtest.Request(header, key)
			}
			authtest.Run(t, authtest.Subject{
				Provider: provider(t, apikey.Config{File: file, Header: header}),
				Good:     map[string]*transcoder.Request{"alice": with(alice), "bob": with(bob)},
				Bad: map[string]*transcoder.Request{
					"expired": with(expired), "one more byte": with(alice + "x"), "one byte less": with(alice[:len(alice)-1]), "another case": with(strings.ToUpper(alice)),
					"long": with(strings.Repeat("k", 8192)), "the hash": with("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
					"twice": authtest.Request("x-api-key", alice, "x-api-key", alice, "x-key", alice, "x-key", alice, "authorization", "Bearer "+alice, "authorization", "Bearer "+alice),
				},
			})
		})
	}
	p := provider(t, apikey.Config{File: file})
	for _, key := range []string{"", strings.Repeat("k", 300)} { // which is not the empty one that the longest are taken for
		if id, err := authtest.Authenticate(t.Context(), p, authtest.Request("x-api-key", key)); err == nil {
			t.Errorf("%q: %+v", key, id)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	keyID, key := create(t, file, apikey.Key{Subject: "alice", Tenant: "acme", Groups: []string{"a", "b"}, Scopes: []string{"read"}, Expires: expires})
	p := provider(t, apikey.Config{File: file, Forward: map[string]string{"sub": "x-user", "tenant": "x-tenant", "key": "x-key-id", "groups": "x-groups"}})
	id, err := authtest.Authenticate(t.Context(), p, authtest.Request("x-api-key", key))
	if err != nil {
		t.Fatal(err)
	}
	got := *id
	got.Claims = nil
	want := transcoder.Identity{
		Provider: "partner", Subject: "alice", Tenant: "acme", Groups: []string{"a", "b"}, Scopes: []string{"read"}, Expires: expires,
		Forward: wire.Header{{Name: "x-groups", Value: "a,b"}, {Name: "x-key-id", Value: keyID}, {Name: "x-tenant", Value: "acme"}, {Name: "x-user", Value: "alice"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// C20: the key is not in the file.
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(data), key[len(key)-20:]) {
		t.Errorf("%v, the file is\n%s", err, data)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %s", err, info.Mode())
	}
}

// Keys that are made and revoked count without a restart; a file that cannot be read leaves the keys as they are.
func TestKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	first, one := create(t, file, apikey.Key{Subject: "one"})
	p := provider(t, apikey.Config{File: file})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	until := func(key string, ok bool) {
		t.Helper()
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for end := time.Now().Add(authtest.Patience); ; <-ticker.C {
			_, err := authtest.Authenticate(ctx, p, authtest.Request("x-api-key", key))
			if (err == nil) == ok {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%v; want %t", err, ok)
			}
		}
	}
	_, two := create(t, file, apikey.Key{Subject: "two"})
	until(two, true)
	if err := apikey.Revoke(file, first); err != nil {
		t.Fatal(err)
	}
	until(one, false)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("keys: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	until(two, true)
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	_, three := create(t, file, apikey.Key{Subject: "three"})
	until(three, true)
	if err := apikey.Revoke(file, first); err == nil {
		t.Error("a key is revoked twice")
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	for name, text := range map[string]string{
		"a name that is not known": "keys: [{id: a, sha256: " + hash + ", subject: s, expire: 2020-01-01T00:00:00Z}]", "no subject": "keys: [{id: a, sha256: " + hash + "}]", "no id": "keys: [{sha256: " + hash + ", subject: s}]",
		"no hash": "keys: [{id: a, subject: s}]", "a short hash": "keys: [{id: a, sha256: abab, subject: s}]", "a time that is none": "keys: [{id: a, sha256: " + hash + ", subject: s, expires: soon}]",
		"an id twice": "keys: [{id: a, sha256: " + hash + ", subject: s}, {id: a, sha256: " + strings.Repeat("cd", 32) + ", subject: s}]",
		"a key twice": "keys: [{id: a, sha256: " + hash + ", subject: s}, {id: b, sha256: " + strings.ToUpper(hash) + ", subject: t}]",
		"a list":      "[]", "not YAML": "{", "a control character": "keys: [{id: a, sha256: " + hash + ", subject: \"a\\nb\"}]",
		"a long text": "keys: [{id: a, sha256: " + hash + ", subject: " + strings.Repeat("s", 257) + "}]",
	} {
		if keys, err := apikey.Parse([]byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %+v, %v", name, keys, err)
		}
	}
	if keys, err := apikey.Parse(nil); err != nil || len(keys) > 0 {
		t.Errorf("an empty file: %v, %v", keys, err)
	}
	if _, err := apikey.New(apikey.Config{File: "/nothing"}); err == nil { // C13: a file that is not there lets nobody in, and starts nothing
		t.Error("a file that is not there is accepted")
	}
	for _, cfg := range []apikey.Config{{}, {File: "f", Header: "X"}, {File: "f", Forward: map[string]string{"sub": "grpc-a"}}} {
		if cfg.Check() == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// Threat C11: keys that are wrong, and keys that are nearly right, take equally long. Otherwise than by make faults the figure is only told:
// what else a machine does can look like a difference.
func TestThreatC11NothingIsLearnedFromTime(t *testing.T) { //nolint:paralleltest // it measures
	const variants, letters = 1024, "abcdefghijklmnopqrstuvwxyz0123456"
	measure := func() float64 {
		// A provider of its own for each: what the seed of its map does to some keys by chance is another thing each time.
		file := filepath.Join(t.TempDir(), "keys.yaml")
		_, key := create(t, file, apikey.Key{Subject: "alice"})
		p := provider(t, apikey.Config{File: file})
		// Many of each, so that what one hash costs in a map more than another one, by chance, is in both; and one call for all, with keys that lie side by
		// side: where two calls lie in memory makes a difference of its own.
		var text strings.Builder
		for i := range variants {
			near := []byte(key)
			other := letters[i/32]
			if at := len(near) - 1 - i%32; near[at] == other {
				near[at] = letters[32]
			} else {
				near[at] = other
			}
			pair := [2]string{string(near), fmt.Sprintf("dgk_aaaaaaaa_%0*d", len(key)-13, i)}
			text.WriteString(pair[i%2]) // each kind is the first of two as often as the other
			text.WriteString(pair[1-i%2])
		}
		c := authtest.Call(t.Context(), authtest.Request("x-api-key", key))
		var samples [2][]float64
		for n := range 40_000 {
			slot := n % (2 * variants)
			c.Request.Header.Set("x-api-key", text.String()[slot*len(key):(slot+1)*len(key)])
			start := time.Now()
			for range 4 {
				if _, err := p.Authenticate(c); err == nil {
					t.Fatal("a wrong key is right")
				}
			}
			took, kind := time.Since(start), (slot+slot/2)%2
			samples[kind] = append(samples[kind], float64(took))
		}
		return welch(samples[0], samples[1])
	}
	// A machine that is busy makes outliers; one measurement of several that shows nothing is proof enough, for a difference that is
	// there shows in all.
	const most = 4.5
	var last float64
	for range 5 {
		last = math.Abs(measure())
		t.Logf("Welch's t is %.1f", last)
		if last < most || !faults.Held() {
			return
		}
	}
	t.Errorf("it must be below %v", most)
}

// welch is Welch's t of two samples, without the slowest tenth of each.
func welch(a, b []float64) float64 {
	mean := func(s []float64) (m, variance float64) {
		for _, v := range s {
			m += v
		}
		m /= float64(len(s))
		for _, v := range s {
			variance += (v - m) * (v - m)
		}
		return m, variance / float64(len(s)-1)
	}
	a, b = crop(a), crop(b)
	ma, va := mean(a)
	mb, vb := mean(b)
	return (ma - mb) / math.Sqrt(va/float64(len(a))+vb/float64(len(b)))
}

// crop leaves out the slowest tenth, which is the scheduler's.
func crop(s []float64) []float64 {
	s = slices.Sorted(slices.Values(s))
	return s[:len(s)*9/10]
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("keys: [{id: a, sha256: " + strings.Repeat("ab", 32) + ", subject: s, groups: [a], created: 2026-01-02T03:04:05Z}]"))
	f.Add([]byte("keys: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := apikey.Parse(data)
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.ID == "" || k.Subject == "" || len(k.SHA256) != 64 {
				t.Fatalf("%+v", k)
			}
		}
	})
}

func BenchmarkKnownKey(b *testing.B) {
	file := filepath.Join(b.TempDir(), "keys.yaml")
	_, key := create(b, file, apikey.Key{Subject: "alice"})
	for i := range 1000 {
		if i%500 == 0 {
			create(b, file, apikey.Key{Subject: fmt.Sprint(i)})
		}
	}
	policy, err := auth.New(auth.Config{Any: [][]auth.Named{{{Name: "partner", Provider: provider(b, apikey.Config{File: file})}}}})
	if err != nil {
		b.Fatal(err)
	}
	c := authtest.Call(b.Context(), authtest.Request("user-agent", "test", "x-api-key", key))
	b.ReportAllocs()
	for b.Loop() {
		if err := policy.Admit(c); err != nil {
			b.Fatal(err)
		}
	}
}
