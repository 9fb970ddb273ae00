// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Cache remembers what was found out about credentials, by their bytes. It holds a bounded number of them and of bytes, whatever clients
// send: entries live in two generations, and when the younger is full, the elder, with all that was not asked for meanwhile, is
// forgotten. It belongs to one provider, so that what one has verified says nothing to another (threat C12). It is safe for concurrent use.
type Cache[T any] struct {
	entries, bytes int // bounds of the young generation of a shard
	shards         [shards]shard[T]
}

// shards is how many locks a Cache has.
const shards = 16

type shard[T any] struct {
	mu         sync.RWMutex
	young, old map[string]cached[T] // guarded by mu
	bytes      int                  // of the keys in young; guarded by mu

	hits, misses atomic.Uint64
}

type cached[T any] struct {
	value T
	until time.Time
}

// NewCache returns a Cache of at most so many entries and bytes of credentials.
func NewCache[T any](entries, bytes int) *Cache[T] {
	const generations = 2
	return &Cache[T]{entries: max(entries/shards/generations, 1), bytes: max(bytes/shards/generations, 1)}
}

// shard returns where a key belongs: by bytes near its end, which is where tokens differ.
func (c *Cache[T]) shard(key string) *shard[T] {
	n := uint(0)
	for i := max(len(key)-6, 0); i < len(key); i++ {
		n = n*31 + uint(key[i])
	}
	return &c.shards[n%shards]
}

// Get returns what is known of a key, unless its time is over.
func (c *Cache[T]) Get(key string, now time.Time) (value T, ok bool) {
	s := c.shard(key)
	s.mu.RLock()
	e, ok := s.young[key]
	elder := false
	if !ok {
		e, ok = s.old[key]
		elder = ok
	}
	s.mu.RUnlock()
	if !ok || !now.Before(e.until) {
		s.misses.Add(1)
		return value, false
	}
	s.hits.Add(1)
	if elder {
		c.Put(key, e.value, e.until)
	}
	return e.value, true
}

// Put remembers a value until a time.
func (c *Cache[T]) Put(key string, value T, until time.Time) {
	if len(key) > c.bytes {
		return
	}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.young[key]
	if !known && (len(s.young) >= c.entries || s.bytes+len(key) > c.bytes) {
		s.old, s.young, s.bytes = s.young, nil, 0
	}
	if s.young == nil {
		s.young = make(map[string]cached[T])
	}
	if !known {
		key = strings.Clone(key) // it may be a part of a whole head
		s.bytes += len(key)
	}
	s.young[key] = cached[T]{value: value, until: until}
}

// Drop forgets a key.
func (c *Cache[T]) Drop(key string) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.young[key]; ok {
		delete(s.young, key)
		s.bytes -= len(key)
	}
	delete(s.old, key)
}

// Remembered tells how the cache fares.
func (c *Cache[T]) Remembered() *Remembered {
	r := &Remembered{Entries: c.Len()}
	for i := range c.shards {
		r.Hits += c.shards[i].hits.Load()
		r.Misses += c.shards[i].misses.Load()
	}
	return r
}

// Len returns how many entries are held.
func (c *Cache[T]) Len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.young) + len(s.old)
		s.mu.RUnlock()
	}
	return n
}
