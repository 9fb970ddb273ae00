// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// The defaults of SlowStart.
const (
	// DefaultWindow is for how long a new endpoint's weight ramps up.
	DefaultWindow = 10 * time.Second
	// DefaultLeastWeight is the part of its weight that an endpoint begins with.
	DefaultLeastWeight = 0.1
	// DefaultAggression is a ramp that is straight.
	DefaultAggression = 1.0
)

// rampSteps is in how many steps a weight ramps up.
const rampSteps = 20

// SlowStartConfig are the settings of [SlowStart]. Policy is required.
type SlowStartConfig struct {
	// Policy places the calls, and looks at weights.
	Policy Policy
	// Window is for how long a weight ramps up; at least 100 ms. 0: DefaultWindow.
	Window time.Duration
	// LeastWeight is the part of its weight that an endpoint begins with; above 0, at most 1. 0: DefaultLeastWeight.
	LeastWeight float64
	// Aggression bends the ramp: after a part t of the window the weight is t to the power of 1/Aggression. Above one
	// it rises faster at first. Above 0. 0: DefaultAggression.
	Aggression float64
}

// SlowStart is the wrapper that gives an endpoint which begins to serve less than its weight at first, so that
// it can warm up: never nothing, and all of it after the window. For policies that heed weights; others
// do not notice.
type SlowStart struct {
	cfg SlowStartConfig
}

// NewSlowStart checks cfg and returns the policy.
func NewSlowStart(cfg SlowStartConfig) (*SlowStart, error) {
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.LeastWeight == 0 {
		cfg.LeastWeight = DefaultLeastWeight
	}
	if cfg.Aggression == 0 {
		cfg.Aggression = DefaultAggression
	}
	var errs []error
	if cfg.Policy == nil {
		errs = append(errs, errNoPolicy("slow start"))
	}
	const least = 100 * time.Millisecond
	if cfg.Window < least {
		errs = append(errs, fmt.Errorf("slow start: window is %v; it must be %v or more", cfg.Window, least))
	}
	if !(cfg.LeastWeight > 0 && cfg.LeastWeight <= 1) {
		errs = append(errs, fmt.Errorf("slow start: least weight is %v; it must be above 0 and at most 1", cfg.LeastWeight))
	}
	if !(cfg.Aggression > 0) {
		errs = append(errs, fmt.Errorf("slow start: aggression is %v; it must be above 0", cfg.Aggression))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &SlowStart{cfg}, nil
}

// Name implements Policy: it is that of the policy within.
func (p *SlowStart) Name() string { return p.cfg.Policy.Name() }

// Next implements Policy.
func (p *SlowStart) Next(prev Picker, view View) Picker {
	if old, ok := prev.(*ramping); ok {
		prev = old.Picker
	}
	ramp := make(map[*Stats]float64)
	ready := make([]*Candidate, len(view.Ready))
	for i, c := range view.Ready {
		ready[i] = c
		if part := p.part(view.Now - c.Since); part < 1 {
			slow := *c
			slow.Weight *= part
			ramp[c.Stats] = part
			ready[i] = &slow
		}
	}
	if len(ramp) == 0 {
		return p.cfg.Policy.Next(prev, view)
	}
	view.Ready = ready
	view.Rebuild(p.cfg.Window / rampSteps)
	return &ramping{Within: NewWithin(p.cfg.Policy.Next(prev, view)), ramp: ramp}
}

// part returns which part of its weight an endpoint has at an age.
func (p *SlowStart) part(age time.Duration) float64 {
	if age >= p.cfg.Window {
		return 1
	}
	t := float64(max(age, 0)) / float64(p.cfg.Window)
	return max(math.Pow(t, 1/p.cfg.Aggression), p.cfg.LeastWeight)
}

// ramping is the picker while a weight ramps up.
type ramping struct {
	Within

	ramp map[*Stats]float64
}

// Explain implements Explainer.
func (p *ramping) Explain(c *Candidate) Verdict {
	v := p.Within.Explain(c)
	part, ok := p.ramp[c.Stats]
	if !ok {
		return v
	}
	if v.Weight == 0 {
		v.Weight = c.Weight * part
	}
	if v.Reason == "" {
		v.Reason = fmt.Sprintf("slow start: %.0f%% of its weight", part*100)
	}
	return v
}
