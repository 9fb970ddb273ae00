// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redis_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	answers "github.com/dragoman-gateway/dragoman/gateway/interceptor/cache/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 20 * time.Second
	method   = "/a.B/Get"
)

// open runs a store until the test ends.
func open(t testing.TB, cfg redis.Config) *answers.Store {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Second // a busy machine takes its time
	}
	s, err := answers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	becomes(t, "the store is asked", s.Up)
	return s
}

func becomes(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !ok(); <-ticker.C {
		if time.Now().After(end) {
			t.Fatalf("it does not come to be that %s", what)
		}
	}
}

func key(s string) cache.Key { return sha256.Sum256([]byte(s)) }

// stored is an entry with tags, as far as the store looks at one.
func stored(rest string, tags ...string) []byte {
	b := []byte{1, byte(len(tags))}
	for _, tag := range tags {
		b = append(append(b, byte(len(tag))), tag...)
	}
	return append(b, rest...)
}

func get(t testing.TB, s *answers.Store, method, name string) string {
	t.Helper()
	data, err := s.Get(t.Context(), method, key(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// has tells whether an answer is there, as far as Redis answers in time.
func has(s *answers.Store, name string) bool {
	data, err := s.Get(context.Background(), method, key(name))
	return err == nil && data != nil
}

// What one gateway stores another one finds, and Redis forgets it by itself (threat G3).
func TestThreatG3AnswersInRedisExpire(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	one, other := open(t, redis.Config{Addresses: []string{server.Address}, Prefix: "p:"}), open(t, redis.Config{Addresses: []string{server.Address}, Prefix: "p:"})
	if got := get(t, other, method, "a"); got != "" {
		t.Errorf("it has %q", got)
	}
	for i := range 200 {
		if !one.Set(method, key(fmt.Sprint("many", i)), stored("x"), time.Hour) {
			t.Fatal("it is not stored")
		}
	}
	one.Set(method, key("a"), stored("answer", "t"), time.Hour)
	becomes(t, "the other has it", func() bool { return get(t, other, method, "a") == string(stored("answer", "t")) })
	if got := get(t, other, "/a.B/List", "a"); got != "" {
		t.Errorf("another method has %q", got)
	}
	if ttl := server.Must(t, "PTTL", "p:cache:"+method+":"+key("a").String()); ttl == ":-1" || len(ttl) < 7 {
		t.Errorf("it has %s to live", ttl)
	}
	one.Set(method, key("short"), stored("x"), 50*time.Millisecond)
	one.Set(method, key("after"), stored("x"), time.Hour)
	becomes(t, "what came behind it is there", func() bool { return get(t, other, method, "after") != "" })
	becomes(t, "the short one is gone", func() bool { return get(t, other, method, "short") == "" })
}

func TestPurges(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Config{Addresses: []string{server.Address}, Prefix: "a*[b]:"})
	server.Must(t, "SET", "aXb:cache:"+method+":x", "of somebody else")
	for _, tt := range []struct {
		name  string
		purge cache.Purge
		kept  string
	}{
		{"all", cache.Purge{All: true}, ""},
		{"a method", cache.Purge{Method: method}, "list"},
		{"a tag", cache.Purge{Tag: "red"}, "blue list"},
		{"a part of a tag", cache.Purge{Tag: "re"}, "blue list red"},
		{"a key", cache.Purge{Key: key("red")}, "blue list"},
		{"what looks like all", cache.Purge{Method: "*"}, "blue list red"},
	} {
		s.Set(method, key("red"), stored("1", "red", "round"), time.Hour)
		s.Set(method, key("blue"), stored("2", "blue"), time.Hour)
		s.Set("/a.B/List", key("list"), stored("3"), time.Hour)
		all := map[string]string{"red": method, "blue": method, "list": "/a.B/List"}
		becomes(t, "all is stored", func() bool {
			for name, m := range all {
				if get(t, s, m, name) == "" {
					return false
				}
			}
			return true
		})
		purges := tt.kept != "blue list red"
		if purges { // the server lets nobody write, so that the purge is not over before it is looked at
			server.Must(t, "CLIENT", "PAUSE", "60000", "WRITE")
		}
		s.Purge(tt.purge)
		if purges {
			if s.Up() {
				t.Errorf("%s: the store is asked while there is something to purge", tt.name)
			}
			server.Must(t, "CLIENT", "UNPAUSE")
		}
		becomes(t, "the store is asked again", s.Up)
		var kept []string
		for _, name := range []string{"blue", "list", "red"} {
			if get(t, s, all[name], name) != "" {
				kept = append(kept, name)
			}
		}
		if got := strings.Join(kept, " "); got != tt.kept {
			t.Errorf("%s: %q is kept; want %q", tt.name, got, tt.kept)
		}
	}
	if got := server.Must(t, "EXISTS", "aXb:cache:"+method+":x"); got != ":1" {
		t.Error("what is somebody else's was purged")
	}
}

// What is purged while Redis is away is not there when it is back.
func TestFault25PurgesWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Config{Addresses: []string{server.Address}, Timeout: 50 * time.Millisecond})
	for i := range 3000 {
		s.Set(method, key(fmt.Sprint(i)), stored("x"), time.Hour)
	}
	becomes(t, "all is stored", func() bool { return has(s, "2999") })
	server.Freeze(t)
	s.Purge(cache.Purge{Method: method})
	if s.Up() {
		t.Error("the store is asked")
	}
	if s.Set(method, key("b"), stored("x"), time.Hour) {
		t.Error("something is to be stored that a purge may be for")
	}
	server.Thaw(t)
	becomes(t, "the store is asked again", s.Up)
	if got := server.Must(t, "DBSIZE"); got != ":0" && got != ":1" { // what the probe has written
		t.Errorf("%s answers are there", got)
	}
}

// Fault 25: whatever becomes of Redis, calls are told so at once, or after the time that they may take.
func TestFault25RedisGoesAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		goes, back func(*redistest.Server)
	}{
		{"killed", func(s *redistest.Server) { s.Kill(t) }, func(s *redistest.Server) { s.Restart(t) }},
		{"frozen", func(s *redistest.Server) { s.Freeze(t) }, func(s *redistest.Server) { s.Thaw(t) }},
		{"read-only", func(s *redistest.Server) { s.Must(t, "REPLICAOF", "127.0.0.1", "1") }, func(s *redistest.Server) { s.Must(t, "REPLICAOF", "NO", "ONE") }},
		{"full", func(s *redistest.Server) { s.Must(t, "CONFIG", "SET", "maxmemory", "1") }, func(s *redistest.Server) { s.Must(t, "CONFIG", "SET", "maxmemory", "0") }},
	} {
		server := redistest.Start(t)
		const limit = 50 * time.Millisecond
		s := open(t, redis.Config{Addresses: []string{server.Address}, Timeout: limit})
		s.Set(method, key("a"), stored("x"), time.Hour)
		becomes(t, "it is stored", func() bool { return has(s, "a") })
		tt.goes(server)
		for i := range 1000 {
			if !s.Up() {
				break
			}
			s.Set(method, key(fmt.Sprint(i)), stored("x"), time.Hour)
			began := time.Now()
			_, _ = s.Get(t.Context(), method, key("a"))
			if took := time.Since(began); took > limit+time.Second {
				t.Errorf("%s: a call waits for %s", tt.name, took)
			}
		}
		becomes(t, tt.name+": it is not asked any more", func() bool { return !s.Up() })
		if _, err := s.Get(t.Context(), method, key("a")); err == nil {
			t.Errorf("%s: it answers", tt.name)
		}
		tt.back(server)
		becomes(t, tt.name+": it is asked again", s.Up)
	}
}

// What waits to be stored is bounded, whatever the answers are.
func TestThreatG3TheQueueIsBounded(t *testing.T) {
	t.Parallel()
	s, err := answers.New(redis.Config{Addresses: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for i := range 100 {
		if s.Set(method, key(fmt.Sprint(i)), make([]byte, 1<<20), time.Hour) {
			taken++
		}
	}
	if taken != 8 {
		t.Errorf("%d MiB wait; want 8", taken)
	}
	for i := range 5000 {
		s.Purge(cache.Purge{Tag: fmt.Sprint(i)})
	}
	if s.Up() {
		t.Error("a store that was never connected to is asked")
	}
}

// A cluster has its answers in several places, and all are purged.
func TestPurgesOfClusters(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--cluster-enabled", "yes")
	server.Must(t, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	becomes(t, "the cluster is one", func() bool {
		answer, err := server.Do("SET", "x", "1")
		return err == nil && answer == "+OK"
	})
	s := open(t, redis.Config{Addresses: []string{server.Address}, Cluster: true})
	for i := range 50 {
		s.Set(method, key(fmt.Sprint(i)), stored("x", "t"), time.Hour)
	}
	becomes(t, "all is stored", func() bool { return get(t, s, method, "49") != "" })
	s.Purge(cache.Purge{Tag: "t"})
	becomes(t, "the store is asked again", s.Up)
	for i := range 50 {
		if get(t, s, method, fmt.Sprint(i)) != "" {
			t.Errorf("answer %d is there", i)
		}
	}
}
