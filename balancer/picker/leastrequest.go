// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"errors"
	"fmt"
)

// The defaults of policies that compare endpoints.
const (
	// DefaultFullScan is up to how many ready endpoints all are compared. In simulations the full
	// scan halves the tail of two random choices; beyond, it would cost more than a call may.
	DefaultFullScan = 32
	// DefaultChoices is how many random endpoints least request and peak EWMA compare beyond that.
	DefaultChoices = 2
)

// scanLimit is the most endpoints that one pick may look at.
const scanLimit = 1024

// LeastRequestConfig are the settings of [LeastRequest].
type LeastRequestConfig struct {
	// FullScan is up to how many ready endpoints all are compared; 1 to 1024. 0: DefaultFullScan.
	FullScan int
	// Choices is how many random endpoints are compared when there are more; 2 to 1024. 0: DefaultChoices.
	Choices int
}

// LeastRequest is the policy that places a call on the endpoint with the fewest calls in flight
// relative to its weight (after gRFC A48).
type LeastRequest struct {
	cfg LeastRequestConfig
}

// NewLeastRequest checks cfg and returns the policy.
func NewLeastRequest(cfg LeastRequestConfig) (*LeastRequest, error) {
	if err := scanDefaults("least_request", &cfg.FullScan, &cfg.Choices, DefaultChoices); err != nil {
		return nil, err
	}
	return &LeastRequest{cfg}, nil
}

// scanDefaults puts the defaults in force and checks what is compared.
func scanDefaults(policy string, fullScan, choices *int, defaultChoices int) error {
	if *fullScan == 0 {
		*fullScan = DefaultFullScan
	}
	if *choices == 0 {
		*choices = defaultChoices
	}
	var errs []error
	if *fullScan < 1 || *fullScan > scanLimit {
		errs = append(errs, fmt.Errorf("%s: full scan is %d; it must be 1 to %d", policy, *fullScan, scanLimit))
	}
	if *choices < 2 || *choices > scanLimit {
		errs = append(errs, fmt.Errorf("%s: choices is %d; it must be 2 to %d", policy, *choices, scanLimit))
	}
	return errors.Join(errs...)
}

// Name implements Policy.
func (*LeastRequest) Name() string { return "least_request" }

// Next implements Policy.
func (p *LeastRequest) Next(_ Picker, view View) Picker {
	return &leastRequest{ready: view.Ready, sampler: newSampler(len(view.Ready), p.cfg.FullScan, p.cfg.Choices)}
}

type leastRequest struct {
	ready   []*Candidate
	sampler sampler
}

// Pick implements Picker.
func (p *leastRequest) Pick(info Info) (*Candidate, error) {
	w, n := p.sampler.draw(info.Random)
	best := p.ready[w.next()]
	least := float64(best.Stats.InFlight()+1)/best.Weight + info.burden(best)
	for range n - 1 {
		c := p.ready[w.next()]
		if cost := float64(c.Stats.InFlight()+1)/c.Weight + info.burden(c); cost < least {
			best, least = c, cost
		}
	}
	if least >= avoided {
		return info.from(p.ready, w.next()), nil
	}
	return best, nil
}

// sampler says which endpoints a pick compares: all when they are few, else some, in an order that is
// random so that of equals none is preferred.
type sampler struct {
	strider

	size int
}

func newSampler(n, fullScan, choices int) sampler {
	s := sampler{strider: newStrider(n), size: n}
	if n > fullScan {
		s.size = min(choices, n)
	}
	return s
}

// draw returns the order and how many to take of it.
func (s sampler) draw(random uint64) (walk, int) { return s.walk(random), s.size }
