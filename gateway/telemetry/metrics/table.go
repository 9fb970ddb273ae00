// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// table finds what is made once for each key. Reading takes no lock: there are few keys, all calls read, and new ones are rare.
// Its zero value is empty.
type table[K comparable, V any] struct {
	current atomic.Pointer[map[K]V] // replaced, never changed
	mu      sync.Mutex              // of replacing it
}

// get returns what is made for a key, making it the first time.
func (t *table[K, V]) get(key K, make func(K) V) V {
	if m := t.current.Load(); m != nil {
		if v, ok := (*m)[key]; ok {
			return v
		}
	}
	return t.add(key, make)
}

func (t *table[K, V]) add(key K, make func(K) V) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := map[K]V{}
	if m := t.current.Load(); m != nil {
		if v, ok := (*m)[key]; ok {
			return v
		}
		next = maps.Clone(*m)
	}
	v := make(key)
	next[key] = v
	t.current.Store(&next)
	return v
}

// drop takes out what is gone, and tells dropped of each.
func (t *table[K, V]) drop(gone func(K) bool, dropped func(K)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.current.Load()
	if m == nil {
		return
	}
	next := maps.Clone(*m)
	for key := range *m {
		if gone(key) {
			delete(next, key)
			dropped(key)
		}
	}
	t.current.Store(&next)
}
