// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import "time"

// RecentSpan is how far back what is recent goes at least; at most it goes twice as far.
const RecentSpan = time.Minute

// Quantiles tell how long calls took.
type Quantiles struct {
	// Count is how many there were; with 0 all is zero.
	Count uint32
	// P50, P95 and P99 are the percentiles, Mean is the mean.
	P50, P95, P99, Mean time.Duration
}

// recent counts the durations of the last one or two RecentSpans. The caller holds the lock.
type recent struct {
	young, old generation
	turn       int64 // the number of the span that goes on, since 1970
}

type generation struct {
	latencies

	sum time.Duration
}

func (r *recent) add(d time.Duration, now time.Time) {
	r.advance(now)
	r.young.add(d)
	r.young.sum += d
}

func (r *recent) advance(now time.Time) {
	turn := now.UnixNano() / int64(RecentSpan)
	if turn <= r.turn {
		return
	}
	if r.old = (generation{}); turn == r.turn+1 {
		r.old = r.young
	}
	r.young, r.turn = generation{}, turn
}

// idle tells whether there was nothing for a time.
func (r *recent) idle(now time.Time, span time.Duration) bool {
	return now.UnixNano()/int64(RecentSpan)-r.turn > int64(span/RecentSpan)
}

func (r *recent) quantiles(now time.Time) Quantiles {
	r.advance(now)
	both := r.young
	for i, n := range r.old.cells {
		both.cells[i] += n
	}
	both.count += r.old.count
	q := Quantiles{Count: both.count}
	if q.Count > 0 {
		of := both.percentiles(0.5, 0.95, 0.99)
		q.P50, q.P95, q.P99, q.Mean = of[0], of[1], of[2], (both.sum+r.old.sum)/time.Duration(q.Count)
	}
	return q
}
