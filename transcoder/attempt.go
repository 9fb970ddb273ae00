// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
)

// MaxTries is how many attempts at a call are told one by one.
const MaxTries = 5

// Try is one attempt at a call: it was sent to an endpoint, or would have been.
type Try struct {
	// Endpoint is the address of the instance; "" where none was found.
	Endpoint string
	// Kind says why there is this attempt.
	Kind TryKind
	// Code is what it ended with.
	Code codes.Code
	// Offset is when it began, from the beginning of the call, and Took how long it took.
	Offset, Took time.Duration
	// Span is the id of its part of the trace; zero where none is recorded.
	Span [8]byte
}

// Tries are the attempts one by one, in the order in which they began, at most MaxTries; none where the backend does not tell. They are the
// call's.
func (c *Call) Tries() []Try { return c.tries[:c.tryCount] }

// SetTries is told of the attempts, in any order. The goroutine that serves the call calls it.
func (c *Call) SetTries(all []Try) {
	c.tryCount = copy(c.tries[:], all)
	slices.SortStableFunc(c.Tries(), func(a, b Try) int { return cmp.Compare(a.Offset, b.Offset) })
}

// TryKind says why there is an attempt.
type TryKind uint8

// Why there is an attempt.
const (
	// TryFirst is the first one.
	TryFirst TryKind = iota
	// TryRetry comes after one that failed.
	TryRetry
	// TryHedge runs beside one that is late.
	TryHedge
)

// String returns "first", "retry" or "hedge".
func (k TryKind) String() string {
	switch k {
	case TryRetry:
		return "retry"
	case TryHedge:
		return "hedge"
	case TryFirst:
	}
	return "first"
}

// CacheResult is what a cache did with a call. It is a log field and a metric label.
type CacheResult string

// What a cache did with a call.
const (
	// CacheNone is a call for which no cache was asked.
	CacheNone CacheResult = ""
	// CacheHit is a call that was answered from the cache.
	CacheHit CacheResult = "hit"
	// CacheStale is one that was answered with what is no longer fresh, and may be used all the same, while it is fetched anew, say.
	CacheStale CacheResult = "stale"
	// CacheStaleIfError is one that was answered so because the backend failed.
	CacheStaleIfError CacheResult = "stale_if_error"
	// CacheMiss is one for which the cache had nothing.
	CacheMiss CacheResult = "miss"
	// CacheCoalesced is one that waited for the answer of another one like it.
	CacheCoalesced CacheResult = "coalesced"
	// CacheBypass is one that was not to be answered from the cache, as it or its answer says.
	CacheBypass CacheResult = "bypass"
)
