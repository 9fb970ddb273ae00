// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// statsMemory is the time constant of the means of Stats: a sample has faded to a third after it.
const statsMemory = 10 * time.Second

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
// connections and policies. It fills a cache line, so that calls to its neighbours do not slow it. The
// zero value is an endpoint without a call.
type Stats struct {
	inFlight  atomic.Int64
	succeeded atomic.Uint64
	failed    atomic.Uint64
	neither   atomic.Uint64
	latency   mean
	success   mean // of 1 for a failure and 2 for a success: samples are above zero
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
		s.success.sample(2, now)
	case Failure:
		s.failed.Add(1)
		s.success.sample(1, now)
	case Neither:
		s.neither.Add(1)
		return
	}
	if latency >= 0 {
		s.latency.sample(max(float64(latency), 1), now)
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
	return time.Duration(s.latency.value())
}

// Success returns the share of the calls that succeeded, in which older ones have faded as in
// Latency; 1 before the first.
func (s *Stats) Success() float64 {
	if v := s.success.value(); v > 0 {
		return v - 1
	}
	return 1
}
