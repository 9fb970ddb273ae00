// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"sync"
	"time"
)

// rebuildPause gathers the rebuilds that policies ask for at once.
const rebuildPause = 10 * time.Millisecond

// rebuilds is when policies want their next picker: of all requests the earliest counts.
type rebuilds struct {
	alarms *alarms
	do     func() // makes the picker

	mu     sync.Mutex
	at     time.Duration // of the request that counts; guarded by mu
	cancel func()        // its alarm; nil when there is none; guarded by mu
	closed bool          // guarded by mu
}

// ask has the picker made after so long. Policies call it from anywhere, also from within Next, so it
// takes no lock of the host.
func (r *rebuilds) ask(after time.Duration) {
	after = max(after, rebuildPause)
	at := since() + after
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || (r.cancel != nil && r.at <= at) {
		return
	}
	if r.cancel != nil {
		r.cancel()
	}
	r.at = at
	r.cancel = r.alarms.after(after, func() {
		r.mu.Lock()
		if r.at == at {
			r.cancel = nil
		}
		r.mu.Unlock()
		r.do()
	})
}

// close drops the request that is open and all that come.
func (r *rebuilds) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.cancel != nil {
		r.cancel()
	}
}
