// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// maxCauses is how many causes of refusals are counted apart; there are fewer.
const maxCauses = 32

// Figures count what became of calls with a provider's credentials. A nil one counts nothing. They are safe for concurrent use.
type Figures struct {
	accepted atomic.Uint64

	mu      sync.Mutex
	refused map[status.Reason]uint64 // guarded by mu
}

// Accepted returns how many calls the provider has let through.
func (f *Figures) Accepted() uint64 { return f.accepted.Load() }

// Refused returns how many calls were refused because of it, by cause.
func (f *Figures) Refused() map[status.Reason]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.refused)
}

func (f *Figures) accept() {
	if f != nil {
		f.accepted.Add(1)
	}
}

func (f *Figures) refuse(err error) {
	if f == nil {
		return
	}
	cause := status.ReasonOf(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused == nil {
		f.refused = map[status.Reason]uint64{}
	}
	if _, known := f.refused[cause]; known || len(f.refused) < maxCauses {
		f.refused[cause]++
	}
}

// Report is what a provider tells its operators of itself.
type Report struct {
	// Remembers is what it remembers of credentials; nil where it remembers nothing.
	Remembers *Remembered
	// Keys are those by which it verifies, in the order of their set; KeysRead is when they were last read, and KeysError why they could not be read
	// since, "" for nothing.
	Keys      []KeyName
	KeysRead  time.Time
	KeysError string
}

// KeyName names a key.
type KeyName struct {
	// ID is its name in tokens; "" for none. Algorithm is what it is for.
	ID, Algorithm string
}

// Remembered tells how a Cache fares.
type Remembered struct {
	// Hits is how often something was known, Misses how often it was not.
	Hits, Misses uint64
	// Entries is how much is known.
	Entries int
}

// Reporter is a Provider that tells of itself.
type Reporter interface {
	Provider
	Report() Report
}
