// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

// DefaultMaxKeys is how many keys are remembered (threat G3).
const DefaultMaxKeys = 100_000

// shards is how many locks a table has.
const shards = 64

// samples is how many keys are looked at for the one to forget.
const samples = 5

// Table remembers what keys have taken. It holds a bounded number of them, whatever clients send: of a few that it looks at, it forgets
// the one that has taken the least, and loses nothing where that is a bucket that is full again. Keys of calls that are under way are never
// forgotten; these are bounded by the calls. It is safe for concurrent use.
type Table struct {
	seed   maphash.Seed
	most   int // keys in a shard
	start  time.Time
	shards [shards]shard
}

type shard struct {
	mu      sync.Mutex
	entries map[string]*entry // guarded by mu
}

// entry is what is known of a key. It is guarded by the lock of its shard.
type entry struct {
	full     int64 // when the bucket is full again
	inFlight int32 // calls under way

	lease *lease // what was taken from a shared store; nil for keys that are not in one
}

// NewTable returns a table of at most so many keys.
func NewTable(keys int) *Table {
	t := &Table{seed: maphash.MakeSeed(), most: max((keys+shards-1)/shards, 1), start: time.Now()}
	for i := range t.shards {
		t.shards[i].entries = map[string]*entry{}
	}
	return t
}

// now is the time on the table's clock, which does not go backwards (fault 30).
func (t *Table) now() int64 { return int64(time.Since(t.start)) }

// lock returns the shard of a key, locked.
func (t *Table) lock(key []byte) *shard {
	s := &t.shards[maphash.Bytes(t.seed, key)%shards]
	s.mu.Lock()
	return s
}

// entry returns what is known of a key, and begins to know it if it has to.
func (s *shard) entry(key []byte, most int, now int64) *entry {
	e := s.entries[string(key)] // without a copy of the key
	if e != nil {
		return e
	}
	if len(s.entries) >= most {
		s.forget(now)
	}
	e = &entry{full: now}
	s.entries[string(key)] = e
	return e
}

// forget drops the key that has taken the least of some. Maps are gone through from a random place.
func (s *shard) forget(now int64) {
	least, found, seen := "", false, 0
	var full int64
	for key, e := range s.entries {
		if seen++; seen > samples {
			break
		}
		if e.inFlight > 0 || found && e.full >= full {
			continue
		}
		least, full, found = key, e.full, true
		if full <= now && e.lease == nil {
			break
		}
	}
	if found {
		delete(s.entries, least)
	}
}

// Len returns how many keys are remembered.
func (t *Table) Len() int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}
