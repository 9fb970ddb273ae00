// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// What a History keeps. Together it is at most 16 MiB, however many routes there are and whatever clients call.
const (
	// Window is how far back it goes.
	Window = 15 * time.Minute
	// Step is the step of time of all calls together and of services, RouteStep of routes.
	Step      = time.Second
	RouteStep = 10 * time.Second
	// MaxServices and MaxRoutes are how many services and routes are kept apart. What comes when there are as many takes the place of one
	// that was not called for a Window, or is counted with all calls alone.
	MaxServices = 64
	MaxRoutes   = 512
	// MaxEndpoints is how many endpoints of backends are kept apart, likewise.
	MaxEndpoints = 512
	// HeatSpan is the step of time of Track.Heat, which has HeatColumns of HeatRows.
	HeatSpan    = 30 * time.Second
	HeatColumns = int(Window / HeatSpan)
	HeatRows    = 10
)

// HeatBounds are the bounds of the rows of Track.Heat but for the last.
func HeatBounds() [HeatRows - 1]time.Duration {
	const ms = time.Millisecond
	return [...]time.Duration{1 * ms, 3 * ms, 10 * ms, 30 * ms, 100 * ms, 300 * ms, 1000 * ms, 3000 * ms, 10_000 * ms}
}

// History is the last quarter of an hour: how many calls, how they ended and how long they took, of all together, by service and by route, and how long
// endpoints took.
// It is safe for concurrent use.
type History struct {
	now func() time.Time

	mu       sync.Mutex
	all      *series            // guarded by mu
	services map[string]*series // guarded by mu
	routes   map[string]*series // guarded by mu
	// endpoints are the attempts, by where they were sent; guarded by mu.
	endpoints map[endpointName]*recent
	searched  time.Time // when a place was last looked for; guarded by mu
}

// endpointName names an endpoint.
type endpointName struct{ backend, address string }

var _ Sink = (*History)(nil)

// NewHistory returns an empty one.
func NewHistory() *History {
	return &History{
		now: time.Now, all: newSeries(Step, Window, time.Now()), services: map[string]*series{}, routes: map[string]*series{},
		endpoints: map[endpointName]*recent{},
	}
}

// Record counts a call, unless it is an operator's. Those of methods that nothing is known of are counted with all calls alone: their names are of the client's making.
func (h *History) Record(r *Record) {
	if r.Probe {
		return
	}
	route := r.RouteName()
	h.mu.Lock()
	defer h.mu.Unlock()
	now := r.Time // a moment ago
	if now.IsZero() {
		now = h.now()
	}
	h.all.add(r, now)
	if r.Known {
		if s := h.seriesLocked(h.services, r.Service, Step, MaxServices, now); s != nil {
			s.add(r, now)
		}
	}
	if route != "" {
		if s := h.seriesLocked(h.routes, route, RouteStep, MaxRoutes, now); s != nil {
			s.add(r, now)
		}
	}
	if !r.Streams {
		h.triesLocked(r, now)
	}
}

// triesLocked counts how long the attempts at a call took.
func (h *History) triesLocked(r *Record, now time.Time) {
	for i := range r.Tries() {
		t := &r.Tries()[i]
		if t.Endpoint == "" {
			continue
		}
		name := endpointName{r.Backend, t.Endpoint}
		e := h.endpoints[name]
		if e == nil {
			if len(h.endpoints) >= MaxEndpoints && !h.makeEndpointRoomLocked(now) {
				continue
			}
			e = &recent{}
			h.endpoints[name] = e
		}
		e.add(t.Took, now)
	}
}

// makeEndpointRoomLocked drops endpoints that were not called for a Window, as makeRoomLocked does.
func (h *History) makeEndpointRoomLocked(now time.Time) bool {
	if now.Sub(h.searched) < Step {
		return false
	}
	h.searched = now
	before := len(h.endpoints)
	maps.DeleteFunc(h.endpoints, func(_ endpointName, r *recent) bool { return r.idle(now, Window) })
	return len(h.endpoints) < before
}

// Endpoint tells how long attempts took of late that were sent to an endpoint of a backend.
func (h *History) Endpoint(backend, address string) Quantiles {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.endpoints[endpointName{backend, address}]; e != nil {
		return e.quantiles(h.now())
	}
	return Quantiles{}
}

// seriesLocked returns the series of a name, or nil where there is no place for it.
func (h *History) seriesLocked(of map[string]*series, name string, step time.Duration, most int, now time.Time) *series {
	if s := of[name]; s != nil {
		return s
	}
	if len(of) >= most && !h.makeRoomLocked(of, now) {
		return nil
	}
	s := newSeries(step, Window, now)
	of[name] = s
	return s
}

// makeRoomLocked drops what was not called for a Window. It looks at most once in a Step, since every call of a name without a place asks.
func (h *History) makeRoomLocked(of map[string]*series, now time.Time) bool {
	if now.Sub(h.searched) < Step {
		return false
	}
	h.searched = now
	before := len(of)
	maps.DeleteFunc(of, func(_ string, s *series) bool { return now.Sub(s.totals.Last) > Window })
	return len(of) < before
}

// All returns the points of all calls together that began at a time or later and are over, the oldest first. What is zero begins with the
// oldest that is kept.
func (h *History) All(since time.Time) []Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all.since(since, h.now())
}

// Totals counts all calls since the start.
func (h *History) Totals() Totals {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.all.totals
	t.ByReason = maps.Clone(t.ByReason)
	return t
}

// Track is the points of one service or route, and what was counted of it in all.
type Track struct {
	Name   string
	Totals Totals
	Points []Point
	// Recent is how long calls took of late that do not stream.
	Recent Quantiles
	// HeatBegan is when the last column of Heat began.
	HeatBegan time.Time
	// Heat has a column for each HeatSpan of the Window, the oldest first and the one that goes on last; each counts calls by how long they
	// took: below each of HeatBounds, and in its last place the rest.
	Heat [HeatColumns][HeatRows]uint32
}

// Services returns the services that were called, by name, with their points as All does.
func (h *History) Services(since time.Time) []Track { return h.tracks(h.services, since) }

// Routes returns the routes that were called, as Services does. A route is named as Record.RouteName says.
func (h *History) Routes(since time.Time) []Track { return h.tracks(h.routes, since) }

// Service returns one service; false where it was not called.
func (h *History) Service(name string, since time.Time) (Track, bool) {
	return h.track(h.services, name, since)
}

// Route returns one route; false where it was not called.
func (h *History) Route(name string, since time.Time) (Track, bool) {
	return h.track(h.routes, name, since)
}

func (h *History) tracks(of map[string]*series, since time.Time) []Track {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	all := make([]Track, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[name].track(name, since, now))
	}
	return all
}

func (h *History) track(of map[string]*series, name string, since time.Time) (Track, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := of[name]
	if s == nil {
		return Track{}, false
	}
	return s.track(name, since, h.now()), true
}
