// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// method is what every call calls.
const method = "/simulation.Service/Call"

// gateway is one client of the servers: it hosts a policy as a balancer does.
type gateway struct {
	w          *world
	policy     picker.Policy
	picker     picker.Picker
	candidates []*picker.Candidate
	rebuild    time.Duration // when the next picker is made; 0: nobody wants one
	stall      stall
}

func newGateway(w *world, p picker.Policy) (*gateway, error) {
	g := &gateway{w: w, policy: p}
	for i, s := range w.servers {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{fmt.Sprintf("10.0.%d.%d:50051", i/250, i%250+1)}})
		if err != nil {
			return nil, err
		}
		g.candidates = append(g.candidates, &picker.Candidate{Endpoint: e, Stats: new(picker.Stats), Weight: 1, Handle: s})
	}
	g.next()
	return g, nil
}

func (g *gateway) next() {
	g.picker = g.policy.Next(g.picker, picker.View{
		Ready: g.candidates, All: g.candidates, Now: g.w.now, Random: g.w.picks.Uint64(), Rebuild: g.ask,
	})
}

// ask is a view's Rebuild.
func (g *gateway) ask(after time.Duration) {
	const least = 10 * time.Millisecond
	at := g.w.now + max(after, least)
	if g.rebuild != 0 && g.rebuild <= at {
		return
	}
	g.rebuild = at
	g.w.after(at-g.w.now, func() {
		if g.rebuild == at {
			g.rebuild = 0
			g.next()
		}
	})
}

// call is one call.
type call struct {
	g       *gateway
	p       picker.Picker // that placed it
	c       *picker.Candidate
	s       *server
	work    time.Duration
	came    time.Duration // from its client
	began   time.Duration // when it was placed
	arrived time.Duration // at the server
	found   int           // how many calls were there then
	over    bool          // the client has its answer, or has gone
}

// place places a call that came then.
func (g *gateway) place(came, work time.Duration) {
	w := g.w
	chosen, err := g.picker.Pick(picker.Info{Method: method, Now: w.now, Random: w.picks.Uint64()})
	if err != nil {
		w.done.add(came, 0, true)
		return
	}
	c := &call{g: g, p: g.picker, c: chosen, s: w.serverOf(chosen), work: work, came: came, began: w.now}
	chosen.Stats.Begin()
	c.s.pending++
	w.after(wire, func() { c.s.arrive(c) })
	w.after(came+timeout-w.now, func() { g.stall.then(w, c.expire) })
}

// end is the answer.
func (c *call) end(failed bool, l load) {
	if c.over {
		return
	}
	o := picker.Outcome{Result: picker.Success, Trailer: l.trailer()}
	if failed {
		o = picker.Outcome{Result: picker.Failure}
	}
	c.finish(o)
	c.g.w.done.add(c.came, c.g.w.now-c.came, failed)
}

// expire is a client that has waited long enough.
func (c *call) expire() {
	if c.over {
		return
	}
	c.finish(picker.Outcome{Result: picker.Failure})
	c.g.w.done.late(c.came)
}

func (c *call) finish(o picker.Outcome) {
	w := c.g.w
	c.over = true
	c.s.pending--
	o.Method, o.Now, o.Latency, o.First = method, w.now, w.now-c.began, -1
	c.c.Stats.End(o.Result, o.Latency, int64(w.now))
	if f, ok := c.p.(picker.Finisher); ok {
		f.Finish(c.c, o)
	}
}
