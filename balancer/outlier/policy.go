// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package outlier

import "github.com/dragoman-gateway/dragoman/balancer/picker"

// Policy is the wrapper.
type Policy struct {
	cfg    Config
	within picker.Policy // keeps calls from what is ejected, unless too much is
}

// New checks cfg and returns the policy.
func New(cfg Config) (*Policy, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	within, err := picker.NewPanic(picker.PanicConfig{Policy: cfg.Policy, Threshold: 1 - cfg.MaxOut})
	if err != nil {
		return nil, err
	}
	return &Policy{cfg, within}, nil
}

// Name implements picker.Policy: it is that of the policy within.
func (p *Policy) Name() string { return p.cfg.Policy.Name() }

// Next implements picker.Policy.
func (p *Policy) Next(prev picker.Picker, view picker.View) picker.Picker {
	n := &guarded{consecutive: int64(p.cfg.Consecutive)}
	if old, ok := prev.(*guarded); ok {
		n.ward, prev = old.ward, old.Picker
	} else {
		n.ward = newWard(view.Now)
	}
	n.records = n.ward.see(&p.cfg, view)
	view.Ready = n.marked(view.Ready)
	n.Within = picker.NewWithin(p.within.Next(prev, view))
	return n
}

// guarded is the picker.
type guarded struct {
	picker.Within

	ward        *ward
	records     map[*picker.Stats]*record
	consecutive int64
}

// marked returns the candidates, those marked that are out, and those as new that have come back.
func (g *guarded) marked(ready []*picker.Candidate) []*picker.Candidate {
	g.ward.mu.Lock()
	defer g.ward.mu.Unlock()
	out := make([]*picker.Candidate, len(ready))
	for i, c := range ready {
		r := g.records[c.Stats]
		if r.out.Load() && c.Unhealthy == "" {
			marked := *c
			marked.Unhealthy = "ejected: " + r.reason
			c = &marked
		} else if r.returned > c.Since {
			marked := *c
			marked.Since = r.returned
			c = &marked
		}
		out[i] = c
	}
	return out
}

// Pick implements picker.Picker. Every call that is no stream may be a trial: a stream could take hours to tell. A call that has
// failed already is not put at risk again.
func (g *guarded) Pick(info picker.Info) (*picker.Candidate, error) {
	if info.Call == nil || !info.Call.Streaming && info.Call.Tried() == 0 {
		if c := g.ward.try(info.Now); c != nil {
			return c, nil
		}
	}
	return g.Picker.Pick(info)
}

// Finish implements picker.Finisher.
func (g *guarded) Finish(c *picker.Candidate, o picker.Outcome) {
	r := g.records[c.Stats]
	if r == nil {
		g.Within.Finish(c, o)
		return
	}
	if r.trying.Load() > 0 && g.ward.tried(r, &o) {
		return // the picker within has not placed it
	}
	g.Within.Finish(c, o)
	if r.out.Load() {
		return // from before it was
	}
	switch o.Result {
	case picker.Neither:
		return
	case picker.Success:
		if r.inRow.Load() != 0 {
			r.inRow.Store(0)
		}
		g.ward.success(o.Now)
	case picker.Failure:
		switch n := r.fail(o.Now); {
		case g.consecutive != Off && n >= g.consecutive:
			g.ward.failed(r, o.Now, n)
		case n == 1:
			g.ward.watch()
		}
	}
	r.count(&o)
}

// Explain implements picker.Explainer.
func (g *guarded) Explain(c *picker.Candidate) picker.Verdict {
	v := g.Within.Explain(c)
	r := g.records[c.Stats]
	if r == nil {
		return v
	}
	g.ward.mu.Lock()
	defer g.ward.mu.Unlock()
	if r.out.Load() {
		v.Since, v.Until = r.since, r.until
		if v.Reason == "" {
			v.Out, v.Reason = true, "ejected: "+r.reason
		}
	}
	return v
}
