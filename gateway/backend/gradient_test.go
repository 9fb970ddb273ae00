// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// worker is a backend that works on so many calls at a time, each for so long, in their order: beyond, they wait in it, and it works on
// calls whose clients have gone as well.
type worker struct {
	free chan struct{}
	each time.Duration
	all  sync.WaitGroup
}

func newWorker(at int, each time.Duration) *worker {
	return &worker{free: make(chan struct{}, at), each: each}
}

func (w *worker) call(ctx context.Context) error {
	done := make(chan struct{})
	w.all.Go(func() {
		defer close(done)
		w.free <- struct{}{}
		time.Sleep(w.each)
		<-w.free
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// offer calls so often for a while and returns how many calls a second succeeded in their deadline, once it has settled.
func offer(w *worker, perSecond int, g *gate, limit *gradient) int {
	const deadline, warm, long = 200 * time.Millisecond, 5 * time.Second, 15 * time.Second
	var good atomic.Int64
	var calls sync.WaitGroup
	client := netip.MustParseAddr("10.0.0.1")
	began := time.Now()
	for time.Since(began) < warm+long {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			if g.enter(ctx, client) != nil {
				return
			}
			entered := time.Now()
			err := w.call(ctx)
			if limit != nil {
				limit.sample(time.Since(entered), g.busy())
			}
			g.leave(client)
			if err == nil && time.Since(began) > warm {
				good.Add(1)
			}
		})
		time.Sleep(time.Second / time.Duration(perSecond))
	}
	calls.Wait()
	w.all.Wait()
	return int(good.Load()) / int(long/time.Second)
}

// Fault 34: at twice what a backend can do, the adaptive limit keeps what is served in time at 85 % of that; without it nearly
// nothing is. The test is inside, where its time is its own.
func TestFault34TheAdaptiveLimitKeepsGoodput(t *testing.T) {
	t.Parallel()
	const capacity = 1000             // ten at a time, 10 ms each
	const most = capacity * 102 / 100 // some began before the count
	for _, c := range []struct {
		name      string
		perSecond int
		adaptive  bool
		least     int
		most      int
	}{
		{"twice too much, adaptive", 2 * capacity, true, capacity * 85 / 100, most},
		{"a fifth too much, adaptive", capacity * 12 / 10, true, capacity * 85 / 100, most},
		{"half the load, adaptive", capacity / 2, true, capacity / 2 * 99 / 100, most},
		{"twice too much, without", 2 * capacity, false, 0, capacity / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				limit := newGradient(DefaultMaxInFlight)
				current := limit.current
				if !c.adaptive {
					limit, current = nil, func() int { return DefaultMaxInFlight }
				}
				g := newGate(current, maxLimit, DefaultQueue, DefaultQueueTimeout)
				good := offer(newWorker(10, 10*time.Millisecond), c.perSecond, g, limit)
				if good < c.least || good > c.most {
					t.Errorf("%d calls a second were served in time; want %d to %d", good, c.least, c.most)
				}
			})
		})
	}
}
