// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// latencyMemory is the time constant of Stats.Latency: a sample has faded to a third after it.
const latencyMemory = 10 * time.Second

// Result is what the end of a call says about the endpoint that served it.
type Result uint8

// The results.
const (
	// Neither says nothing: the client cancelled, or the call never left.
	Neither Result = iota
	// Success is an answer, whatever its status, that is no Failure.
	Success
	// Failure is DEADLINE_EXCEEDED or UNAVAILABLE: the endpoint was too slow or not there.
	Failure
)

// ResultOf returns what a call's error says about its endpoint. Statuses that a healthy endpoint
// gives to a wrong request (INVALID_ARGUMENT, NOT_FOUND, …) are successes.
func ResultOf(err error) Result {
	if err == nil {
		return Success
	}
	if errors.Is(err, context.Canceled) {
		return Neither
	}
	switch status.Code(err) {
	case codes.Canceled:
		return Neither
	case codes.DeadlineExceeded, codes.Unavailable:
		return Failure
	default:
		return Success
	}
}

// Stats is how one endpoint's calls fare: a few atomics that the balancer writes and policies and
// reports read, without a lock. It lives as long as the endpoint is used, across pickers,
// connections and policies. The zero value is an endpoint without a call.
type Stats struct {
	inFlight  atomic.Int64
	succeeded atomic.Uint64
	failed    atomic.Uint64
	neither   atomic.Uint64
	latency   atomic.Uint64 // math.Float64bits of nanoseconds; 0 before the first sample
	sampled   atomic.Int64  // when latency was last moved, on the caller's clock
	_         [16]byte      // a cache line of its own: neighbours are written by other calls
}

// Begin counts a call that starts.
func (s *Stats) Begin() { s.inFlight.Add(1) }

// End counts a call that ended. latency below zero is no sample (a stream). now is any monotonic
// clock's nanoseconds, the same clock for every End of s.
func (s *Stats) End(r Result, latency time.Duration, now int64) {
	s.inFlight.Add(-1)
	switch r {
	case Success:
		s.succeeded.Add(1)
	case Failure:
		s.failed.Add(1)
	case Neither:
		s.neither.Add(1)
		return
	}
	if latency >= 0 {
		s.sample(float64(latency), now)
	}
}

// sample moves the mean towards v. Of two that come at the same instant one may be lost: the
// mean does not need every sample, and no call waits for another here.
func (s *Stats) sample(v float64, now int64) {
	old := s.latency.Load()
	if old == 0 {
		if s.latency.CompareAndSwap(0, math.Float64bits(max(v, 1))) {
			s.sampled.Store(now)
		}
		return
	}
	age := max(now-s.sampled.Load(), 0)
	keep := math.Exp(-float64(age) / float64(latencyMemory))
	mean := math.Float64frombits(old)*keep + v*(1-keep)
	if s.latency.CompareAndSwap(old, math.Float64bits(max(mean, 1))) {
		s.sampled.Store(now)
	}
}

// InFlight returns the number of calls, streams among them, that have not ended.
func (s *Stats) InFlight() int64 { return s.inFlight.Load() }

// Succeeded returns the number of calls that ended as a Success.
func (s *Stats) Succeeded() uint64 { return s.succeeded.Load() }

// Failed returns the number of calls that ended as a Failure.
func (s *Stats) Failed() uint64 { return s.failed.Load() }

// Canceled returns the number of calls that ended as Neither.
func (s *Stats) Canceled() uint64 { return s.neither.Load() }

// Latency returns the mean latency of calls, in which older ones have faded (time constant 10 s);
// 0 before the first.
func (s *Stats) Latency() time.Duration {
	return time.Duration(math.Float64frombits(s.latency.Load()))
}
