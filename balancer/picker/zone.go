// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"errors"
	"fmt"
)

// ZoneConfig are the settings of [Zone]. Policy and Local are required.
type ZoneConfig struct {
	// Policy places the calls within the zone, and those that leave it.
	Policy Policy
	// Local is the zone that this process runs in.
	Local string
	// Share is the part of all calls that begins in this zone, when the endpoints' callers are not spread
	// evenly; above 0, at most 1. 0: one of as many equal parts as the endpoints have zones.
	Share float64
	// Headroom is how many times the load of an average endpoint those of the zone may have before calls leave
	// the zone; 1 or more. 0: DefaultHeadroom.
	Headroom float64
}

// Zone is the wrapper that keeps calls in this process's zone while its endpoints can carry them. When they are too
// few for what begins here, the rest of the calls goes to the endpoints of the other zones, in proportion to
// their weights as far as the policy within heeds these. Endpoints whose zone is not known count as others'.
type Zone struct {
	cfg ZoneConfig
}

// NewZone checks cfg and returns the policy.
func NewZone(cfg ZoneConfig) (*Zone, error) {
	var errs []error
	if cfg.Policy == nil {
		errs = append(errs, errNoPolicy("zone"))
	}
	if cfg.Local == "" {
		errs = append(errs, errors.New("zone: local is empty; it must name the zone that this process runs in"))
	}
	if !(cfg.Share >= 0 && cfg.Share <= 1) {
		errs = append(errs, fmt.Errorf("zone: share is %v; it must be above 0 and at most 1", cfg.Share))
	}
	errs = append(errs, headroomDefault("zone", &cfg.Headroom))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Zone{cfg}, nil
}

// Name implements Policy: it is that of the policy within.
func (p *Zone) Name() string { return p.cfg.Policy.Name() }

// The groups of Zone.
const (
	localZone = iota
	otherZones
)

// Next implements Policy.
func (p *Zone) Next(prev Picker, view View) Picker {
	begins := p.cfg.Share
	if begins == 0 {
		begins = 1 / float64(zones(view.All))
	}
	return newGrouped(prev, view, p.cfg.Policy, p.group, func(groups []member) []float64 {
		ready := 0.0
		for _, m := range groups {
			ready += m.ready
		}
		shares, left := make([]float64, len(groups)), 1.0
		for i, m := range groups {
			shares[i] = left
			if m.number == localZone {
				shares[i] = min(1, p.cfg.Headroom*m.ready/ready/begins)
			}
			left -= shares[i]
		}
		return shares
	})
}

func (p *Zone) group(c *Candidate) int {
	if c.Endpoint.Zone() == p.cfg.Local {
		return localZone
	}
	return otherZones
}

// zones returns how many zones endpoints have, at least one.
func zones(cs []*Candidate) int {
	known := map[string]bool{}
	for _, c := range cs {
		if z := c.Endpoint.Zone(); z != "" {
			known[z] = true
		}
	}
	return max(len(known), 1)
}
