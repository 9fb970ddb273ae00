// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "errors"

// StickyConfig are the settings of [Sticky]. Both are required.
type StickyConfig struct {
	// Keyed places the calls that have a key: RingHash or Maglev.
	Keyed Policy
	// Policy places the others.
	Policy Policy
}

// Sticky is the wrapper that keeps calls of the same key together, as its policy for keys does, while calls without a
// key go where they are served best.
type Sticky struct {
	cfg StickyConfig
}

// NewSticky checks cfg and returns the policy.
func NewSticky(cfg StickyConfig) (*Sticky, error) {
	var errs []error
	if cfg.Keyed == nil {
		errs = append(errs, errors.New("sticky: keyed is nil; it must be the policy for calls that have a key"))
	}
	if cfg.Policy == nil {
		errs = append(errs, errNoPolicy("sticky"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Sticky{cfg}, nil
}

// Name implements Policy: it is that of the policy for calls without a key.
func (p *Sticky) Name() string { return p.cfg.Policy.Name() }

// Next implements Policy.
func (p *Sticky) Next(prev Picker, view View) Picker {
	var keyed, rest Picker
	if old, ok := prev.(*sticky); ok {
		keyed, rest = old.keyed.Picker, old.Picker
	}
	return &sticky{Within: NewWithin(p.cfg.Policy.Next(rest, view)), keyed: NewWithin(p.cfg.Keyed.Next(keyed, view))}
}

type sticky struct {
	Within

	keyed Within
}

// Pick implements Picker.
func (p *sticky) Pick(info Info) (*Candidate, error) {
	if hasKey(info.Call) {
		return p.keyed.Pick(info)
	}
	return p.Picker.Pick(info)
}

// Finish implements Finisher.
func (p *sticky) Finish(c *Candidate, o Outcome) {
	if hasKey(o.Call) {
		p.keyed.Finish(c, o)
		return
	}
	p.Within.Finish(c, o)
}

func hasKey(c *Call) bool { return c != nil && c.Key != "" }
