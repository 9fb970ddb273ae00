// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"sync"
	"time"
)

const (
	// ResetsPerSecond is how many streams of one connection may be reset, on average: servers that count resets as an attack close
	// connections that have more, and with them the calls of everybody (threat H1; nghttp2 allows 33, Netty 200 in 30 seconds).
	ResetsPerSecond = 25
	// ResetsBurst is how many may be reset at once.
	ResetsBurst = 200
	// resetsLow is with how many left they are few.
	resetsLow = ResetsBurst / 2
)

// Resets counts the resets of the streams of one connection. Its zero value has had none. It is safe for concurrent use.
type Resets struct {
	mu    sync.Mutex
	spent float64 // of the burst; above it, what is owed
	at    time.Time
}

// settleLocked takes over what has been given back since.
func (r *Resets) settleLocked() {
	now := time.Now()
	r.spent = max(r.spent-now.Sub(r.at).Seconds()*ResetsPerSecond, 0)
	r.at = now
}

// Charge counts a reset that has happened, and says whether few are left.
func (r *Resets) Charge() (low bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleLocked()
	r.spent++
	return r.spent > ResetsBurst-resetsLow
}

// Take counts a reset that is to happen, if it may.
func (r *Resets) Take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleLocked()
	if r.spent+1 > ResetsBurst {
		return false
	}
	r.spent++
	return true
}

// Low says whether few resets are left.
func (r *Resets) Low() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settleLocked()
	return r.spent > ResetsBurst-resetsLow
}
