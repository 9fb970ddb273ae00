// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// The defaults of a BudgetConfig.
const (
	// DefaultRetryPercent is how many retries a backend gets for a hundred calls.
	DefaultRetryPercent = 20
	// DefaultMinRetries is how many retries in a second are allowed however few calls there are.
	DefaultMinRetries = 3
	// maxRetryPercent and maxMinRetries bound what can be set.
	maxRetryPercent = 100
	maxMinRetries   = 1000
)

// BudgetConfig bounds the retries of a backend, of all methods together, so that a backend in trouble is not given much more to do.
type BudgetConfig struct {
	// Percent is how many retries there may be for a hundred calls in any ten seconds; 1 to 100. 0: DefaultRetryPercent.
	Percent int
	// MinPerSecond is how many retries there may be however few calls there are, on average over ten seconds; at most 1000. 0:
	// DefaultMinRetries.
	MinPerSecond int
}

func (c BudgetConfig) check() (BudgetConfig, error) {
	setDefault(&c.Percent, DefaultRetryPercent)
	setDefault(&c.MinPerSecond, DefaultMinRetries)
	if c.Percent < 1 || c.Percent > maxRetryPercent {
		return c, fmt.Errorf("retry_budget: percent is %d; it must be 1 to %d", c.Percent, maxRetryPercent)
	}
	if c.MinPerSecond < 1 || c.MinPerSecond > maxMinRetries {
		return c, fmt.Errorf("retry_budget: min_per_second is %d; it must be 1 to %d", c.MinPerSecond, maxMinRetries)
	}
	return c, nil
}

const (
	// budgetSpan is the time over which calls and retries are compared.
	budgetSpan = 10
	// budgetSlots are the seconds that are kept: the span, the second that has begun, and one to write to.
	budgetSlots = budgetSpan + 2
)

// budget counts calls and retries by the second. A retry is granted when, with it, the retries of the last ten seconds (and the second
// before, which may be in part among them) are no more than their share of the calls of the last nine and the one that has begun: so the
// share holds in every ten seconds, not on average (fault 14). A call costs one atomic addition.
type budget struct {
	cfg BudgetConfig

	mu    sync.Mutex
	slots [budgetSlots]budgetSlot // by second; retries are guarded by mu
	began time.Time
}

// budgetSlot is one second.
type budgetSlot struct {
	second  atomic.Int64 // which; written under the lock
	calls   atomic.Int64
	retries int64
}

func newBudget(cfg BudgetConfig) *budget {
	b := &budget{cfg: cfg, began: time.Now()}
	for i := range b.slots {
		b.slots[i].second.Store(-budgetSlots)
	}
	return b
}

// second returns which second it is, counted so that 0 is long past.
func (b *budget) second() int64 { return int64(time.Since(b.began)/time.Second) + budgetSlots }

// call counts a call.
func (b *budget) call() {
	now := b.second()
	s := &b.slots[now%budgetSlots]
	if s.second.Load() != now {
		b.mu.Lock()
		b.slotLocked(now)
		b.mu.Unlock()
	}
	s.calls.Add(1)
}

// slotLocked returns the slot of a second, emptied if it was another's.
func (b *budget) slotLocked(second int64) *budgetSlot {
	s := &b.slots[second%budgetSlots]
	if s.second.Load() != second {
		s.calls.Store(0)
		s.retries = 0
		s.second.Store(second)
	}
	return s
}

// retry says whether there may be one more retry, and counts it.
func (b *budget) retry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.second()
	own := b.slotLocked(now)
	var calls, retries int64
	for i := range b.slots {
		s := &b.slots[i]
		age := now - s.second.Load()
		if age < budgetSpan {
			calls += s.calls.Load()
		}
		if age <= budgetSpan {
			retries += s.retries
		}
	}
	allowed := max(calls*int64(b.cfg.Percent)/100, int64(b.cfg.MinPerSecond)*budgetSpan)
	if retries >= allowed {
		return false
	}
	own.retries++
	return true
}
