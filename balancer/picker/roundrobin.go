// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "sync/atomic"

// RoundRobin is the policy that gives each ready endpoint its turn. It looks at nothing else:
// neither weight nor load.
type RoundRobin struct{}

// Name implements Policy.
func (RoundRobin) Name() string { return "round_robin" }

// Next implements Policy. The turn moves on from prev, so that frequent changes of the endpoints
// do not favour the first of them; the first picker starts anywhere, so that many processes that
// start together do not all call the same endpoint first.
func (RoundRobin) Next(prev Picker, view View) Picker {
	if p, ok := prev.(*roundRobin); ok {
		return &roundRobin{ready: view.Ready, turn: p.turn}
	}
	turn := new(atomic.Uint64)
	turn.Store(view.Random >> 1)
	return &roundRobin{ready: view.Ready, turn: turn}
}

type roundRobin struct {
	ready []*Candidate
	turn  *atomic.Uint64
}

// Pick implements Picker.
func (p *roundRobin) Pick(info Info) (*Candidate, error) {
	return info.from(p.ready, int(p.turn.Add(1)%uint64(len(p.ready)))), nil //nolint:gosec // less than a length
}
