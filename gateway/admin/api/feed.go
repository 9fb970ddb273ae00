// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import "sync"

// feedBuffer is how many values a reader may be behind before some are left out for it.
const feedBuffer = 256

// feed gives values to readers that come and go. Who gives one does not wait: a reader that is too slow misses some, and learns how many. The zero value has no
// readers.
type feed[T any] struct {
	mu      sync.Mutex
	readers map[*reader[T]]bool // guarded by mu
}

// reader is one reader of a feed.
type reader[T any] struct {
	// values are what was given; it is never closed.
	values chan T
	missed int64 // guarded by feed.mu
}

// publish gives a value to all readers.
func (f *feed[T]) publish(v T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.readers {
		select {
		case r.values <- v:
		default:
			r.missed++
		}
	}
}

// read adds a reader, until stop is called.
func (f *feed[T]) read() (r *reader[T], stop func()) {
	r = &reader[T]{values: make(chan T, feedBuffer)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers == nil {
		f.readers = map[*reader[T]]bool{}
	}
	f.readers[r] = true
	return r, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.readers, r)
	}
}

// takeMissed returns how many values a reader has missed since it last asked.
func (f *feed[T]) takeMissed(r *reader[T]) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := r.missed
	r.missed = 0
	return n
}
