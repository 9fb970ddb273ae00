// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"sync/atomic"
	"time"
)

// idleTimer cancels a stream in which nothing moves. A touch is one atomic store: the timer
// looks at the time of the last one when it fires and goes back to sleep for what is left.
type idleTimer struct {
	limit time.Duration
	last  atomic.Int64 // nanoseconds since start
	start time.Time
	fired atomic.Bool
	timer *time.Timer
	over  context.CancelFunc
}

// newIdleTimer starts a timer; with a limit of 0 it never fires.
func newIdleTimer(limit time.Duration, over context.CancelFunc) *idleTimer {
	t := &idleTimer{limit: limit, over: over, start: time.Now()}
	if limit > 0 {
		t.timer = time.AfterFunc(limit, t.check)
	}
	return t
}

func (t *idleTimer) touch() {
	if t.timer != nil {
		t.last.Store(int64(time.Since(t.start)))
	}
}

func (t *idleTimer) check() {
	left := t.limit - (time.Since(t.start) - time.Duration(t.last.Load()))
	if left > 0 {
		t.timer.Reset(left)
		return
	}
	t.fired.Store(true)
	t.over()
}

func (t *idleTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}
