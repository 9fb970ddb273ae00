// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"sync"
	"time"
)

// Bounds of a Breaker.
const (
	// breakAfter is how many failures in a row mean that a service is down.
	breakAfter = 5
	// breakFor is how long it is not asked then, before one call tries it again.
	breakFor = time.Second
)

// Breaker keeps calls from waiting for a service that is down (fault 28). The zero value is ready for use. It is safe for concurrent use.
type Breaker struct {
	mu       sync.Mutex
	failures int       // in a row; guarded by mu
	until    time.Time // when it is tried again; guarded by mu
	trying   bool      // one call tries it; guarded by mu
}

// Allow tells whether to ask the service. Who is allowed to calls Done.
func (b *Breaker) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if b.trying || time.Now().Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

// Done takes note of how it went. What ended because the client went away says nothing: neither is told then, by known.
func (b *Breaker) Done(ok, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	switch {
	case !known:
	case ok:
		b.failures = 0
	default:
		b.failures++
		b.until = time.Now().Add(breakFor)
	}
}
