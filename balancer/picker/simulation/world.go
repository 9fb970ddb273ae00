// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// setup describes one run.
type setup struct {
	scenario scenario
	servers  int
	gateways int
	load     float64       // share of what the servers that work can serve
	length   time.Duration // of the run; calls of its first two seconds are not measured
	seed     uint64
}

// warmup is what is not measured at the beginning of a run: queues fill, policies learn.
const warmup = 2 * time.Second

// world is one run: servers, gateways that each know only of their own calls, and clients that call
// whatever happens.
type world struct {
	clock

	setup    setup
	chance   *rand.Rand // of clients and servers
	picks    *rand.Rand // of the policies; apart, so that all policies see the same calls
	stalls   *rand.Rand
	servers  []*server
	gateways []*gateway
	done     measured
}

func exp(x float64) float64 { return math.Exp(x) }

// simulate runs a policy through a setup.
func simulate(s setup, of contender) (measured, error) {
	w := &world{
		setup:  s,
		chance: rand.New(rand.NewPCG(s.seed, 1)),
		picks:  rand.New(rand.NewPCG(s.seed, 2)),
		stalls: rand.New(rand.NewPCG(s.seed, 3)),
	}
	for i := range s.servers {
		w.servers = append(w.servers, &server{w: w, index: i, speed: 1})
	}
	s.scenario.begin(w)
	for range s.gateways {
		g, err := newGateway(w, of.policy(w))
		if err != nil {
			return measured{}, err
		}
		w.gateways = append(w.gateways, g)
	}
	if s.scenario.stalls > 0 {
		for _, g := range w.gateways {
			g.stall.come(w, s.scenario.stalls)
		}
		for _, sv := range w.servers {
			sv.stall.come(w, s.scenario.stalls)
		}
	}
	// So many calls a second.
	rate := s.load * s.scenario.capacity(s.servers) * workers / meanService.Seconds()
	w.callAfter(rate)
	w.run(s.length)
	return w.done, nil
}

// callAfter plans the next call of the clients: they come at random, as many people's calls do.
func (w *world) callAfter(rate float64) {
	w.after(time.Duration(w.chance.ExpFloat64()/rate*float64(time.Second)), func() {
		work := time.Duration(float64(meanService) * exp(spread*w.chance.NormFloat64()-spread*spread/2))
		g := w.gateways[w.chance.IntN(len(w.gateways))]
		came := w.now
		g.stall.then(w, func() { g.place(came, work) })
		w.callAfter(rate)
	})
}

// stall is a process that does not run for a while now and then: another has the processor, or memory
// is being collected.
type stall struct {
	until time.Duration
}

// stalled is how long a process stalls on average.
const stalled = 20 * time.Millisecond

// come plans stalls that take a share of the time.
func (s *stall) come(w *world, share float64) {
	w.after(time.Duration(w.stalls.ExpFloat64()*float64(stalled)*(1/share-1)), func() {
		d := time.Duration(w.stalls.ExpFloat64() * float64(stalled))
		s.until = w.now + d
		w.after(d, func() { s.come(w, share) })
	})
}

// then does what the process would do now: at once, or when it runs again.
func (s *stall) then(w *world, do func()) {
	if s.until > w.now {
		w.after(s.until-w.now, func() { s.then(w, do) })
		return
	}
	do()
}

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
	for _, s := range w.servers {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{fmt.Sprintf("10.0.%d.%d:50051", s.index/250, s.index%250+1)}})
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
	at := g.w.now + max(after, 10*time.Millisecond)
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

// method is what every call calls.
const method = "/simulation.Service/Call"

// call is one call.
type call struct {
	g     *gateway
	c     *picker.Candidate
	p     picker.Picker // that placed it
	s     *server
	came  time.Duration // from its client
	began time.Duration // when it was placed
	work  time.Duration
	over  bool // the client has its answer, or has gone
}

// place places a call.
func (g *gateway) place(came, work time.Duration) {
	w := g.w
	c := &call{g: g, p: g.picker, came: came, began: w.now, work: work}
	chosen, err := g.picker.Pick(picker.Info{Method: method, Now: w.now, Random: w.picks.Uint64()})
	if err != nil {
		w.done.add(came, 0, true)
		return
	}
	c.c = chosen
	c.s = w.serverOf(chosen)
	chosen.Stats.Begin()
	c.s.pending++
	w.after(wire, func() { c.s.arrive(c) })
	w.after(came+timeout-w.now, func() { g.stall.then(w, c.expire) })
}

func (w *world) serverOf(c *picker.Candidate) *server {
	s, ok := c.Handle.(*server)
	if !ok {
		panic("a candidate without a server") // newGateway gave each one
	}
	return s
}

// end is the answer.
func (c *call) end(failed bool, l load) {
	if c.over {
		return
	}
	o := picker.Outcome{Result: picker.Success, Trailer: l.trailer()}
	if failed {
		o.Result = picker.Failure
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
