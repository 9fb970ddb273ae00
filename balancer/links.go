// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"slices"
	"time"
)

// idleAfter is how long an additional connection goes unused before it is closed.
const idleAfter = time.Minute

// links are the connections of a member as picks see them: at least one. They do not change; another connection makes
// other links.
type links struct {
	m   *member
	all []*link
}

// take returns the connection for a call, the one with the fewest, and counts it there. When all are full
// it has another one opened, and returns nil when the call should wait for that.
func (ls *links) take() *link {
	best := ls.all[0]
	calls := best.calls.Load()
	for _, l := range ls.all[1:] {
		if n := l.calls.Load(); n < calls {
			best, calls = l, n
		}
	}
	if ls.m.host.hub.isCareful() {
		best = ls.spare(best)
		calls = best.calls.Load()
	}
	// Another is opened before this one is full, so that no call has to wait for it.
	if limit := int64(best.limit.Load()); limit > 0 && calls*4 >= limit*3 {
		if coming := ls.m.grow(); coming && calls >= limit {
			return nil
		}
	}
	best.calls.Add(1)
	if len(ls.all) > 1 && !best.used.Load() {
		best.used.Store(true)
	}
	return best
}

// spare returns the connection with the fewest calls among those whose streams were not reset often of late. When there is none, another one is
// opened, and it returns best: resets are paced by connection, so more connections take more.
func (ls *links) spare(best *link) *link {
	var spare *link
	for _, l := range ls.all {
		if !l.resets.Low() && (spare == nil || l.calls.Load() < spare.calls.Load()) {
			spare = l
		}
	}
	if spare == nil {
		ls.m.grow()
		return best
	}
	return spare
}

// end counts the end of a call. Calls that wait for a connection may take its place.
func (l *link) end() {
	l.calls.Add(-1)
	if l.m.growing.Load() {
		l.m.host.rebuilds.ask(0)
	}
}

// grow has one more connection opened, and says whether one is coming. Picks call it: it takes no lock.
func (m *member) grow() bool {
	if m.grown.Load() {
		return false
	}
	if m.growing.CompareAndSwap(false, true) {
		m.host.alarms.after(0, func() {
			m.host.mu.Lock()
			defer m.host.mu.Unlock()
			m.growLocked()
		})
	}
	return true
}

// growLocked opens one more connection, if it may.
func (m *member) growLocked() {
	switch {
	case m.left || m.host.closed || m.links == nil:
		m.growing.Store(false)
	case len(m.links.all) >= m.host.hub.cfg.MaxConnections:
		m.grownLocked()
	case m.race == nil:
		m.race = startRaceLocked(m)
	}
}

// grownLocked ends the growth: calls that wait for a connection go on those that there are.
func (m *member) grownLocked() {
	m.grown.Store(true)
	m.growing.Store(false)
	m.host.publishLocked()
}

// stuntedLocked is told that one more connection could not be had. It is tried again after a pause.
func (m *member) stuntedLocked() {
	m.grownLocked()
	m.host.alarms.after(pause(m.host.hub.cfg.Backoff, 1), func() {
		m.host.mu.Lock()
		defer m.host.mu.Unlock()
		m.grown.Store(m.links != nil && len(m.links.all) >= m.host.hub.cfg.MaxConnections)
		m.minLocked()
	})
}

// leastLocked returns how many connections there should be.
func (m *member) leastLocked() int {
	cfg := &m.host.hub.cfg
	if len(m.host.order) == 1 {
		return max(cfg.MinConnections, cfg.MinTotal)
	}
	return cfg.MinConnections
}

// minLocked opens one more connection while there are fewer than there should be.
func (m *member) minLocked() {
	if m.links != nil && len(m.links.all) < m.leastLocked() {
		m.grow()
	}
}

// addLocked takes one more connection into use.
func (m *member) addLocked(l *link) {
	var all []*link
	if m.links != nil {
		all = m.links.all
	}
	m.links = &links{m: m, all: append(slices.Clip(all), l)}
	m.grown.Store(false)
	m.growing.Store(false)
	if len(m.links.all) > m.leastLocked() && m.shrink == nil {
		m.shrinkLaterLocked()
	}
	m.minLocked()
}

// removeLocked takes a connection out of use.
func (m *member) removeLocked(l *link) {
	all := slices.DeleteFunc(slices.Clone(m.links.all), func(o *link) bool { return o == l })
	if len(all) == 0 {
		m.links = nil
		return
	}
	m.links = &links{m: m, all: all}
	m.grown.Store(false)
}

func (m *member) shrinkLaterLocked() {
	m.shrink = m.host.alarms.after(idleAfter, func() {
		m.host.mu.Lock()
		defer m.host.mu.Unlock()
		m.shrinkLocked()
	})
}

// shrinkLocked closes the connections that were not used of late, as long as there are more than there should be. The
// first stays: health checks are on it.
func (m *member) shrinkLocked() {
	m.shrink = nil
	if m.left || m.host.closed || m.links == nil {
		return
	}
	var idle []*link
	spare := len(m.links.all) - m.leastLocked()
	for _, l := range m.links.all[1:] {
		if !l.used.Swap(false) && l.calls.Load() == 0 && len(idle) < spare {
			idle = append(idle, l)
		}
	}
	for _, l := range idle {
		m.removeLocked(l)
	}
	if len(idle) > 0 {
		m.candidateLocked()
		m.host.publishLocked()
	}
	for _, l := range idle {
		l.closeLocked()
	}
	if len(m.links.all) > m.leastLocked() {
		m.shrinkLaterLocked()
	}
}
