// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// The defaults of WeightedRoundRobin, those of gRFC A58.
const (
	DefaultBlackout     = 10 * time.Second
	DefaultExpiry       = 3 * time.Minute
	DefaultUpdate       = time.Second
	DefaultErrorPenalty = 1.0
)

// minUpdate is the least time between two schedules.
const minUpdate = 100 * time.Millisecond

// WeightedRoundRobinConfig are the settings of [WeightedRoundRobin].
type WeightedRoundRobinConfig struct {
	// Reports says that endpoints report their load with each answer (ORCA, gRFC A51), and that the weights
	// follow it. What follows is for that.
	Reports bool
	// Blackout is for how long the reports of an endpoint that begins to serve are not believed. 0:
	// DefaultBlackout; below zero: none.
	Blackout time.Duration
	// Expiry is for how long a report holds; above 0. 0: DefaultExpiry.
	Expiry time.Duration
	// Update is how often the weights follow the reports; at least 100 ms. 0: DefaultUpdate.
	Update time.Duration
	// ErrorPenalty is what a share of errors adds to the utilization, times itself; 0 or more. 0:
	// DefaultErrorPenalty; below zero: nothing.
	ErrorPenalty float64
}

// WeightedRoundRobin is the policy that gives each ready endpoint turns in proportion to its weight,
// evenly spread. With reports, the weight is multiplied by the calls a second that the endpoint would
// serve at full load (gRFC A58); one that has reported nothing yet counts as average, so that
// a newcomer is not flooded.
type WeightedRoundRobin struct {
	cfg WeightedRoundRobinConfig
}

// NewWeightedRoundRobin checks cfg and returns the policy.
func NewWeightedRoundRobin(cfg WeightedRoundRobinConfig) (*WeightedRoundRobin, error) {
	if cfg.Blackout == 0 {
		cfg.Blackout = DefaultBlackout
	}
	if cfg.Expiry == 0 {
		cfg.Expiry = DefaultExpiry
	}
	if cfg.Update == 0 {
		cfg.Update = DefaultUpdate
	}
	if cfg.ErrorPenalty == 0 {
		cfg.ErrorPenalty = DefaultErrorPenalty
	}
	cfg.Blackout, cfg.ErrorPenalty = max(cfg.Blackout, 0), max(cfg.ErrorPenalty, 0)
	var errs []error
	if cfg.Expiry < 0 {
		errs = append(errs, fmt.Errorf("weighted_round_robin: expiry is %v; it must be above 0", cfg.Expiry))
	}
	if cfg.Update < minUpdate {
		errs = append(errs, fmt.Errorf("weighted_round_robin: update is %v; it must be %v or more", cfg.Update, minUpdate))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &WeightedRoundRobin{cfg}, nil
}

// Name implements Policy.
func (*WeightedRoundRobin) Name() string { return "weighted_round_robin" }

// Next implements Policy. As with RoundRobin the turn moves on from prev, and starts anywhere.
func (p *WeightedRoundRobin) Next(prev Picker, view View) Picker {
	n := &weighted{cfg: &p.cfg, ready: view.Ready}
	var known map[*Stats]*reported
	if old, ok := prev.(*weighted); ok {
		n.turn, known = old.turn, old.of
	} else {
		n.turn = new(atomic.Uint64)
		n.turn.Store(view.Random >> 1)
	}
	n.weights = make([]float64, len(view.Ready))
	for i, c := range view.Ready {
		n.weights[i] = c.Weight
	}
	if p.cfg.Reports {
		n.of = learnt(known, view, func(*Candidate) *reported { return new(reported) })
		n.follow(view.Now)
		view.Rebuild(p.cfg.Update)
	}
	n.schedule = newSchedule(n.weights)
	return n
}

type weighted struct {
	cfg      *WeightedRoundRobinConfig
	ready    []*Candidate
	weights  []float64
	schedule schedule
	turn     *atomic.Uint64
	of       map[*Stats]*reported // nil without reports
}

// reported is what one endpoint reports.
type reported struct {
	weight number       // 0: nothing yet
	at     atomic.Int64 // of the last report
	first  atomic.Int64 // of the reports since the endpoint began to serve, or since they last expired
}

// Pick implements Picker.
func (p *weighted) Pick(info Info) (*Candidate, error) {
	return info.from(p.ready, int(p.schedule[p.turn.Add(1)%uint64(len(p.schedule))])), nil
}

// Finish implements Finisher.
func (p *weighted) Finish(c *Candidate, o Outcome) {
	r := p.of[c.Stats]
	if r == nil {
		return
	}
	l, ok := loadFrom(o.Trailer)
	if !ok {
		return
	}
	w := l.weight(p.cfg.ErrorPenalty)
	if w == 0 {
		return
	}
	at := r.at.Load()
	if first := time.Duration(r.first.Load()); first <= c.Since || int64(o.Now)-at > int64(p.cfg.Expiry) {
		r.first.Store(int64(o.Now))
	}
	r.weight.store(w)
	r.at.Store(int64(o.Now))
}

// follow multiplies the weights by what is reported.
func (p *weighted) follow(now time.Duration) {
	sum, n := 0.0, 0
	reports := make([]float64, len(p.ready))
	for i, c := range p.ready {
		if w := p.of[c.Stats].valid(p.cfg, c, now); w > 0 {
			reports[i] = w
			sum += w
			n++
		}
	}
	if n < 2 {
		return // one report says nothing about the others
	}
	for i, w := range reports {
		if w == 0 {
			w = sum / float64(n)
		}
		p.weights[i] *= w
	}
}

// valid returns the weight that is reported, when it is to be believed, or 0.
func (r *reported) valid(cfg *WeightedRoundRobinConfig, c *Candidate, now time.Duration) float64 {
	first := time.Duration(r.first.Load())
	if first == 0 || first <= c.Since || now-time.Duration(r.at.Load()) > cfg.Expiry || now-first < cfg.Blackout {
		return 0
	}
	return r.weight.load()
}

// Explain implements Explainer.
func (p *weighted) Explain(c *Candidate) Verdict {
	for i, r := range p.ready {
		if r.Stats == c.Stats {
			return Verdict{Weight: p.weights[i]}
		}
	}
	return Verdict{}
}
