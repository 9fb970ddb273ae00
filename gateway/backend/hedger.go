// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"math"
	"sync"
	"time"
)

const (
	// hedgeCost is what a hedge costs; a call pays in as many parts of it as its percent.
	hedgeCost = 100
	// hedgeSavings is how many hedges can be saved up for.
	hedgeSavings = 10
	// quantileSamples is how many calls there must be before their latencies say when one is late.
	quantileSamples = 100
	// quantileMemory is after how many calls those before count half.
	quantileMemory = 2048
	// quantileEvery is after how many calls the quantile is computed anew.
	quantileEvery = 32
	// lateQuantile is the share of calls that are not late.
	lateQuantile = 0.95
	// perDoubling is how many classes of latencies there are between one and twice as much.
	perDoubling = 8
	// classes is how many there are: from a microsecond to half an hour.
	classes = 31 * perDoubling
)

// hedger is what the calls of a method know together. It is safe for concurrent use.
type hedger struct {
	cfg HedgeConfig

	mu      sync.Mutex
	savings int
	counts  [classes]uint32 // of latencies, by class; they fade
	samples int             // in counts
	since   int             // samples since late was computed
	late    time.Duration
}

func newHedger(cfg HedgeConfig) *hedger { return &hedger{cfg: cfg} }

// call counts a call, and returns after how long without an answer it is late; 0 when that is not known.
func (h *hedger) call() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.savings = min(h.savings+h.cfg.Percent, hedgeSavings*hedgeCost)
	if h.cfg.After > 0 {
		return h.cfg.After
	}
	return h.late
}

// spend says whether there may be one more hedge, and counts it.
func (h *hedger) spend() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.savings < hedgeCost {
		return false
	}
	h.savings -= hedgeCost
	return true
}

// sample is told what a call took.
func (h *hedger) sample(took time.Duration) {
	if h.cfg.After > 0 {
		return
	}
	class := 0
	if us := float64(took) / float64(time.Microsecond); us > 1 {
		class = min(int(math.Log2(us)*perDoubling), classes-1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[class]++
	h.samples++
	h.since++
	if h.samples >= quantileMemory {
		h.samples = 0
		for i := range h.counts {
			h.counts[i] /= 2
			h.samples += int(h.counts[i])
		}
	}
	if h.samples >= quantileSamples && h.since >= quantileEvery {
		h.since = 0
		h.late = h.quantileLocked()
	}
}

// quantileLocked returns the latency that is not late, rounded up to the end of its class.
func (h *hedger) quantileLocked() time.Duration {
	left := int(float64(h.samples) * (1 - lateQuantile))
	for class := classes - 1; class >= 0; class-- {
		if left -= int(h.counts[class]); left < 0 {
			return time.Duration(math.Exp2(float64(class+1)/perDoubling) * float64(time.Microsecond))
		}
	}
	return 0
}
