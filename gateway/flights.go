// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// flight counts the calls of one route that are under way, whatever snapshot they began with.
type flight struct{ calls atomic.Int64 }

// flights are the routes that calls are under way on, by name. Names are those of snapshots, so that clients cannot make any.
type flights struct {
	streams atomic.Int64 // of all routes

	mu     sync.Mutex
	byName map[string]*flight // guarded by mu
}

// plan is where the calls of one snapshot are counted. It does not change.
type plan struct {
	methods  []*flight                     // by the ID of the method, for protocols that name it
	bindings map[*httprule.Binding]*flight // for REST
}

// plan returns where the calls of a snapshot are counted: routes that the one before had as well are counted on. Those that neither has are
// forgotten, once no call is under way on them.
func (f *flights) plan(s *Snapshot) *plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.byName
	f.byName = map[string]*flight{}
	for name, own := range known {
		if own.calls.Load() > 0 {
			f.byName[name] = own
		}
	}
	of := func(name string) *flight {
		own := f.byName[name]
		if own == nil {
			if own = known[name]; own == nil {
				own = &flight{}
			}
			f.byName[name] = own
		}
		return own
	}
	p := &plan{methods: make([]*flight, s.Mux.Len()), bindings: map[*httprule.Binding]*flight{}}
	for _, m := range s.Mux.Methods() {
		p.methods[m.ID] = of(m.Service + "/" + m.Name)
	}
	for _, m := range s.Mux.Passed() {
		p.methods[m.ID] = of(m.Rule)
	}
	if t := s.Mux.Routes(); t != nil {
		for _, b := range t.Bindings() {
			p.bindings[b] = of(b.String())
		}
	}
	return p
}

// of returns where a call is counted; nil where what it calls is not known.
func (p *plan) of(c *transcoder.Call) *flight {
	if c.Method == nil || p == nil {
		return nil
	}
	if c.Binding != nil {
		return p.bindings[c.Binding]
	}
	return p.methods[c.Method.ID]
}

// begin counts a call as under way, until end.
func (f *flights) begin(own *flight, c *transcoder.Call) {
	if own == nil {
		return
	}
	own.calls.Add(1)
	if !c.Method.Unary() {
		f.streams.Add(1)
	}
}

func (f *flights) end(own *flight, c *transcoder.Call) {
	if own == nil {
		return
	}
	own.calls.Add(-1)
	if !c.Method.Unary() {
		f.streams.Add(-1)
	}
}

// Streams returns how many calls are under way that stream.
func (g *Gateway) Streams() int64 { return g.flights.streams.Load() }

// UnderWay returns how many calls are under way on a route, named as in logs: by its HTTP method and template, or, for protocols that name the
// method, by that.
func (g *Gateway) UnderWay(route string) int64 {
	g.flights.mu.Lock()
	defer g.flights.mu.Unlock()
	if own := g.flights.byName[route]; own != nil {
		return own.calls.Load()
	}
	return 0
}
