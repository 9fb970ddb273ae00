// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package outlier

import (
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// record is what is known of one endpoint, for as long as it is used. The first fields are written by every
// call that ends; those of the ejection by few, with the ward's lock held.
type record struct {
	inRow    atomic.Int64 // failures since the last success
	failing  atomic.Int64 // when the first of them ended
	calls    atomic.Int64 // in this interval, as all of these
	failures atomic.Int64
	timed    atomic.Int64 // calls whose latency is known
	nanos    atomic.Int64 // of those
	out      atomic.Bool  // written with the ward's lock held, as is trying
	trying   atomic.Int64 // trials that have not ended

	candidate *picker.Candidate // of the last view; guarded by the ward's lock, as all that follows
	ready     bool
	reason    string                   // why it is out
	since     time.Duration            // when it was ejected
	until     time.Duration            // when it is tried
	trials    [maxTrials]time.Duration // when those that have not ended began; 0: free
	tolerable time.Duration            // a trial must not take longer; 0: it may
	times     int                      // how often it was ejected of late
	returned  time.Duration            // when it last came back; 0: never
}

// maxTrials is how many trials of one endpoint may be under way: a second is begun only when the first is
// late.
const maxTrials = 4

// begin notes a trial; false when there are too many.
func (r *record) begin(now time.Duration) bool {
	for i, at := range r.trials {
		if at == 0 {
			r.trials[i] = now
			r.trying.Add(1)
			return true
		}
	}
	return false
}

// end forgets the trial that began at a time, and says whether there was one.
func (r *record) end(began time.Duration) bool {
	for i, at := range r.trials {
		if at == began && at != 0 {
			r.trials[i] = 0
			r.trying.Add(-1)
			return true
		}
	}
	return false
}

// due returns when the next trial may begin.
func (r *record) due() time.Duration {
	last, free := time.Duration(0), false
	for _, at := range r.trials {
		last = max(last, at)
		free = free || at == 0
	}
	switch {
	case !free:
		return never
	case last == 0:
		return r.until
	default:
		return max(r.until, last+trialPatience)
	}
}

// counts is what one interval says of an endpoint.
type counts struct {
	r               *record
	calls, failures float64
	latency         time.Duration // mean; 0: not known
}

// take returns the interval's counts and begins the next.
func (r *record) take() counts {
	c := counts{r: r, calls: float64(r.calls.Swap(0)), failures: float64(r.failures.Swap(0))}
	timed, nanos := r.timed.Swap(0), r.nanos.Swap(0)
	if timed > 0 {
		c.latency = time.Duration(nanos / timed)
	}
	return c
}

// fail counts a failure and returns how many there are in a row.
func (r *record) fail(now time.Duration) int64 {
	n := r.inRow.Add(1)
	if n == 1 {
		r.failing.Store(int64(now))
	}
	return n
}

// count adds the end of a call.
func (r *record) count(o *picker.Outcome) {
	r.calls.Add(1)
	if o.Result == picker.Failure {
		r.failures.Add(1)
	}
	if o.Call == nil || !o.Call.Streaming {
		r.timed.Add(1)
		r.nanos.Add(int64(o.Latency))
	}
}

// pause returns how long the endpoint stays out, after so many ejections of late.
func pause(cfg *Config, times int) time.Duration {
	d := cfg.BaseTime
	for range times - 1 {
		if d *= 2; d >= cfg.MaxTime {
			return cfg.MaxTime
		}
	}
	return d
}
