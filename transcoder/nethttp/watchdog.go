// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"sync"
	"time"
)

// watchdog cuts off a write that takes too long (threat D9). Deadlines of net/http would do, but those of HTTP/2 go through the
// connection's goroutine, and they fire between writes as well, when nothing is to be written. Its timer is started once and
// looks at the time of the last write when it fires.
type watchdog struct {
	limit time.Duration
	cut   func() // makes a write that waits fail

	mu     sync.Mutex
	timer  *time.Timer // guarded by mu, as is all below
	armed  bool        // the timer is to fire
	began  time.Time   // when the write under way began; zero for none
	closed bool
}

// start says that a write begins, or gets on.
func (w *watchdog) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(w.limit, w.check)
	case !w.armed:
		w.timer.Reset(w.limit)
	}
	w.armed = true
}

// stop says that the write is over.
func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Time{}
}

// check is the timer's.
func (w *watchdog) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.closed || w.began.IsZero() {
		return
	}
	if left := w.limit - time.Since(w.began); left > 0 {
		w.timer.Reset(left)
		w.armed = true
		return
	}
	w.cut()
}

// close ends the watch; cut is not called afterwards.
func (w *watchdog) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
