// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	limits "github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// open runs a store until the test ends.
func open(t testing.TB, cfg redis.Config) *limits.Store {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Second // what is counted here is not what a busy machine takes its time for
	}
	s, err := limits.New(cfg)
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
	becomes(t, s, true)
	return s
}

// becomes waits until a store is asked, or is not.
func becomes(t testing.TB, s *limits.Store, up bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); s.Up() != up; <-ticker.C {
		if time.Now().After(end) {
			t.Fatalf("the store does not come to be %t", up)
		}
	}
}

// query asks for one token of a bucket that does not refill while a test runs.
func query(key string, burst int64) *ratelimit.Query {
	return &ratelimit.Query{Rule: "r", Key: []byte(key), Interval: 24 * time.Hour / time.Duration(burst), Capacity: 24 * time.Hour, Least: 1, Most: 1}
}

// Threat G5: two gateways and two hundred clients take exactly what there is.
func TestThreatG5OneBucketForAll(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*limits.Store{open(t, redis.Config{Addresses: []string{server.Address}}), open(t, redis.Config{Addresses: []string{server.Address}})}
	var granted, failed atomic.Int64
	var clients sync.WaitGroup
	for i := range 200 {
		clients.Go(func() {
			for range 10 {
				out, err := stores[i%2].Take(context.Background(), query("k", 500))
				if err != nil {
					failed.Add(1)
				}
				granted.Add(out.Granted)
			}
		})
	}
	clients.Wait()
	if granted.Load() != 500 || failed.Load() != 0 {
		t.Errorf("%d were granted, %d could not be told; want 500 and 0", granted.Load(), failed.Load())
	}
	if out, err := stores[0].Take(t.Context(), query("k2", 500)); err != nil || out.Granted != 1 || out.Left != 499 {
		t.Errorf("another key: %+v, %v", out, err)
	}
}

// What the script says is what the same bucket in memory would.
func TestBucketsInRedis(t *testing.T) {
	t.Parallel()
	s := open(t, redis.Config{Addresses: []string{redistest.Start(t).Address}})
	take := func(least, most int64) ratelimit.Outcome {
		t.Helper()
		q := query("k", 10)
		q.Least, q.Most = least, most
		out, err := s.Take(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const step = 24 * time.Hour / 10
	for i, tt := range []struct{ least, most, granted, left, full, wait int64 }{
		{1, 1, 1, 9, 1, 0},
		{3, 3, 3, 6, 4, 0},
		{1, 4, 4, 2, 8, 0},
		{3, 5, 0, 2, 8, 1}, // too few
		{1, 5, 2, 0, 10, 0},
		{1, 1, 0, 0, 10, 1},
	} {
		out := take(tt.least, tt.most)
		near := func(got time.Duration, steps int64) bool {
			want := time.Duration(steps) * step
			return got <= want+time.Millisecond && got > want-time.Minute
		}
		if out.Granted != tt.granted || out.Left != tt.left || !near(out.Full, tt.full) || tt.wait > 0 && !near(out.Wait, tt.wait) {
			t.Errorf("step %d: %+v; want %+v", i, out, tt)
		}
	}
}

// Threat G3: everything that is kept is forgotten by itself.
func TestThreatG3KeysInRedisExpire(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Config{Addresses: []string{server.Address}, Prefix: "acme:"})
	for i := range 50 {
		if _, err := s.Take(t.Context(), query("k"+strconv.Itoa(i), 5)); err != nil {
			t.Fatal(err)
		}
	}
	q := &ratelimit.Query{Rule: "r", Key: []byte("short"), Interval: 10 * time.Millisecond, Capacity: 20 * time.Millisecond, Least: 1, Most: 1}
	if _, err := s.Take(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if ttl := server.Must(t, "TTL", "acme:r:k"+strconv.Itoa(i)); ttl == ":-1" || ttl == ":-2" {
			t.Errorf("key %d has the time to live %s", i, ttl)
		}
	}
	for end := time.Now().Add(patience); server.Must(t, "EXISTS", "acme:r:short") != ":0"; {
		if time.Now().After(end) {
			t.Fatal("a bucket that is full is still there")
		}
	}
}

// The script is loaded again where it is lost.
func TestScriptIsLoadedAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Config{Addresses: []string{server.Address}})
	for i := range 3 {
		server.Must(t, "SCRIPT", "FLUSH")
		if out, err := s.Take(t.Context(), query("k", 10)); err != nil || out.Left != int64(9-i) {
			t.Errorf("call %d: %+v, %v", i, out, err)
		}
	}
}

// Whatever Redis does, nobody waits long for it, and it is asked again when it can be (fault 25).
func TestFault25RedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		goes, back func(t *testing.T, s *redistest.Server)
	}{
		{"stopped", func(t *testing.T, s *redistest.Server) { s.Stop(t) }, func(t *testing.T, s *redistest.Server) { s.Restart(t) }},
		{"killed", func(t *testing.T, s *redistest.Server) { s.Kill(t) }, func(t *testing.T, s *redistest.Server) { s.Restart(t) }},
		{"frozen", func(t *testing.T, s *redistest.Server) { s.Freeze(t) }, func(t *testing.T, s *redistest.Server) { s.Thaw(t) }},
		{"read-only", func(t *testing.T, s *redistest.Server) { s.Must(t, "REPLICAOF", "127.0.0.1", "1") }, func(t *testing.T, s *redistest.Server) { s.Must(t, "REPLICAOF", "NO", "ONE") }},
		{"out of memory", func(t *testing.T, s *redistest.Server) { s.Must(t, "CONFIG", "SET", "maxmemory", "1") }, func(t *testing.T, s *redistest.Server) { s.Must(t, "CONFIG", "SET", "maxmemory", "0") }},
		{"scripts hang", func(t *testing.T, s *redistest.Server) { s.Must(t, "CLIENT", "PAUSE", "600000", "WRITE") }, func(t *testing.T, s *redistest.Server) { s.Must(t, "CLIENT", "UNPAUSE") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := open(t, redis.Config{Addresses: []string{server.Address}, Timeout: 20 * time.Millisecond})
			for round := range 2 {
				tt.goes(t, server)
				asked := 0
				for end := time.Now().Add(patience); s.Up() && time.Now().Before(end); asked++ {
					_, _ = s.Take(t.Context(), query("k", 1000))
				}
				if s.Up() {
					t.Fatalf("round %d: it is still asked after %d calls", round, asked)
				}
				began := time.Now()
				if _, err := s.Take(t.Context(), query("k", 1000)); err == nil || time.Since(began) > time.Second {
					t.Errorf("round %d: a call that does not ask: %v after %s", round, err, time.Since(began))
				}
				tt.back(t, server)
				becomes(t, s, true)
				for end := time.Now().Add(patience); ; {
					if _, err := s.Take(t.Context(), query("k", 1000)); err == nil {
						break
					} else if time.Now().After(end) {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// A cluster, sentinels, TLS and passwords: the same by each.
func TestKindsOfRedis(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, cfg redis.Config) {
		t.Helper()
		s := open(t, cfg)
		for i := range 20 {
			key := fmt.Sprint("k{", i, "}")
			if out, err := s.Take(t.Context(), query(key, 3)); err != nil || out.Granted != 1 || out.Left != 2 {
				t.Errorf("%s: %+v, %v", key, out, err)
			}
		}
	}
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, "--cluster-enabled", "yes")
		server.Must(t, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
		for end := time.Now().Add(patience); ; {
			if answer, err := server.Do("SET", "a", "b"); err == nil && answer == "+OK" {
				break
			} else if time.Now().After(end) {
				t.Fatalf("the cluster does not come up: %s, %v", answer, err)
			}
		}
		check(t, redis.Config{Addresses: []string{server.Address}, Cluster: true})
	})
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		master := redistest.Start(t)
		sentinel := redistest.Sentinel(t, "mymaster", master)
		check(t, redis.Config{Addresses: []string{sentinel.Address}, Sentinel: "mymaster"})
	})
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		server.Must(t, "ACL", "SETUSER", "gateway", "on", ">secret", "~*", "+@all")
		check(t, redis.Config{Addresses: []string{server.Address}, Username: "gateway", Password: "secret", Database: 3})
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		server, ca := redistest.StartTLS(t)
		check(t, redis.Config{Addresses: []string{server}, TLS: &redis.TLS{CA: ca, ServerName: "redis.internal"}})
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  redis.Config
		want string
	}{
		{redis.Config{}, "addresses is empty"},
		{redis.Config{Addresses: []string{"a"}}, "no host:port"},
		{redis.Config{Addresses: []string{"a:1", "b:1"}}, "neither a cluster"},
		{redis.Config{Addresses: []string{"a:1"}, Cluster: true, Sentinel: "m"}, "one of them"},
		{redis.Config{Addresses: []string{"a:1"}, Cluster: true, Database: 1}, "none but 0"},
		{redis.Config{Addresses: []string{"a:1"}, TLS: &redis.TLS{CA: "/nowhere"}}, "no such file"},
		{redis.Config{Addresses: []string{"a:1"}, TLS: &redis.TLS{CA: "store_test.go"}}, "has no certificate"},
	} {
		if _, err := limits.New(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v; want %q", tt.cfg, err, tt.want)
		}
	}
}
