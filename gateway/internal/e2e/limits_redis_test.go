// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/redis/redistest"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// sharing is two gateways, each a process of its own, that keep a limit together in a Redis.
type sharing struct {
	gateways []*gatewayProcess
}

// sharedRule is the limit; as of the configuration file.
type sharedRule struct {
	key          string // "" for all together
	limit        string
	burst, lease uint32
}

func startSharing(t *testing.T, redisAddress string, timeout time.Duration, rule sharedRule) *sharing {
	t.Helper()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	store, more := "", ""
	if timeout > 0 {
		store = fmt.Sprintf(", timeout: %s", timeout)
	}
	if rule.key != "" {
		more += ", key: " + rule.key
	}
	if rule.burst > 0 {
		more += fmt.Sprintf(", burst: %d", rule.burst)
	}
	if rule.lease > 0 {
		more += fmt.Sprintf(", lease: %d", rule.lease)
	}
	s := &sharing{}
	for range 2 {
		g := startGatewayProcess(t, b.Address(), fmt.Sprintf("rate_limits:\n  store: {redis: {addresses: [%q]%s}}\n  rules: [{name: shared, limit: %s, shared: true%s}]\n", redisAddress, store, rule.limit, more))
		s.gateways = append(s.gateways, g)
		eventually(t, func() error { return g.lastLine(storeIsAsked, storeIsGone) })
	}
	return s
}

// verdicts are what became of the calls of many clients.
type verdicts struct {
	mu      sync.Mutex
	passed  int
	limited int
	other   []string        // what should not be
	took    []time.Duration // of each
}

func (y *verdicts) add(status int, err error, took time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.took = append(y.took, took)
	switch {
	case err != nil:
		y.other = append(y.other, err.Error())
	case status == 200:
		y.passed++
	case status == 429:
		y.limited++
	default:
		y.other = append(y.other, fmt.Sprint(status))
	}
}

// p99 is how long all but one of a hundred calls took at most.
func (y *verdicts) p99() time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.took) == 0 {
		return 0
	}
	slices.Sort(y.took)
	return y.took[len(y.took)*99/100]
}

// load calls by so many clients, so often a second in all, until the time is over.
func (s *sharing) load(t *testing.T, clients, rate int, lasts time.Duration) *verdicts {
	t.Helper()
	y := &verdicts{}
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	pause := time.Duration(clients) * time.Second / time.Duration(rate)
	for i := range clients {
		c := s.gateways[i%len(s.gateways)].client(t)
		all.Go(func() {
			first := time.NewTimer(pause * time.Duration(i) / time.Duration(clients))
			defer first.Stop()
			select {
			case <-first.C:
			case <-ctx.Done():
				return
			}
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				began := time.Now()
				a, err := c.get(context.WithoutCancel(ctx), "/canary/v1/echo")
				status := 0
				if a != nil {
					status = a.status
				}
				y.add(status, err, time.Since(began))
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
	return y
}

// Threat G5: two gateways and two hundred clients: exactly what the limit is passes, with and without leases.
func TestThreatG5TwoGatewaysOneLimit(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, lease := range []uint32{0, 10} {
		const limit = 300
		s := startSharing(t, server.Address, time.Second, sharedRule{key: "client.address", limit: fmt.Sprintf("%d/d", limit), lease: lease})
		var passed, other atomic.Int64
		var clients sync.WaitGroup
		for i := range 200 {
			c := s.gateways[i%2].client(t)
			clients.Go(func() {
				for range 5 {
					switch a, err := c.get(t.Context(), "/canary/v1/echo"); {
					case err != nil:
						other.Add(1)
					case a.status == 200:
						passed.Add(1)
					case a.status != 429:
						other.Add(1)
					}
				}
			})
		}
		clients.Wait()
		if n := passed.Load(); n > limit || n < limit-2*int64(lease) || other.Load() != 0 {
			t.Errorf("lease %d: %d passed and %d failed; want %d, less what is leased and not used, and none", lease, n, other.Load(), limit)
		}
		server.Must(t, "FLUSHALL")
	}
}

// Threat G5: three times the limit, by two hundred clients, for ten seconds: the limit and one percent.
func TestThreatG5ThreeTimesTheLimit(t *testing.T) {
	const rate, burst = 200, 2
	lasts := time.Second
	if faults.Held() {
		lasts = 10 * time.Second
	}
	server := redistest.Start(t)
	s := startSharing(t, server.Address, 0, sharedRule{limit: fmt.Sprintf("%d/s", rate), burst: burst})
	began := time.Now()
	y := s.load(t, 200, 3*rate, lasts)
	took := time.Since(began)
	if len(y.other) > 0 {
		t.Errorf("%d calls failed: %s", len(y.other), y.other[0])
	}
	most := int(took.Seconds()*rate*1.01) + burst
	t.Logf("%d passed and %d were refused in %s; at most %d may pass", y.passed, y.limited, took, most)
	if faults.Held() && (y.passed > most || y.passed < most*9/10) {
		t.Errorf("%d passed; want at most %d, and nearly that", y.passed, most)
	}
}

// Fault 25: whatever Redis does, no call fails for it, calls do not get slow, no more than twice the limit passes, and soon after it is back
// it is asked again.
func TestFault25RedisUnderLoad(t *testing.T) {
	const rate, burst = 150, 10
	lasts := 700 * time.Millisecond
	if faults.Held() {
		lasts = 4 * time.Second
	}
	for _, tt := range []struct {
		name       string
		goes, back func(t *testing.T, s *redistest.Server, slow *delays)
	}{
		{"stopped", func(t *testing.T, s *redistest.Server, _ *delays) { s.Stop(t) }, func(t *testing.T, s *redistest.Server, _ *delays) { s.Restart(t) }},
		{"killed", func(t *testing.T, s *redistest.Server, _ *delays) { s.Kill(t) }, func(t *testing.T, s *redistest.Server, _ *delays) { s.Restart(t) }},
		{"frozen", func(t *testing.T, s *redistest.Server, _ *delays) { s.Freeze(t) }, func(t *testing.T, s *redistest.Server, _ *delays) { s.Thaw(t) }},
		{"read-only", func(t *testing.T, s *redistest.Server, _ *delays) { s.Must(t, "REPLICAOF", "127.0.0.1", "1") }, func(t *testing.T, s *redistest.Server, _ *delays) { s.Must(t, "REPLICAOF", "NO", "ONE") }},
		{"out of memory", func(t *testing.T, s *redistest.Server, _ *delays) { s.Must(t, "CONFIG", "SET", "maxmemory", "1") }, func(t *testing.T, s *redistest.Server, _ *delays) { s.Must(t, "CONFIG", "SET", "maxmemory", "0") }},
		{"slow", func(_ *testing.T, _ *redistest.Server, slow *delays) { slow.by.Store(int64(200 * time.Millisecond)) }, func(_ *testing.T, _ *redistest.Server, slow *delays) { slow.by.Store(0) }},
		{"flapping", func(t *testing.T, s *redistest.Server, _ *delays) {
			ctx, cancel := context.WithTimeout(t.Context(), lasts-lasts/4)
			defer cancel()
			for i := 0; ; i++ {
				if i%2 == 0 {
					s.Freeze(t)
				} else {
					s.Thaw(t)
				}
				timer := time.NewTimer(lasts / 8)
				select {
				case <-timer.C:
					continue
				case <-ctx.Done():
				}
				timer.Stop()
				s.Freeze(t)
				return
			}
		}, func(t *testing.T, s *redistest.Server, _ *delays) { s.Thaw(t) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := redistest.Start(t)
			slow := delay(t, server.Address)
			s := startSharing(t, slow.address, 0, sharedRule{limit: fmt.Sprintf("%d/s", rate), burst: burst})
			quiet := s.load(t, 60, 3*rate, lasts/2)
			var gone sync.WaitGroup
			gone.Go(func() { tt.goes(t, server, slow) })
			began := time.Now()
			y := s.load(t, 60, 3*rate, lasts)
			took := time.Since(began)
			gone.Wait()
			tt.back(t, server, slow)
			back := time.Now()
			if len(y.other) > 0 {
				t.Errorf("%d calls failed: %s", len(y.other), y.other[0])
			}
			if y.passed == 0 {
				t.Error("nothing passed")
			}
			most := 2 * (int(took.Seconds()*rate) + burst)
			added := y.p99() - quiet.p99()
			t.Logf("%d passed and %d were refused in %s; at most %d may pass; p99 %s, without the fault %s", y.passed, y.limited, took, most, y.p99(), quiet.p99())
			if faults.Held() && (y.passed > most || added > 5*time.Millisecond) {
				t.Errorf("%d passed, %s more than without the fault; want at most %d, and 5ms", y.passed, added, most)
			}
			for _, g := range s.gateways {
				eventually(t, func() error { return g.lastLine(storeIsAsked, storeIsGone) })
				if !strings.Contains(g.logged(t), storeIsGone) {
					t.Error("a gateway has not noticed that it was away")
				}
			}
			if since := time.Since(back); faults.Held() && since > 2*time.Second {
				t.Errorf("it was asked again after %s; want 2s", since)
			}
			if after := s.load(t, 10, rate/2, lasts/4); len(after.other) > 0 || after.passed == 0 {
				t.Errorf("afterwards %d passed, and %v", after.passed, after.other)
			}
		})
	}
}

// delays is a proxy that passes on what a server answers, as late as a test says.
type delays struct {
	address string
	by      atomic.Int64 // nanoseconds
}

func delay(t *testing.T, to string) *delays {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &delays{address: listener.Addr().String()}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { d.pass(ctx, in, to) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		running.Wait()
	})
	return d
}

// pass moves what comes, both ways, until one side ends.
func (d *delays) pass(ctx context.Context, in net.Conn, to string) {
	defer func() { _ = in.Close() }()
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = in.Close()
		_ = out.Close()
	})
	defer stop()
	var both sync.WaitGroup
	move := func(to, from net.Conn, late bool) {
		defer func() { _ = to.Close() }()
		buf := make([]byte, 16<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			if by := time.Duration(d.by.Load()); late && by > 0 {
				timer := time.NewTimer(by)
				select {
				case <-timer.C:
				case <-ctx.Done():
					timer.Stop()
					return
				}
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	both.Go(func() { move(out, in, false) })
	both.Go(func() { move(in, out, true) })
	both.Wait()
}
