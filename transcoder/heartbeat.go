// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"sync"
	"time"
)

// Heartbeater is what a Framer may be beside: its answers can be kept alive while the backend has nothing to say, so that proxies and
// browsers do not take the silence for the end.
type Heartbeater interface {
	// Beats tells, before the answer begins, how long a silence may be; 0 for any. It is called once.
	Beats(c *Call) time.Duration
	// Heartbeat adds a sign of life that is no message, and the head if it is not written. Of the call it reads the request and the
	// request's id alone: the backend may be answering meanwhile. It is never called together with another method of the answer's half.
	Heartbeat(c *Call, out *Out)
}

// heart calls a Heartbeater after each silence. The goroutine that serves the call and the timer's take turns.
type heart struct {
	mu    sync.Mutex
	limit time.Duration
	last  time.Time   // of the last write; guarded by mu
	timer *time.Timer // guarded by mu
	over  bool        // the answer has ended; guarded by mu
	write func()      // writes a heartbeat; called with mu held
}

// newHeart starts one; nil where there is nothing to be kept alive.
func newHeart(f Framer, c *Call, write func(Heartbeater)) *heart {
	h, ok := f.(Heartbeater)
	if !ok {
		return nil
	}
	limit := h.Beats(c)
	if limit <= 0 {
		return nil
	}
	b := &heart{limit: limit, last: time.Now(), write: func() { write(h) }}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(limit, b.check)
	return b
}

// check is the timer's.
func (b *heart) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	left := b.limit - time.Since(b.last)
	if left <= 0 {
		b.write()
		b.last, left = time.Now(), b.limit
	}
	b.timer.Reset(left)
}

// lock begins a turn of the call's own goroutine; a nil heart has none to take turns with.
func (b *heart) lock() {
	if b != nil {
		b.mu.Lock()
	}
}

// unlock ends it; something was written.
func (b *heart) unlock() {
	if b != nil {
		b.last = time.Now()
		b.mu.Unlock()
	}
}

// stop ends the heart, in a turn of the call's own goroutine. No heartbeat is written afterwards.
func (b *heart) stop() {
	if b != nil {
		b.over = true
		b.timer.Stop()
	}
}
