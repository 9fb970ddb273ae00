// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// bank is a store in memory: one bucket for everything, with the arithmetic of windows of the simplest kind, so that tests know what is in it.
type bank struct {
	mu     sync.Mutex
	tokens int64 // guarded by mu
	asked  int   // guarded by mu
	most   int64 // tokens at most; guarded by mu
	rate   int64 // tokens a second; guarded by mu
	last   time.Time

	down  atomic.Bool
	fails atomic.Bool
	slow  time.Duration
}

func newBank(rate, burst int64) *bank {
	return &bank{tokens: burst, most: burst, rate: rate, last: time.Now()}
}

func (b *bank) Up() bool { return !b.down.Load() }

func (b *bank) Take(ctx context.Context, q *ratelimit.Query) (ratelimit.Outcome, error) {
	if b.slow > 0 {
		time.Sleep(b.slow)
	}
	if b.fails.Load() || ctx.Err() != nil {
		return ratelimit.Outcome{}, errors.New("no answer")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.rate > 0 {
		interval := time.Second / time.Duration(b.rate)
		n := int64(time.Since(b.last) / interval)
		b.last = b.last.Add(time.Duration(n) * interval)
		b.tokens = min(b.tokens+n, b.most)
	}
	if b.tokens < q.Least {
		return ratelimit.Outcome{Left: b.tokens, Wait: time.Duration(q.Least-b.tokens) * q.Interval}, nil
	}
	granted := min(b.tokens, q.Most)
	b.tokens -= granted
	return ratelimit.Outcome{Granted: granted, Left: b.tokens}, nil
}

func shared(store ratelimit.Store, edit func(*ratelimit.Rule)) ratelimit.Config {
	r := ratelimit.Rule{Name: "r", Match: all, Rate: perSecond(100), Shared: true}
	if edit != nil {
		edit(&r)
	}
	return ratelimit.Config{Rules: []ratelimit.Rule{r}, Store: store}
}

// A call of which a store is asked waits in a goroutine that may, and the others do not.
func TestSharedLimitsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newBank(0, 3)
		p := policy(t, shared(store, nil))
		if err := p.Admit(call(method, "10.0.0.1")); !errors.Is(err, interceptor.ErrWait) {
			t.Errorf("with a store: %v; want ErrWait", err)
		}
		if n := admitted(t, p, 10, "10.0.0.1"); n != 3 || store.asked != 10 {
			t.Errorf("%d passed and the store was asked %d times; want 3 and 10", n, store.asked)
		}
		store.down.Store(true)
		if err := p.Admit(call(method, "10.0.0.1")); errors.Is(err, interceptor.ErrWait) {
			t.Error("a store that is away is waited for")
		}
	})
}

// Threat G6: what happens while a store cannot tell is said by the rule; by default each gateway admits its share, of which what it has
// admitted before is a part.
func TestThreatG6StoreThatCannotTell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		edit  func(*ratelimit.Rule)
		want  int
		code  codes.Code
		spent int // before it went away
	}{
		{"the share of one of two", nil, 50, codes.ResourceExhausted, 0},
		{"less what it has admitted", nil, 10, codes.ResourceExhausted, 40},
		{"the share of one of ten", func(r *ratelimit.Rule) { r.Name = "ten" }, 10, codes.ResourceExhausted, 0},
		{"all, where that is said", func(r *ratelimit.Rule) { r.OnError = ratelimit.Allow }, 1000, codes.OK, 0},
		{"none, where that is said", func(r *ratelimit.Rule) { r.OnError = ratelimit.Refuse }, 0, codes.Unavailable, 0},
	} {
		for _, fails := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				store := newBank(0, 1000)
				cfg := shared(store, tt.edit)
				rate := 50 // a second, of the share
				if cfg.Rules[0].Name == "ten" {
					cfg.Gateways, rate = 10, 10
				}
				p := policy(t, cfg)
				if n := admitted(t, p, tt.spent, "10.0.0.1"); n != tt.spent {
					t.Fatalf("%d passed before", n)
				}
				store.fails.Store(fails)
				store.down.Store(!fails)
				if n := admitted(t, p, 1000, "10.0.0.1"); n != tt.want {
					t.Errorf("%s: %d passed; want %d", tt.name, n, tt.want)
				}
				if tt.code == codes.ResourceExhausted {
					time.Sleep(time.Second)
					if n := admitted(t, p, 1000, "10.0.0.1"); n != rate {
						t.Errorf("%s: %d in a second; want %d", tt.name, n, rate)
					}
				}
				err := interceptor.Admit(p, call(method, "10.0.0.1"))
				if got := codes.Code(status.Proto(err).GetCode()); got != tt.code {
					t.Errorf("%s: %v", tt.name, err)
				}
				store.fails.Store(false)
				store.down.Store(false)
				before := store.asked
				if admitted(t, p, 1, "10.0.0.1") != 1 || store.asked != before+1 {
					t.Errorf("%s: it is not asked when it is back", tt.name)
				}
			})
		}
	}
}

// A lease asks the store seldom, and never admits more than it has given.
func TestLeases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newBank(0, 90)
		p := policy(t, shared(store, func(r *ratelimit.Rule) { r.Lease = 20 }))
		if n := admitted(t, p, 200, "10.0.0.1"); n != 90 {
			t.Errorf("%d passed; want 90, all that there is", n)
		}
		if store.asked > 6 {
			t.Errorf("the store was asked %d times; want 5 for what there is, and once for what is not", store.asked)
		}
	})
}

// The bound of leases: in no time do gateways admit more than the store has given, and a lease each from before.
func TestLeaseBound(t *testing.T) {
	t.Parallel()
	const (
		gateways = 3
		lease    = 10
		rate     = 100
		burst    = 20
	)
	synctest.Test(t, func(t *testing.T) {
		store := newBank(rate, burst)
		var all []*ratelimit.Policy
		for range gateways {
			all = append(all, policy(t, shared(store, func(r *ratelimit.Rule) { r.Lease, r.Burst = lease, burst })))
		}
		var took []time.Time
		began := time.Now()
		for i := range 10_000 { // ten seconds at ten times the limit, with pauses in which leases are held
			if i%1500 == 0 {
				time.Sleep(300 * time.Millisecond)
			}
			time.Sleep(time.Millisecond)
			if interceptor.Admit(all[i%gateways], call(method, "10.0.0.1")) == nil {
				took = append(took, time.Now())
			}
		}
		total := time.Since(began)
		if most := burst + int(total*rate/time.Second); len(took) > most {
			t.Errorf("%d in %s; want at most %d, as without leases", len(took), total, most)
		} else if len(took) < most*8/10 {
			t.Errorf("%d in %s; want nearly %d", len(took), total, most)
		}
		for i := range took {
			for j := i; j < len(took); j += 7 {
				window := took[j].Sub(took[i])
				if most := burst + gateways*lease + int(window*rate/time.Second) + 1; j-i+1 > most {
					t.Fatalf("%d in %s; want at most %d", j-i+1, window, most)
				}
			}
		}
	})
}

// Many calls that find no lease ask once.
func TestOneCallFetchesForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newBank(0, 1000)
		store.slow = 2 * time.Millisecond
		p := policy(t, shared(store, func(r *ratelimit.Rule) { r.Lease = 100 }))
		var passed atomic.Int64
		var clients sync.WaitGroup
		for range 100 {
			clients.Go(func() {
				if interceptor.Admit(p, call(method, "10.0.0.1")) == nil {
					passed.Add(1)
				}
			})
		}
		clients.Wait()
		if passed.Load() != 100 || store.asked != 1 {
			t.Errorf("%d passed, and the store was asked %d times; want 100 and 1", passed.Load(), store.asked)
		}
	})
}

// What is leased and not used ends to count: it cannot be saved up.
func TestLeasesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newBank(0, 30)
		p := policy(t, shared(store, func(r *ratelimit.Rule) { r.Lease = 20 }))
		if n := admitted(t, p, 1, "10.0.0.1"); n != 1 {
			t.Fatal("the first is refused")
		}
		time.Sleep(2 * time.Second)
		if n := admitted(t, p, 100, "10.0.0.1"); n != 10 {
			t.Errorf("%d passed two seconds later; want the 10 that the store still has", n)
		}
	})
}
