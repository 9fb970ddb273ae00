// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// What Prequal is set to, after the paper (Wydrowski and others, NSDI 2024).
const (
	probesPerCall = 3
	poolSize      = 16
	probeUses     = 3 // of one probe's answer
	probeLives    = time.Second
	hotQuantile   = 0.84
	rifMemory     = 128 // answers of which the quantile is taken
)

// prequal is the policy that asks servers how they are: with each call a few at random, whose answers the next
// calls choose by. It is here to be compared with; no gateway asks.
type prequal struct {
	w *world
}

// Name implements picker.Policy.
func (*prequal) Name() string { return "prequal" }

// Next implements picker.Policy.
func (p *prequal) Next(prev picker.Picker, v picker.View) picker.Picker {
	if old, ok := prev.(*probing); ok {
		old.ready = v.Ready
		return old
	}
	return &probing{w: p.w, ready: v.Ready}
}

// probing is its picker.
type probing struct {
	w     *world
	ready []*picker.Candidate
	pool  []probe
	rifs  []int // of the last answers, for the quantile
}

// probe is what a server has answered.
type probe struct {
	of      *picker.Candidate
	at      time.Duration
	rif     int // calls in flight there, of all gateways
	latency time.Duration
	uses    int
}

// Pick implements picker.Picker.
func (p *probing) Pick(info picker.Info) (*picker.Candidate, error) {
	for range probesPerCall {
		p.ask(p.ready[p.w.picks.IntN(len(p.ready))])
	}
	p.pool = slices.DeleteFunc(p.pool, func(o probe) bool { return info.Now-o.at > probeLives || o.uses >= probeUses })
	if len(p.pool) < 2 {
		return p.ready[int(info.Random%uint64(len(p.ready)))], nil
	}
	hot := p.hot()
	best := 0
	for i := range p.pool {
		if better(p.pool[i], p.pool[best], hot) {
			best = i
		}
	}
	chosen := &p.pool[best]
	chosen.uses++
	chosen.rif++ // this call is there now
	to := chosen.of
	// The worst goes as well, or the pool would fill with what nobody chooses.
	worst := 0
	for i := range p.pool {
		if better(p.pool[worst], p.pool[i], hot) {
			worst = i
		}
	}
	p.pool = slices.Delete(p.pool, worst, worst+1)
	return to, nil
}

// better says whether a call goes rather to a than to b: to the faster of two that are not hot, else to the one
// with fewer calls in flight.
func better(a, b probe, hot int) bool {
	aHot, bHot := a.rif > hot, b.rif > hot
	switch {
	case aHot != bHot:
		return bHot
	case aHot:
		return a.rif < b.rif
	default:
		return a.latency < b.latency
	}
}

// hot returns how many calls in flight are many.
func (p *probing) hot() int {
	sorted := slices.Sorted(slices.Values(p.rifs))
	return sorted[int(hotQuantile*float64(len(sorted)-1))]
}

// ask sends a probe.
func (p *probing) ask(c *picker.Candidate) {
	s := p.w.serverOf(c)
	p.w.after(wire, func() {
		rif := s.busy + len(s.queue)
		latency := s.usual(rif)
		p.w.after(wire, func() {
			p.rifs = append(p.rifs, rif)
			p.rifs = p.rifs[max(len(p.rifs)-rifMemory, 0):]
			p.pool = append(p.pool, probe{of: c, at: p.w.now, rif: rif, latency: latency})
			p.pool = p.pool[max(len(p.pool)-poolSize, 0):]
		})
	})
}
