// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package heapfloor provides a floor for the heap: a small one grows to it before the garbage collector runs.
//
// What a gateway keeps is small, a few megabytes, and what it makes for a call is garbage soon. With Go's own setting the collector would run
// whenever as much garbage is there as is kept: many times a second, for a fifth of the processor time. With a floor it runs as seldom as it does
// in a process that keeps more.
package heapfloor

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Default is the floor where nothing else is said: 64 MiB.
const Default = 64 << 20

// most is the highest percentage that is set: what is kept may grow before the next collection ends, and the goal with it.
const most = 2000

// Keep has the collector leave a heap alone until it has floor bytes. A heap of which more than half of the floor is in use is collected as Go
// does it. A memory limit (GOMEMLIMIT) is kept as before, whatever the floor. The returned function goes back to Go's own way; it may be called
// more than once.
//
// It changes the percentage (GOGC) of the whole process after each collection, so there may be one at a time, and nobody else may set it
// meanwhile. Who has set GOGC in the environment is not to be overruled: that is for the caller to see to.
func Keep(floor uint64) (stop func()) {
	k := &keeper{floor: floor, base: debug.SetGCPercent(-1)}
	if k.base < 0 { // the collector is off but for the memory limit, and stays so
		return func() {}
	}
	k.set = k.base
	debug.SetGCPercent(k.base)
	k.adjust()
	k.watch()
	return k.stop
}

type keeper struct {
	floor uint64
	base  int // the percentage that was found

	mu      sync.Mutex
	set     int  // the percentage that holds; guarded by mu
	stopped bool // guarded by mu
}

// beat is what the next collection finds unused.
type beat struct {
	_ *byte // with a pointer, it shares its memory with nothing else
}

// watch sees to it that adjust runs after each collection.
func (k *keeper) watch() {
	runtime.AddCleanup(&beat{}, func(k *keeper) {
		if k.adjust() {
			k.watch()
		}
	}, k)
}

// adjust sets the percentage by which what is kept now grows to the floor, and says whether to go on.
func (k *keeper) adjust() bool {
	kept, roots := sizes()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return false
	}
	percent := Percent(k.floor, kept, roots, k.base)
	const part = 8 // setting it stops the world for a moment
	if 0 < percent-k.set-k.set/part || percent < k.set-k.set/part {
		debug.SetGCPercent(percent)
		k.set = percent
	}
	return true
}

func (k *keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.stopped = true
		debug.SetGCPercent(k.base)
	}
}

// Percent returns the percentage with which the collector runs when the heap has floor bytes, at least base. kept is how much of the heap the last
// collection kept, and roots what it looks through beside (stacks and globals), in bytes.
//
// The goal is kept + (kept + roots) × percent ÷ 100 (https://go.dev/doc/gc-guide#GOGC).
func Percent(floor, kept, roots uint64, base int) int {
	if floor <= kept {
		return base
	}
	const whole = 100
	percent := (floor - kept) * whole / max(kept+roots, 1)
	return max(base, int(min(percent, most))) //nolint:gosec // at most that
}

// sizes returns what the last collection kept, and its roots.
func sizes() (kept, roots uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64() + samples[2].Value.Uint64()
}
