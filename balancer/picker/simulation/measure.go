// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// measured is what came of a run's calls. Calls count for the time when they came.
type measured struct {
	took   []time.Duration // of those that succeeded or were given up; sorted once a quantile was asked for
	few    map[float64]time.Duration
	calls  int
	failed int
	sorted bool
}

// kept are the quantiles that a summary keeps.
var kept = []float64{0.5, 0.99, 0.999}

// add counts a call that was answered.
func (m *measured) add(came, took time.Duration, failed bool) {
	if came < warmup {
		return
	}
	m.calls++
	if failed {
		m.failed++
		return
	}
	m.took = append(m.took, took)
}

// late counts a call that was given up: for its client it took that long, and failed.
func (m *measured) late(came time.Duration) {
	if came < warmup {
		return
	}
	m.calls++
	m.failed++
	m.took = append(m.took, timeout)
}

// quantile returns what a share q of the calls was faster than.
func (m *measured) quantile(q float64) time.Duration {
	if m.few != nil {
		return m.few[q]
	}
	if len(m.took) == 0 {
		return 0
	}
	if !m.sorted {
		slices.Sort(m.took)
		m.sorted = true
	}
	return m.took[min(int(q*float64(len(m.took))), len(m.took)-1)]
}

// summary returns m without its calls.
func (m *measured) summary() measured {
	few := make(map[float64]time.Duration, len(kept))
	for _, q := range kept {
		few[q] = m.quantile(q)
	}
	return measured{few: few, calls: m.calls, failed: m.failed}
}

// errors returns the share of calls that failed.
func (m *measured) errors() float64 {
	if m.calls == 0 {
		return 0
	}
	return float64(m.failed) / float64(m.calls)
}
