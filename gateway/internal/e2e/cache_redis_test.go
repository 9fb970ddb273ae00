// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
	"github.com/dragoman-gateway/dragoman/gateway/redis/redistest"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// startCaching starts two gateways that keep answers together, in front of one backend.
func startCaching(t *testing.T, p cache.PolicyConfig, redisAddress string, timeout time.Duration) []*dragoman {
	t.Helper()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	var gateways []*dragoman
	for range 2 {
		d := startFor(t, b.Address(), func(c *config.Config) {
			caching(p)(c)
			c.Cache.Redis = &redis.Config{Addresses: []string{redisAddress}, Timeout: timeout}
		})
		d.backend = b
		eventually(t, func() error {
			if !strings.Contains(d.log.String(), "the store of answers is asked") {
				return errors.New("the gateway is not connected to redis")
			}
			return nil
		})
		gateways = append(gateways, d)
	}
	return gateways
}

// What one gateway has asked for answers calls of another one, by whatever protocol, and a purge is for what they have in common.
func TestGatewaysShareAnswers(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	gateways := startCaching(t, minute(), server.Address, time.Second)
	one, other := gateways[0], gateways[1]
	get := func(d *dragoman, id, request string) string {
		t.Helper()
		r := d.h1(t).request(t, "GET", "/canary/v1/echo?id="+id, "", "x-request-id", request)
		r.Host = "api.example"
		if a := d.h1(t).do(t, r); a.status != 200 || !strings.Contains(a.body, id) {
			t.Errorf("%d, %s", a.status, a.body)
		}
		return d.cached(t, request)
	}
	if got := get(one, "a", "first"); got != "miss" {
		t.Errorf("the first is a %s", got)
	}
	n := 0
	eventually(t, func() error { // it is stored behind the answer
		n++
		id := fmt.Sprintf("shared%d", n)
		get(one, id, "one-"+id)
		if got := get(other, id, "other-"+id); got != "hit" {
			return fmt.Errorf("the other has a %s", got)
		}
		return nil
	})
	if s := other.started.Cache().Stats(); s.SharedHits != 1 {
		t.Errorf("%+v", s)
	}
	one.started.Cache().PurgeMethods([]string{canaryEcho})
	other.started.Cache().PurgeMethods([]string{canaryEcho})
	eventually(t, func() error {
		if got := server.Must(t, "DBSIZE"); got != ":0" && got != ":1" { // what the probe has written
			return fmt.Errorf("%s are in redis", got)
		}
		return nil
	})
	if got := get(other, "a", "last"); got != "miss" {
		t.Errorf("after a purge it is a %s", got)
	}
}

// Fault 25: whatever Redis does, no call fails for it, and calls do not get slow.
func TestFault25AnswersWhileRedisIsAway(t *testing.T) {
	lasts := 300 * time.Millisecond
	if faults.Held() {
		lasts = 3 * time.Second
	}
	for _, tt := range []struct {
		name       string
		goes, back func(*redistest.Server, *delays)
	}{
		{"killed", func(s *redistest.Server, _ *delays) { s.Kill(t) }, func(s *redistest.Server, _ *delays) { s.Restart(t) }},
		{"frozen", func(s *redistest.Server, _ *delays) { s.Freeze(t) }, func(s *redistest.Server, _ *delays) { s.Thaw(t) }},
		{"read-only", func(s *redistest.Server, _ *delays) { s.Must(t, "REPLICAOF", "127.0.0.1", "1") }, func(s *redistest.Server, _ *delays) { s.Must(t, "REPLICAOF", "NO", "ONE") }},
		{"slow", func(_ *redistest.Server, d *delays) { d.by.Store(int64(200 * time.Millisecond)) }, func(_ *redistest.Server, d *delays) { d.by.Store(0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := redistest.Start(t)
			slow := delay(t, server.Address)
			gateways := startCaching(t, cache.PolicyConfig{TTL: time.Millisecond}, slow.address, 0) // nearly all calls miss in memory
			quiet := misses(t, gateways, lasts)
			tt.goes(server, slow)
			y := misses(t, gateways, lasts)
			tt.back(server, slow)
			if len(y.other)+len(quiet.other) > 0 {
				t.Errorf("%d calls failed: %v", len(y.other), append(y.other, quiet.other...)[0])
			}
			added := y.p99() - quiet.p99()
			t.Logf("%d calls, p99 %s, %s more than without the fault", y.passed, y.p99(), added)
			if faults.Held() && added > 5*time.Millisecond {
				t.Errorf("the fault adds %s", added)
			}
			for _, d := range gateways {
				eventually(t, func() error {
					log := d.log.String()
					if lost := strings.LastIndex(log, "the store of answers cannot be asked"); lost < 0 || lost > strings.LastIndex(log, "the store of answers is asked") {
						return errors.New("it is not asked again, or was not given up")
					}
					return nil
				})
			}
		})
	}
}

// misses calls both gateways for a while, for many different answers.
func misses(t *testing.T, gateways []*dragoman, lasts time.Duration) *verdicts {
	t.Helper()
	y := &verdicts{}
	var all sync.WaitGroup
	end := time.Now().Add(lasts)
	for i := range 20 {
		c := gateways[i%len(gateways)].h1(t)
		all.Go(func() {
			for n := 0; time.Now().Before(end) || n < 5; n++ {
				began := time.Now()
				a, err := c.get(t.Context(), fmt.Sprintf("/canary/v1/echo?id=%d-%d", i, n))
				status := 0
				if a != nil {
					status = a.status
				}
				y.add(status, err, time.Since(began))
			}
		})
	}
	all.Wait()
	return y
}
