// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package outlier

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// never is later than anything.
const never = time.Duration(math.MaxInt64)

// ward is what successive pickers of one balancer share.
type ward struct {
	trial     atomic.Int64 // when the next trial is due; never when none is
	succeeded atomic.Int64 // when a call last succeeded, to about succeededStep

	mu      sync.Mutex
	cfg     *Config                   // of the policy in force; guarded by mu
	records map[*picker.Stats]*record // guarded by mu; replaced, so that pickers keep theirs
	rebuild func(time.Duration)       // of the last view; guarded by mu
	counted time.Duration             // when the interval began; guarded by mu
}

func newWard(now time.Duration) *ward {
	w := &ward{counted: now}
	w.trial.Store(int64(never))
	return w
}

// see takes a view over, and compares the endpoints when an interval is over.
func (w *ward) see(cfg *Config, view picker.View) map[*picker.Stats]*record {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg = cfg
	records := make(map[*picker.Stats]*record, len(view.All))
	for _, c := range view.All {
		r := w.records[c.Stats]
		if r == nil {
			r = new(record)
		}
		r.candidate, r.ready = c, false
		records[c.Stats] = r
	}
	for _, c := range view.Ready {
		r := records[c.Stats]
		if r == nil { // a view whose Ready is no part of All; it is served nevertheless
			r = new(record)
			records[c.Stats] = r
		}
		r.candidate, r.ready = c, c.Unhealthy == ""
		if r.out.Load() && c.Since > r.since {
			r.until = min(r.until, view.Now) // it is another connection, perhaps another process: try it
		}
	}
	w.records, w.rebuild = records, view.Rebuild
	if view.Now-w.counted >= w.cfg.Interval {
		w.counted = view.Now
		w.compareLocked(view.Now)
	}
	w.despairLocked(view.Now)
	w.planLocked()
	view.Rebuild(w.counted + w.cfg.Interval - view.Now)
	return records
}

// succeededStep is how exactly it is known when a call last succeeded: not each one writes it.
const succeededStep = 10 * time.Millisecond

// success notes that a call succeeded.
func (w *ward) success(now time.Duration) {
	if int64(now)-w.succeeded.Load() > int64(succeededStep) {
		w.succeeded.Store(int64(now))
	}
}

// despairLocked ejects endpoints that have failed, if only once, and had no success for long after that, while others had.
func (w *ward) despairLocked(now time.Duration) {
	if w.cfg.FailingFor == Off {
		return
	}
	keys := make([]*record, 0, len(w.records))
	for _, r := range w.records {
		if r.ready && !r.out.Load() && r.inRow.Load() > 0 {
			keys = append(keys, r)
		}
	}
	slices.SortFunc(keys, func(a, b *record) int {
		return cmp.Compare(a.candidate.Endpoint.Key(), b.candidate.Endpoint.Key())
	})
	for _, r := range keys {
		since := time.Duration(r.failing.Load())
		switch {
		case now-since < w.cfg.FailingFor:
			w.rebuild(w.cfg.FailingFor - (now - since))
		case time.Duration(w.succeeded.Load()) > since:
			w.ejectLocked(r, now, fmt.Sprintf("no success for %v, failures: %d", (now-since).Round(100*time.Millisecond), r.inRow.Load()))
		}
	}
}

// watch has the picker made anew when it is to be seen whether an endpoint that has failed does so for long.
func (w *ward) watch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cfg.FailingFor != Off {
		w.rebuild(w.cfg.FailingFor)
	}
}

// ejectLocked takes an endpoint out of use, unless too many are.
func (w *ward) ejectLocked(r *record, now time.Duration, reason string) {
	if r.out.Load() || w.records[r.candidate.Stats] != r || !w.spareLocked() {
		return
	}
	r.times++
	r.reason, r.since, r.until, r.tolerable = reason, now, now+pause(w.cfg, r.times), 0
	r.inRow.Store(0)
	r.out.Store(true)
	w.planLocked()
	w.rebuild(0)
}

// spareLocked says whether one more endpoint can be done without.
func (w *ward) spareLocked() bool {
	in := 0
	for _, r := range w.records {
		if r.ready && !r.out.Load() {
			in++
		}
	}
	return in > 1 && float64(len(w.records)-in+1) <= w.cfg.MaxOut*float64(len(w.records))
}

// planLocked computes when the next trial is due.
func (w *ward) planLocked() {
	at := never
	for _, r := range w.records {
		if r.out.Load() && r.ready {
			at = min(at, r.due())
		}
	}
	w.trial.Store(int64(at))
}

// try returns the endpoint whose trial is due, if there is one. It does not wait.
func (w *ward) try(now time.Duration) *picker.Candidate {
	if int64(now) < w.trial.Load() || !w.mu.TryLock() {
		return nil
	}
	defer w.mu.Unlock()
	var due *record
	for _, r := range w.records {
		if !r.out.Load() || !r.ready || now < r.due() {
			continue
		}
		if due == nil || r.until < due.until || (r.until == due.until && r.candidate.Endpoint.Key() < due.candidate.Endpoint.Key()) {
			due = r
		}
	}
	defer w.planLocked()
	if due == nil || !due.begin(now) {
		return nil
	}
	return due.candidate
}

// tried is the end of a call on an endpoint with a trial under way. It returns false when the call is
// another one.
func (w *ward) tried(r *record, o *picker.Outcome) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !r.end(o.Now - o.Latency) {
		return false
	}
	switch {
	case !r.out.Load() || o.Result == picker.Neither:
		// Another trial has told before, or this one says nothing.
	case o.Result == picker.Success && (r.tolerable == 0 || o.Latency <= r.tolerable):
		r.out.Store(false)
		r.returned = o.Now
		r.inRow.Store(0)
		r.take()
		w.rebuild(0)
	default:
		r.times++
		r.until = o.Now + pause(w.cfg, r.times)
	}
	w.planLocked()
	return true
}

// failed is told of so many failures in a row.
func (w *ward) failed(r *record, now time.Duration, inRow int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ejectLocked(r, now, fmt.Sprintf("%d failures in a row", inRow))
}

// compareLocked ejects those that an interval speaks against, the worst first.
func (w *ward) compareLocked(now time.Duration) {
	var known []counts
	for _, r := range w.records {
		c := r.take()
		if !r.out.Load() {
			r.times = max(r.times-1, 0)
			if c.calls >= float64(w.cfg.MinCalls) {
				known = append(known, c)
			}
		}
	}
	// Maps have no order; ejections have.
	slices.SortFunc(known, func(a, b counts) int {
		if d := b.failures/b.calls - a.failures/a.calls; d != 0 {
			return int(math.Copysign(1, d))
		}
		if a.latency != b.latency {
			return int(b.latency - a.latency)
		}
		if a.r.candidate.Endpoint.Key() < b.r.candidate.Endpoint.Key() {
			return -1
		}
		return 1
	})
	low, median := w.standards(known)
	for _, c := range known {
		share := c.failures / c.calls
		switch {
		case w.cfg.FailureShare != Off && share >= w.cfg.FailureShare:
			w.ejectLocked(c.r, now, fmt.Sprintf("%.0f%% of %.0f calls failed", share*100, c.calls))
		case 1-share < low:
			w.ejectLocked(c.r, now, fmt.Sprintf("success rate %.1f%%, the others' is above %.1f%%", (1-share)*100, low*100))
		}
	}
	if w.cfg.LatencyFactor == Off || median == 0 {
		return
	}
	slices.SortStableFunc(known, func(a, b counts) int { return int(b.latency - a.latency) })
	limit := time.Duration(float64(median) * w.cfg.LatencyFactor)
	for _, c := range known {
		if c.latency > limit {
			w.ejectLocked(c.r, now, fmt.Sprintf("mean latency %v, the others' median is %v", c.latency.Round(10*time.Microsecond), median.Round(10*time.Microsecond)))
			if c.r.out.Load() {
				c.r.tolerable = limit
			}
		}
	}
}

// standards returns the success rate below which an endpoint is an outlier, and the median of the latencies;
// zero when there are too few endpoints to say.
func (w *ward) standards(known []counts) (low float64, median time.Duration) {
	if len(known) < w.cfg.MinEndpoints {
		return 0, 0
	}
	n := float64(len(known))
	mean, squares := 0.0, 0.0
	latencies := make([]time.Duration, len(known))
	for i, c := range known {
		mean += (1 - c.failures/c.calls) / n
		latencies[i] = c.latency
	}
	for _, c := range known {
		d := 1 - c.failures/c.calls - mean
		squares += d * d / n
	}
	if w.cfg.SuccessDeviations != Off {
		low = mean - w.cfg.SuccessDeviations*math.Sqrt(squares)
	}
	slices.Sort(latencies)
	return low, latencies[len(latencies)/2]
}
