// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "fmt"

// PriorityConfig are the settings of [Priority]. Policy is required.
type PriorityConfig struct {
	// Policy places the calls within each priority.
	Policy Policy
	// Headroom is how many times its share of the load a priority is trusted to carry; 1 or more. With 1.4, a
	// priority of which half are healthy gets 70 % of the calls. 0: DefaultHeadroom.
	Headroom float64
}

// Priority is the wrapper that uses endpoints of priority 0 first. When too few of them are healthy to carry the load, the
// rest of the calls goes to the next priority, and so on; when all together are too few, each gets its
// part.
type Priority struct {
	cfg PriorityConfig
}

// NewPriority checks cfg and returns the policy.
func NewPriority(cfg PriorityConfig) (*Priority, error) {
	if cfg.Policy == nil {
		return nil, errNoPolicy("priority")
	}
	if err := headroomDefault("priority", &cfg.Headroom); err != nil {
		return nil, err
	}
	return &Priority{cfg}, nil
}

func headroomDefault(wrapper string, headroom *float64) error {
	if *headroom == 0 {
		*headroom = DefaultHeadroom
	}
	if !(*headroom >= 1) {
		return fmt.Errorf("%s: headroom is %v; it must be 1 or more", wrapper, *headroom)
	}
	return nil
}

// Name implements Policy: it is that of the policy within.
func (p *Priority) Name() string { return p.cfg.Policy.Name() }

// Next implements Policy.
func (p *Priority) Next(prev Picker, view View) Picker {
	return newGrouped(prev, view, p.cfg.Policy, priorityOf, func(levels []member) []float64 {
		shares, left := make([]float64, len(levels)), 1.0
		for i, m := range levels {
			shares[i] = min(left, p.cfg.Headroom*m.ready/m.all)
			left -= shares[i]
		}
		return shares
	})
}

func priorityOf(c *Candidate) int { return c.Endpoint.Priority() }
