// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// stalled is how long a process stalls on average.
const stalled = 20 * time.Millisecond

// stall is a process that does not run for a while now and then: another has the processor, or memory
// is being collected.
type stall struct {
	until time.Duration
}

// come plans stalls that take a share of the time.
func (s *stall) come(w *world, share float64) {
	w.after(time.Duration(w.stalls.ExpFloat64()*float64(stalled)*(1/share-1)), func() {
		d := time.Duration(w.stalls.ExpFloat64() * float64(stalled))
		s.until = w.now + d
		w.after(d, func() { s.come(w, share) })
	})
}

// then does what the process would do now: at once, or when it runs again.
func (s *stall) then(w *world, do func()) {
	if s.until > w.now {
		w.after(s.until-w.now, func() { s.then(w, do) })
		return
	}
	do()
}
