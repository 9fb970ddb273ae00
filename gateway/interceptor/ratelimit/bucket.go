// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

// bucket is the generic cell rate algorithm (ITU-T I.371, annex A, as virtual scheduling): of each key one number is kept, when its bucket
// is full again if nothing more is taken. It refills continuously: there is no window at whose edge twice the limit gets through. All times
// are in nanoseconds of one clock that does not go backwards.
type bucket struct {
	interval int64 // the time in which one token comes
	capacity int64 // the time in which all come: interval times burst
}

func newBucket(r Rate, burst uint32) bucket {
	return bucket{interval: r.interval(), capacity: r.interval() * int64(burst)}
}

// take takes tokens if they are there; it returns when the bucket is full again, and how long until there are enough, 0 where they
// were taken. A time that no bucket can have is one of a limit that was higher, or of a clock that went back: it counts as empty.
func (b bucket) take(full, now, tokens int64) (next, wait int64) {
	full = min(max(full, now), now+b.capacity)
	next = full + tokens*b.interval
	if wait = next - now - b.capacity; wait > 0 {
		return full, wait
	}
	return next, 0
}

// force takes tokens whether or not they are there.
func (b bucket) force(full, now, tokens int64) int64 {
	return min(max(full, now)+tokens*b.interval, now+b.capacity)
}

// left returns how many tokens a bucket has.
func (b bucket) left(full, now int64) int64 {
	return (b.capacity - max(full-now, 0)) / b.interval
}
