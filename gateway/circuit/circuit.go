// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package circuit provides what keeps calls from a store that does not answer, and finds out when it does again.
package circuit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tolerance is how many calls in a row may wait for a store in vain before no more are sent to it.
	tolerance = 3
	// probeInterval is how often a store is tried that is thought not to answer.
	probeInterval = 100 * time.Millisecond
	// mostProbes is how many probes in a row have to be answered by a store that comes and goes: at most 0.8 s after it is back, calls are sent to it.
	mostProbes = 8
	// calm is after how long a store is no longer one that comes and goes.
	calm = 5 * time.Second
)

// Circuit keeps calls from a store that does not answer, and finds out when it does again. It is safe for concurrent use.
type Circuit struct {
	up       atomic.Bool
	failures atomic.Int32  // in a row
	tripped  chan struct{} // has an element when up has become false

	asked, failed atomic.Uint64

	mu    sync.Mutex
	cause error     // why up has become false last, or a probe was in vain; guarded by mu
	since time.Time // when up has changed last; guarded by mu
	took  meter     // guarded by mu
}

// New returns a circuit that is open until Run has had an answer.
func New() *Circuit { return &Circuit{tripped: make(chan struct{}, 1), since: time.Now()} }

// Up tells whether the store is asked.
func (k *Circuit) Up() bool { return k.up.Load() }

// Answered is told of a call that had its answer, and how long that took.
func (k *Circuit) Answered(took time.Duration) {
	k.failures.Store(0)
	k.asked.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.took.add(took, time.Now())
}

// Failed is told of a call that had none; certain says that it is of no use to ask again.
func (k *Circuit) Failed(cause error, certain bool) {
	k.asked.Add(1)
	k.failed.Add(1)
	if !certain && k.failures.Add(1) < tolerance || !k.up.CompareAndSwap(true, false) {
		return
	}
	k.mu.Lock()
	k.cause, k.since = cause, time.Now()
	k.mu.Unlock()
	select {
	case k.tripped <- struct{}{}:
	default:
	}
}

// Event is what becomes of a store.
type Event int

// What becomes of a store.
const (
	// Silent says that it has not answered for a second, for the first time.
	Silent Event = iota
	// Lost says that it is not asked any more.
	Lost
	// Back says that it is asked.
	Back
)

// Run probes a store while it does not answer, until ctx ends. tell is told, by this goroutine, what becomes of it, and why.
func (k *Circuit) Run(ctx context.Context, tell func(Event, error), probe func(context.Context) error) {
	defer k.up.Store(false)
	for probes := 1; ; {
		if !k.recover(ctx, tell, probes, probe) {
			return
		}
		back := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-k.tripped:
		}
		k.mu.Lock()
		cause := k.cause
		k.mu.Unlock()
		tell(Lost, cause)
		if probes = min(2*probes, mostProbes); time.Since(back) > calm {
			probes = 1
		}
	}
}

// recover probes until enough probes in a row were answered; it is false when ctx has ended.
func (k *Circuit) recover(ctx context.Context, tell func(Event, error), probes int, probe func(context.Context) error) bool {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	began, told := time.Now(), false
	for good := 0; ; {
		if err := probe(ctx); err == nil {
			good++
		} else {
			k.mu.Lock()
			k.cause = err
			k.mu.Unlock()
			if good = 0; !told && time.Since(began) > time.Second {
				tell(Silent, err)
				told = true
			}
		}
		if good >= probes {
			break
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	k.failures.Store(0)
	k.mu.Lock()
	k.cause, k.since = nil, time.Now()
	k.mu.Unlock()
	k.up.Store(true)
	tell(Back, nil)
	return true
}
