// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/worker"
)

const (
	// soon is how soon a request must come behind the last answer to be served by the connection's goroutine. That grows its stack, which connections
	// that wait do without.
	soon = 10 * time.Millisecond
	// unwatched is how long the connection's goroutine serves a request before another one watches whether the client goes.
	unwatched = 10 * time.Millisecond
)

// here is how a request is served by the connection's goroutine: nobody is woken for it then, which is most of what a small one costs where there is
// nothing else to do. It is guarded by the connection's mu.
type here struct {
	since    time.Time   // when it began; zero while there is none
	timer    *time.Timer // calls patrol; nil before the first request
	armed    bool        // it will
	watched  bool        // patrol watches whether the client goes
	relieved bool        // patrol is to return
}

// stop ends the timer.
func (h *here) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// watch has patrol called after a while. The timer is not set for each request: it finds out how old the one is that it meets.
func (h *here) watch(c *Conn, after time.Duration) {
	switch {
	case h.armed:
		return
	case h.timer == nil:
		h.timer = time.AfterFunc(after, c.patrol)
	default:
		h.timer.Reset(after)
	}
	h.armed = true
}

// serve has a request served: here, if all of it is there and it is soon behind the one before; by a worker, if it is not.
func (c *Conn) serve(x *exchange) {
	c.mu.Lock()
	now := time.Now()
	if !x.received || x.head.upgrade || now.Sub(c.quiet) >= soon {
		c.mu.Unlock()
		worker.Do(x)
		return
	}
	h := &c.here
	h.since = now
	h.watch(c, unwatched)
	c.mu.Unlock()
	x.Serve()
	c.mu.Lock()
	defer c.mu.Unlock()
	h.since = time.Time{}
	if !h.watched {
		return
	}
	h.relieved = true
	_ = c.socket.SetReadDeadline(time.Unix(1, 0)) // it fails when the socket is closed, and so does the read that it is to end
	c.cond.Broadcast()
	for h.watched {
		c.cond.Wait()
	}
	h.relieved = false
	_ = c.socket.SetReadDeadline(c.wakes) // it fails when the socket is closed, and so does what comes next
}

// patrol watches whether the client goes, when a request is served here for long.
func (c *Conn) patrol() {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &c.here
	h.armed = false
	if h.since.IsZero() {
		return
	}
	if left := unwatched - time.Since(h.since); left > 0 {
		h.watch(c, left)
		return
	}
	h.watched = true
	c.attend()
	h.watched = false
	c.cond.Broadcast()
}
