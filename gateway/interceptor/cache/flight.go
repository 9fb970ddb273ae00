// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// flight is an answer that one call fetches while others of the same key wait. It is the call of a client like theirs: where that ends before
// there is an answer, one of those who wait fetches it in its place.
type flight struct {
	done chan struct{}
	// What follows is written before done is closed.
	entry     *entry // the answer; nil where there is none that others may have
	abandoned bool   // whoever fetched it was called away
}

// begin finds the answer of a key, or who fetches it: nobody, and then it is the caller, who ends the flight that is returned.
func (m *memory) begin(k Key, now time.Time) (e *entry, f *flight, leads bool) {
	s := m.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.findLocked(k, now)
	if f = s.flights[k]; f != nil {
		return e, f, false
	}
	f = &flight{done: make(chan struct{})}
	s.flights[k] = f
	return e, f, true
}

// end tells those who wait what has come of a flight.
func (m *memory) end(k Key, f *flight, e *entry, abandoned bool) {
	s := m.shard(k)
	s.mu.Lock()
	if s.flights[k] == f {
		delete(s.flights, k)
	}
	s.mu.Unlock()
	f.entry, f.abandoned = e, abandoned
	close(f.done)
}

// waited is how waiting for a flight ended.
type waited int

const (
	waitedDone  waited = iota // the flight is over
	waitedLong                // it took too long
	waitedEnded               // the call itself is over
)

// wait waits for a flight until limit, or until the call's own end.
func wait(c *transcoder.Call, f *flight, limit time.Time) waited {
	select {
	case <-f.done:
		return waitedDone
	default:
	}
	own := !c.Deadline.IsZero() && c.Deadline.Before(limit)
	if own {
		limit = c.Deadline
	}
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-f.done:
		return waitedDone
	case <-c.Context().Done():
		return waitedEnded
	case <-timer.C:
	}
	if own {
		return waitedEnded
	}
	return waitedLong
}
