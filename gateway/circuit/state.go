// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package circuit

import "time"

// State is how a store fares.
type State struct {
	// Up tells whether it is asked, and Since from when on.
	Up    bool
	Since time.Time
	// Cause is why it is not; nil where it is, or is not known yet.
	Cause error
	// Asked is how often it was asked, Failed how often in vain.
	Asked, Failed uint64
	// Latency is how long answers took in the last seconds, as a mean; 0 where there were none.
	Latency time.Duration
}

// State tells how the store fares.
func (k *Circuit) State() State {
	s := State{Up: k.up.Load(), Asked: k.asked.Load(), Failed: k.failed.Load()}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Since, s.Latency = k.since, k.took.mean(time.Now())
	if !s.Up {
		s.Cause = k.cause
	}
	return s
}

// meterSpan is how far back a meter goes at least; at most it goes twice as far.
const meterSpan = 10 * time.Second

// meter has the mean of what was of late.
type meter struct {
	young, old struct {
		sum   time.Duration
		count int64
	}
	turn int64 // the number of the span that goes on, since 1970
}

func (m *meter) add(d time.Duration, now time.Time) {
	m.advance(now)
	m.young.sum += d
	m.young.count++
}

func (m *meter) advance(now time.Time) {
	turn := now.UnixNano() / int64(meterSpan)
	if turn == m.turn {
		return
	}
	old := m.young
	if turn != m.turn+1 {
		old.sum, old.count = 0, 0
	}
	m.old, m.turn = old, turn
	m.young.sum, m.young.count = 0, 0
}

func (m *meter) mean(now time.Time) time.Duration {
	m.advance(now)
	if n := m.young.count + m.old.count; n > 0 {
		return (m.young.sum + m.old.sum) / time.Duration(n)
	}
	return 0
}
