// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"math"
	"sync/atomic"
)

// mean is a mean of samples in which older ones have faded, with the time constant statsMemory. Samples
// are above zero. It is safe for concurrent use and its zero value has no sample.
type mean struct {
	bits    atomic.Uint64 // math.Float64bits of the mean; 0 before the first sample
	sampled atomic.Int64  // when it was last moved, on the caller's clock
}

// sample moves the mean towards v. Of two that come at the same instant one may be lost: the
// mean does not need every sample, and no call waits for another here.
func (m *mean) sample(v float64, now int64) {
	old := m.bits.Load()
	if old == 0 {
		if m.bits.CompareAndSwap(0, math.Float64bits(v)) {
			m.sampled.Store(now)
		}
		return
	}
	age := max(now-m.sampled.Load(), 0)
	keep := math.Exp(-float64(age) / float64(statsMemory))
	if m.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)*keep+v*(1-keep))) {
		m.sampled.Store(now)
	}
}

// value returns the mean; 0 before the first sample.
func (m *mean) value() float64 { return math.Float64frombits(m.bits.Load()) }

// fade returns about e^-x, without its cost: what picks can afford for each endpoint that they
// compare. It is 1 below zero and 0 from 16 on.
func fade(x float64) float64 {
	if x <= 0 {
		return 1
	}
	y := 1 - x/16
	if y <= 0 {
		return 0
	}
	y *= y
	y *= y
	y *= y
	return y * y
}
