// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import "sync"

// dirty is a set of indices that watchers mark and the reloading goroutine takes, so that any number of
// changes during a reload is one reload more (fault 22).
type dirty struct {
	signal chan struct{} // has an element when something is marked

	mu     sync.Mutex
	marked []bool // guarded by mu
}

func newDirty(n int) *dirty {
	return &dirty{signal: make(chan struct{}, 1), marked: make([]bool, n)}
}

func (d *dirty) mark(i int) {
	d.mu.Lock()
	d.marked[i] = true
	d.mu.Unlock()
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// take returns what is marked and clears it.
func (d *dirty) take() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []int
	for i, m := range d.marked {
		if m {
			all = append(all, i)
		}
		d.marked[i] = false
	}
	return all
}
