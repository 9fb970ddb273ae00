// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import "sync"

// change is what a watcher tells of: a source, or just the files of rules below it.
type change struct {
	source    int
	onlyRules bool
}

// dirty is a set of changes that watchers mark and the reloading goroutine takes, so that any number of
// changes during a reload is one reload more (fault 22).
type dirty struct {
	signal chan struct{} // has an element when something is marked

	mu     sync.Mutex
	marked []extent // by source; guarded by mu
}

// extent is how much of a source changed.
type extent uint8

const (
	nothing extent = iota
	rulesOnly
	everything
)

func newDirty(sources int) *dirty {
	return &dirty{signal: make(chan struct{}, 1), marked: make([]extent, sources)}
}

func (d *dirty) mark(c change) {
	much := everything
	if c.onlyRules {
		much = rulesOnly
	}
	d.mu.Lock()
	d.marked[c.source] = max(d.marked[c.source], much)
	d.mu.Unlock()
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// take returns what is marked, each source once, and clears it.
func (d *dirty) take() []change {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []change
	for i, much := range d.marked {
		if much != nothing {
			all = append(all, change{source: i, onlyRules: much == rulesOnly})
		}
		d.marked[i] = nothing
	}
	return all
}
