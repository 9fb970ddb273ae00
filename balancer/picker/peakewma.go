// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// DefaultDecay is the time constant of PeakEWMA's memory.
const DefaultDecay = 10 * time.Second

// PeakEWMAConfig are the settings of [PeakEWMA].
type PeakEWMAConfig struct {
	// Decay is the time constant with which latencies are forgotten; at least 1 ms. 0: DefaultDecay.
	Decay time.Duration
	// FullScan is up to how many ready endpoints all are compared; 1 to 1024. 0: DefaultFullScan.
	FullScan int
	// Choices is how many random endpoints are compared when there are more; 2 to 1024. 0: DefaultChoices.
	Choices int
}

// PeakEWMA is the policy that places a call on the endpoint whose latency times calls in flight is
// least. The latency is a mean in which older calls have faded, but a slower call than the mean
// takes its place at once (Finagle's peak-sensitive EWMA).
type PeakEWMA struct {
	cfg PeakEWMAConfig
}

// NewPeakEWMA checks cfg and returns the policy.
func NewPeakEWMA(cfg PeakEWMAConfig) (*PeakEWMA, error) {
	if cfg.Decay == 0 {
		cfg.Decay = DefaultDecay
	}
	if cfg.Decay < time.Millisecond {
		return nil, fmt.Errorf("peak_ewma: decay is %v; it must be 1ms or more", cfg.Decay)
	}
	if err := scanDefaults("peak_ewma", &cfg.FullScan, &cfg.Choices, DefaultChoices); err != nil {
		return nil, err
	}
	return &PeakEWMA{cfg}, nil
}

// Name implements Policy.
func (*PeakEWMA) Name() string { return "peak_ewma" }

// Next implements Policy.
func (p *PeakEWMA) Next(prev Picker, view View) Picker {
	n := &peakEWMA{cfg: &p.cfg, ready: view.Ready, sampler: newSampler(len(view.Ready), p.cfg.FullScan, p.cfg.Choices)}
	old, _ := prev.(*peakEWMA)
	var known map[*Stats]*peak
	if old != nil {
		known = old.of
	}
	n.of = learnt(known, view, func(*Candidate) *peak { return new(peak) })
	n.peaks = make([]*peak, len(view.Ready))
	for i, c := range view.Ready {
		n.peaks[i] = n.of[c.Stats]
	}
	return n
}

// learnt returns what is known of each endpoint in view, by its Stats: the old entry or a fresh one.
func learnt[T any](known map[*Stats]*T, view View, fresh func(*Candidate) *T) map[*Stats]*T {
	of := make(map[*Stats]*T, len(view.All))
	for _, list := range [][]*Candidate{view.Ready, view.All} {
		for _, c := range list {
			if of[c.Stats] != nil {
				continue
			}
			if of[c.Stats] = known[c.Stats]; of[c.Stats] == nil {
				of[c.Stats] = fresh(c)
			}
		}
	}
	return of
}

type peakEWMA struct {
	cfg     *PeakEWMAConfig
	ready   []*Candidate
	peaks   []*peak // beside ready
	of      map[*Stats]*peak
	sampler sampler
}

// peak is the latency of one endpoint.
type peak struct {
	mean atomic.Uint64 // math.Float64bits of nanoseconds; 0 before the first
	at   atomic.Int64  // when mean was last moved
	_    [48]byte      // a cache line of its own
}

// Pick implements Picker.
func (p *peakEWMA) Pick(info Info) (*Candidate, error) {
	w, n := p.sampler.draw(info.Random)
	i := w.next()
	best, least := p.ready[i], p.cost(i, info.Now)+info.burden(p.ready[i])
	for range n - 1 {
		i = w.next()
		if cost := p.cost(i, info.Now) + info.burden(p.ready[i]); cost < least {
			best, least = p.ready[i], cost
		}
	}
	if least >= avoided {
		return info.from(p.ready, i), nil
	}
	return best, nil
}

// cost returns what a call on an endpoint is expected to cost. One that is not known yet is tried while
// nothing is in flight there, and waits for its first answer then. One that is left alone is forgiven
// in time.
func (p *peakEWMA) cost(i int, now time.Duration) float64 {
	const unknown = float64(time.Hour)
	c := p.ready[i]
	n := float64(c.Stats.InFlight())
	mean := math.Float64frombits(p.peaks[i].mean.Load())
	if mean == 0 {
		return n * unknown
	}
	silent := float64(int64(now)-p.peaks[i].at.Load()) / float64(p.cfg.Decay)
	return mean * fade(silent) * (n + 1) / c.Weight
}

// Finish implements Finisher.
func (p *peakEWMA) Finish(c *Candidate, o Outcome) {
	latency := o.latency()
	k := p.of[c.Stats]
	if o.Result == Neither || latency < 0 || k == nil {
		return
	}
	v, old := max(float64(latency), 1), k.mean.Load()
	next := v
	if mean := math.Float64frombits(old); old != 0 && v < mean {
		keep := math.Exp(-float64(max(int64(o.Now)-k.at.Load(), 0)) / float64(p.cfg.Decay))
		next = mean*keep + v*(1-keep)
	}
	if k.mean.CompareAndSwap(old, math.Float64bits(next)) {
		k.at.Store(int64(o.Now))
	}
}

// latency returns what the outcome says of the endpoint's latency; below zero when nothing.
func (o *Outcome) latency() time.Duration {
	if o.Call != nil && o.Call.Streaming {
		return o.First
	}
	return o.Latency
}
