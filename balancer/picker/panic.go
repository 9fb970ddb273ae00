// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "fmt"

// DefaultPanicThreshold is the share of healthy endpoints below which Panic uses all.
const DefaultPanicThreshold = 0.5

// PanicConfig are the settings of [Panic]. Policy is required.
type PanicConfig struct {
	// Policy places the calls on the endpoints that are left.
	Policy Policy
	// Threshold is the share of healthy endpoints, of all that calls may go to, below which health
	// is ignored; above 0, at most 1. 0: DefaultPanicThreshold.
	Threshold float64
}

// Panic is the wrapper that keeps calls from unhealthy endpoints, unless so few are healthy that they
// could not carry the load: then what says that the others are unhealthy is more likely wrong, or a few
// calls that succeed there are better than an overload of the rest. It uses all that can take a call
// then, and says so of each.
type Panic struct {
	cfg PanicConfig
}

// NewPanic checks cfg and returns the policy.
func NewPanic(cfg PanicConfig) (*Panic, error) {
	if cfg.Threshold == 0 {
		cfg.Threshold = DefaultPanicThreshold
	}
	if cfg.Policy == nil {
		return nil, errNoPolicy("panic")
	}
	if !(cfg.Threshold > 0 && cfg.Threshold <= 1) {
		return nil, fmt.Errorf("panic: threshold is %v; it must be above 0 and at most 1", cfg.Threshold)
	}
	return &Panic{cfg}, nil
}

// errNoPolicy refuses a wrapper around nothing.
func errNoPolicy(wrapper string) error {
	return fmt.Errorf("%s: policy is nil; it must be the policy to wrap", wrapper)
}

// Name implements Policy.
func (p *Panic) Name() string { return p.cfg.Policy.Name() }

// Next implements Policy. While all is well the picker is that of the policy within, so that the
// wrapper costs a call nothing.
func (p *Panic) Next(prev Picker, view View) Picker {
	if old, ok := prev.(*panicking); ok {
		prev = old.Picker
	}
	healthy := make([]*Candidate, 0, len(view.Ready))
	for _, c := range view.Ready {
		if c.Unhealthy == "" {
			healthy = append(healthy, c)
		}
	}
	if len(healthy) == len(view.Ready) {
		return p.cfg.Policy.Next(prev, view)
	}
	if n := float64(len(healthy)); n > 0 && n >= p.cfg.Threshold*float64(len(view.All)) {
		view.Ready = healthy
		return p.cfg.Policy.Next(prev, view)
	}
	return &panicking{
		Within: NewWithin(p.cfg.Policy.Next(prev, view)),
		why:    fmt.Sprintf("used all the same: %d of %d are healthy", len(healthy), len(view.All)),
		ready:  view.Ready,
	}
}

// panicking is the picker while too few are healthy.
type panicking struct {
	Within

	why   string
	ready []*Candidate
}

// Explain implements Explainer.
func (p *panicking) Explain(c *Candidate) Verdict {
	for _, r := range p.ready {
		if r.Stats == c.Stats && r.Unhealthy != "" {
			v := p.Within.Explain(c)
			v.Out, v.Reason = false, r.Unhealthy+"; "+p.why
			return v
		}
	}
	return p.Within.Explain(c)
}
