// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"sync"
	"time"
)

// alarms owns timers and what they run.
type alarms struct {
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool // guarded by mu
}

// after runs f in its own goroutine when d has passed, unless the function that it returns is called
// before. After wait it does nothing.
func (a *alarms) after(d time.Duration, f func()) (cancel func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return func() {}
	}
	a.running.Add(1)
	t := time.AfterFunc(d, func() {
		defer a.running.Done()
		f()
	})
	return func() {
		if t.Stop() {
			a.running.Done()
		}
	}
}

// wait returns when nothing runs any more. Who calls it has cancelled what is set, or waits for it.
func (a *alarms) wait() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.running.Wait()
}
