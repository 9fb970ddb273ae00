// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// oracle is the policy that knows every queue and every speed, of all gateways' calls, at the moment: as good as
// can be without knowing how long each call will take.
type oracle struct {
	w *world
}

// Name implements picker.Policy.
func (oracle) Name() string { return "oracle" }

// Next implements picker.Policy.
func (o oracle) Next(_ picker.Picker, v picker.View) picker.Picker { return seer{o.w, v.Ready} }

type seer struct {
	w     *world
	ready []*picker.Candidate
}

// Pick implements picker.Picker: the call goes where it is expected to end first.
func (p seer) Pick(info picker.Info) (*picker.Candidate, error) {
	best, least := p.ready[0], math.Inf(1)
	start := int(info.Random % uint64(len(p.ready)))
	for i := range p.ready {
		c := p.ready[(start+i)%len(p.ready)]
		s := p.w.serverOf(c)
		if s.failing {
			continue
		}
		ahead := max(float64(s.pending-workers+1), 0) / workers
		if cost := (1 + ahead) / s.speed; cost < least {
			best, least = c, cost
		}
	}
	return best, nil
}
