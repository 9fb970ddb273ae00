// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// setup describes one run.
type setup struct {
	scenario scenario
	servers  int
	gateways int
	load     float64       // share of what the servers that work can serve
	length   time.Duration // of what is measured
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
	stalls   *rand.Rand // of the processes
	servers  []*server
	gateways []*gateway
	done     measured
}

// simulate runs a policy through a setup.
func simulate(s setup, of contender) (measured, error) {
	w := &world{
		setup:  s,
		chance: rand.New(rand.NewPCG(s.seed, 1)),
		picks:  rand.New(rand.NewPCG(s.seed, 2)),
		stalls: rand.New(rand.NewPCG(s.seed, 3)),
	}
	for range s.servers {
		w.servers = append(w.servers, &server{w: w, speed: 1})
	}
	s.scenario.begin(w)
	for range s.gateways {
		p, err := of.policy(w)
		if err != nil {
			return measured{}, err
		}
		g, err := newGateway(w, p)
		if err != nil {
			return measured{}, err
		}
		w.gateways = append(w.gateways, g)
	}
	if share := s.scenario.stalls; share > 0 {
		for _, g := range w.gateways {
			g.stall.come(w, share)
		}
		for _, sv := range w.servers {
			sv.stall.come(w, share)
		}
	}
	w.callAfter(s.load * s.scenario.capacity(s.servers) * workers / meanService.Seconds())
	w.run(warmup + s.length)
	return w.done, nil
}

// callAfter plans the next call of the clients, who call so many times a second: at random, as many people's calls do.
func (w *world) callAfter(rate float64) {
	w.after(time.Duration(w.chance.ExpFloat64()/rate*float64(time.Second)), func() {
		work := time.Duration(float64(meanService) * math.Exp(spread*w.chance.NormFloat64()-spread*spread/2))
		g := w.gateways[w.chance.IntN(len(w.gateways))]
		came := w.now
		g.stall.then(w, func() { g.place(came, work) })
		w.callAfter(rate)
	})
}

func (w *world) serverOf(c *picker.Candidate) *server {
	s, ok := c.Handle.(*server)
	if !ok {
		panic("a candidate without a server") //nolint:forbidigo // newGateway gave each one
	}
	return s
}
