// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// staggered is how long an attempt at one address goes on before the next address is tried beside it
// (RFC 8305 section 5).
const staggered = 250 * time.Millisecond

// race is one attempt to connect to an endpoint: its addresses are tried in order, the next one when
// the one before has failed or is slow, and the first connection wins. Guarded by the host's lock.
type race struct {
	m       *member
	next    int     // index of the address to be tried next
	running []*link // attempts under way
	err     error   // the first failure: that of the preferred address
	hurry   func()  // cancels the alarm that starts the next address; never nil
}

func startRaceLocked(m *member) *race {
	r := &race{m: m, hurry: func() {}}
	r.advanceLocked()
	return r
}

// advanceLocked tries the next address, if there is one.
func (r *race) advanceLocked() {
	r.hurry()
	r.hurry = func() {}
	if r.next == len(r.m.addresses) {
		return
	}
	address := r.m.addresses[r.next]
	r.next++
	l, err := r.openLocked(address)
	if err != nil {
		// gRPC opens none when the channel is closing: nobody waits for the outcome.
		r.err = err
		return
	}
	r.running = append(r.running, l)
	if r.next < len(r.m.addresses) {
		r.hurry = r.alarmLocked(staggered, r.advanceLocked)
	}
}

// alarmLocked runs f after d if the race still runs then.
func (r *race) alarmLocked(d time.Duration, f func()) func() {
	h := r.m.host
	return h.alarms.after(d, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if r.m.race == r {
			f()
		}
	})
}

// openLocked begins to connect to one address.
func (r *race) openLocked(address grpcresolver.Address) (*link, error) {
	h := r.m.host
	l := &link{m: r.m, address: address.Addr, opened: time.Now(), giveUp: func() {}}
	l.limit.Store(uint32(h.hub.cfg.MaxStreams)) //nolint:gosec // check has refused what does not fit
	address.Attributes = address.Attributes.WithValue(linkKey{}, l)
	sc, err := h.cc.NewSubConn([]grpcresolver.Address{address}, grpcbalancer.NewSubConnOptions{ //nolint:staticcheck // there is no successor yet, and one address is all that we give
		StateListener: func(s grpcbalancer.SubConnState) {
			h.mu.Lock()
			defer h.mu.Unlock()
			l.changedLocked(s)
		},
	})
	if err != nil {
		return nil, err
	}
	l.sc = sc
	timeout := h.hub.cfg.ConnectTimeout
	l.giveUp = r.alarmLocked(timeout, func() { r.lostLocked(l, timeoutError{timeout}) })
	sc.Connect()
	return l, nil
}

// wonLocked ends the race with the connection l.
func (r *race) wonLocked(l *link) {
	r.stopLocked(l)
	r.m.wonLocked(l)
}

// lostLocked is told that the attempt l has failed.
func (r *race) lostLocked(l *link, err error) {
	if !slices.Contains(r.running, l) {
		return
	}
	l.closeLocked()
	r.running = slices.DeleteFunc(r.running, func(o *link) bool { return o == l })
	if r.err == nil {
		r.err = err
	}
	r.advanceLocked()
	if len(r.running) == 0 {
		r.stopLocked(nil)
		r.m.failedLocked(r.err)
	}
}

// stopLocked ends every attempt but l's.
func (r *race) stopLocked(l *link) {
	r.hurry()
	r.hurry = func() {}
	for _, o := range r.running {
		if o != l {
			o.closeLocked()
		}
	}
	r.running = nil
}

// link is one gRPC connection, from the attempt to its end. It is never used again: the next attempt
// has a link of its own, so what gRPC remembers of a connection's failures, and the pauses and
// timeouts that it derives from that, never mix with the member's.
type link struct {
	m       *member
	address string
	opened  time.Time
	sc      grpcbalancer.SubConn
	giveUp  func() // cancels the connect timeout; guarded by the host's lock
	closed  bool   // guarded by the host's lock

	limit  atomic.Uint32 // how many streams the server takes at a time; 0: any number
	calls  atomic.Int64  // in flight
	resets picker.Resets // of its streams

	used atomic.Bool // since it was last looked at, if it is not the only one
}

// changedLocked is told what gRPC says of the connection.
func (l *link) changedLocked(s grpcbalancer.SubConnState) {
	if l.closed {
		return
	}
	m := l.m
	switch s.ConnectivityState {
	case connectivity.Ready:
		l.giveUp()
		if m.race != nil {
			m.race.wonLocked(l)
		}
	case connectivity.TransientFailure:
		if m.race != nil {
			m.race.lostLocked(l, s.ConnectionError)
		}
	case connectivity.Idle:
		if m.links != nil && slices.Contains(m.links.all, l) {
			l.closeLocked()
			m.lostLocked(l)
		} else if m.race != nil {
			m.race.lostLocked(l, errDropped)
		}
	case connectivity.Connecting, connectivity.Shutdown:
	}
}

// closeLocked gives the connection up: an attempt is broken off, calls go on to their end.
func (l *link) closeLocked() {
	if l.closed {
		return
	}
	l.closed = true
	l.giveUp()
	l.sc.Shutdown()
}

// errDropped is a connection that the server closed as soon as it stood.
var errDropped = errors.New("the server closed the connection at once")
