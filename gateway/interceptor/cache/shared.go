// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"time"
)

// Shared is a store that several gateways have in common. It is used by many goroutines at a time, and whatever is wrong with it makes no call
// fail, nor slow.
type Shared interface {
	// Up tells whether it is worth asking. It does not block.
	Up() bool
	// Get returns what is stored under a key of a method, by its path; nil for nothing. It may block until ctx ends, and no longer than is
	// good for a call.
	Get(ctx context.Context, method string, key Key) ([]byte, error)
	// Set stores data under a key for some time. TagsOf tells the tags by which it can be purged. It does not block, and is false where it does
	// not even try.
	Set(method string, key Key, data []byte, ttl time.Duration) bool
	// Purge drops what is stored of some answers. It does not block.
	Purge(p Purge)
}

// Purge says which answers are dropped: all, those of a method, those of a tag, or the one of a key.
type Purge struct {
	All         bool
	Method, Tag string
	Key         Key
}

// clockSkew is by how much the clock of another gateway may be ahead. An answer that is younger than that is taken for new.
const clockSkew = time.Second

// fromShared returns the answer of the call's key that the shared store has, and keeps it in memory; nil for none.
func (l *lookup) fromShared(now time.Time) *entry {
	k := l.cache
	shared := k.config.Shared
	if shared == nil || !shared.Up() {
		return nil
	}
	since := k.memory.purges.Load()
	data, err := shared.Get(l.call.Context(), l.method.of.Path, l.key)
	if err != nil {
		k.counters.sharedErrors.Add(1)
		return nil
	}
	if data == nil {
		k.counters.sharedMisses.Add(1)
		return nil
	}
	e, err := decodeEntry(data)
	if err == nil && now.Before(e.born) && e.born.Sub(now) <= clockSkew {
		e.born = now
	}
	if err != nil || e.key != l.key || e.scope != l.method.scope || now.Before(e.born) || e.size() > k.config.Largest { // threat G7: it is to another question
		k.counters.sharedErrors.Add(1)
		return nil
	}
	if now.Sub(e.born) >= e.kept() {
		k.counters.sharedMisses.Add(1)
		return nil
	}
	k.counters.sharedHits.Add(1)
	e.method = l.method.of.Path
	k.memory.put(e, since)
	return e
}

// share puts an answer into the shared store, if there is one.
func (k *Cache) share(e *entry, now time.Time) {
	shared := k.config.Shared
	if shared == nil || !shared.Up() {
		return
	}
	ttl := e.kept() - now.Sub(e.born)
	if !shared.Set(e.method, e.key, encodeEntry(e), ttl) {
		k.counters.sharedDropped.Add(1)
	}
}
