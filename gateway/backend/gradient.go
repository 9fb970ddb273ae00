// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// What the adaptive limit goes by.
const (
	// leastAdaptive is the least limit, with which a backend is still seen to be fast or slow.
	leastAdaptive = 16
	// firstAdaptive is the limit before anything is known.
	firstAdaptive = 64
	// gradientWindow and gradientSamples are the least time and the least number of calls that are taken together.
	gradientWindow  = 100 * time.Millisecond
	gradientSamples = 10
	// tolerance is how many times its usual latency a call may take before the limit falls.
	tolerance = 1.5
	// smoothing is how far the limit moves with each window.
	smoothing = 0.2
	// sinkTime, riseTime and strainedTime are the time constants with which the usual latency falls, rises while no call is kept
	// waiting, and rises while calls are: what calls take under overload is not usual.
	sinkTime     = time.Second
	riseTime     = 10 * time.Second
	strainedTime = 5 * time.Minute
)

// gradient is a limit of the calls in flight that follows their latency: it grows while calls take what they usually do, and falls
// when they take longer, for then they wait for each other in the backend (after Netflix's gradient2, decision 12).
type gradient struct {
	most  float64
	value atomic.Int64 // of limit

	mu    sync.Mutex
	limit float64
	usual float64 // latency, in nanoseconds; 0 before the first window
	// Of the window that is open.
	began   time.Time
	sum     float64
	samples int
	busiest int // most calls in flight
}

func newGradient(most int) *gradient {
	g := &gradient{most: float64(most), limit: math.Min(firstAdaptive, float64(most)), began: time.Now()}
	g.value.Store(int64(g.limit))
	return g
}

// current returns the limit.
func (g *gradient) current() int { return int(g.value.Load()) }

// sample is told what a call took, and how many were in flight.
func (g *gradient) sample(took time.Duration, inFlight int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sum += float64(took)
	g.samples++
	g.busiest = max(g.busiest, inFlight)
	now := time.Now()
	window := now.Sub(g.began)
	if window < gradientWindow || g.samples < gradientSamples {
		return
	}
	g.windowLocked(g.sum/float64(g.samples), window)
	g.began, g.sum, g.samples, g.busiest = now, 0, 0, 0
}

func (g *gradient) windowLocked(latency float64, window time.Duration) {
	strained := float64(g.busiest) >= g.limit
	switch {
	case g.usual == 0:
		g.usual = latency
	case latency < g.usual:
		g.usual += (latency - g.usual) * share(window, sinkTime)
	case strained:
		g.usual += (latency - g.usual) * share(window, strainedTime)
	default:
		g.usual += (latency - g.usual) * share(window, riseTime)
	}
	if float64(g.busiest) < g.limit/2 {
		return // nothing is known of more calls than there are
	}
	slope := math.Max(0.5, math.Min(1, tolerance*g.usual/latency))
	next := g.limit*slope + math.Sqrt(g.limit)
	g.limit += (next - g.limit) * smoothing
	g.limit = math.Max(math.Min(g.limit, g.most), math.Min(leastAdaptive, g.most))
	g.value.Store(int64(g.limit))
}

// share returns how much of a difference is made up in a time.
func share(window, constant time.Duration) float64 {
	return 1 - math.Exp(-float64(window)/float64(constant))
}
