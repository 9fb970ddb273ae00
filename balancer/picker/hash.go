// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"fmt"
	"math"
	"sync/atomic"
)

// DefaultBound is how many times its share of the calls in flight an endpoint may have before further ones of its
// keys go elsewhere.
const DefaultBound = 1.25

// attempts is how many places of a key are looked at before any endpoint will do that has room.
const attempts = 16

// hashOf returns a hash of s that is the same in every process: FNV-1a, mixed, for its low bits are good and its
// high ones are not.
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// keyHash returns the hash of a call's key; of a call that has none, any.
func keyHash(info *Info) uint64 {
	if info.Call == nil || info.Call.Key == "" {
		return info.Random
	}
	return hashOf(info.Call.Key)
}

// boundDefault puts the default in force and checks it.
func boundDefault(policy string, bound *float64) error {
	if *bound == 0 {
		*bound = DefaultBound
	}
	if *bound == Unbounded {
		*bound = math.Inf(1)
	}
	if !(*bound > 1) {
		return fmt.Errorf("%s: bound is %v; it must be above 1, or unbounded", policy, *bound)
	}
	return nil
}

// Unbounded as a Bound lets every call of a key go to its endpoint, whatever the load there.
const Unbounded = -1

// bounded is a table that says which endpoint a hash leads to, with consistent hashing under a bound on the
// load of each (Mirrokni, Thorup and Zadimoghaddam): an endpoint has at most bound times its share of the
// calls in flight. A call that finds its own endpoint full goes where its hash, hashed again, leads, which is the
// same for all calls of its key.
type bounded struct {
	ready []*Candidate
	place func(hash uint64) int // position in ready

	factor float64
	total  *atomic.Int64 // calls in flight that such pickers have placed
	of     map[*Stats]*held
	held   []*held   // beside ready
	share  []float64 // beside ready; their sum is 1
}

// held is how many calls in flight one endpoint has of them.
type held struct {
	calls atomic.Int64
	_     [56]byte // a cache line of its own
}

// newBounded returns the picker that takes over from prev.
func newBounded(prev Picker, view View, factor float64, place func(hash uint64) int) *bounded {
	n := &bounded{ready: view.Ready, place: place, factor: factor}
	var known map[*Stats]*held
	if old, ok := prev.(*bounded); ok {
		n.total, known = old.total, old.of
	} else {
		n.total = new(atomic.Int64)
	}
	n.of = learnt(known, view, func(*Candidate) *held { return new(held) })
	n.held = make([]*held, len(view.Ready))
	n.share = shares(view.Ready)
	for i, c := range view.Ready {
		n.held[i] = n.of[c.Stats]
	}
	return n
}

// shares returns the weights in parts of their sum.
func shares(ready []*Candidate) []float64 {
	sum := 0.0
	for _, c := range ready {
		sum += c.Weight
	}
	out := make([]float64, len(ready))
	for i, c := range ready {
		out[i] = c.Weight / sum
	}
	return out
}

// Pick implements Picker.
func (p *bounded) Pick(info Info) (*Candidate, error) {
	i := p.find(&info)
	p.total.Add(1)
	p.held[i].calls.Add(1)
	return p.ready[i], nil
}

func (p *bounded) find(info *Info) int {
	hash := keyHash(info)
	own := p.place(hash)
	all := p.factor * float64(p.total.Load()+1)
	if p.room(own, all, info) {
		return own
	}
	for range attempts {
		hash = mix(hash)
		if i := p.place(hash); p.room(i, all, info) {
			return i
		}
	}
	// Nearly all are full. One has room, for the bound is above one, unless the call avoids it.
	from := below(info.Random, len(p.ready))
	other := own
	for k := range p.ready {
		i := (from + k) % len(p.ready)
		if p.room(i, all, info) {
			return i
		}
		if !info.Avoids(p.ready[i]) {
			other = i
		}
	}
	return other
}

// room says whether an endpoint may have one more call.
func (p *bounded) room(i int, all float64, info *Info) bool {
	return !info.Avoids(p.ready[i]) && float64(p.held[i].calls.Load()) < math.Ceil(all*p.share[i])
}

// Finish implements Finisher.
func (p *bounded) Finish(c *Candidate, _ Outcome) {
	p.total.Add(-1)
	if h := p.of[c.Stats]; h != nil {
		h.calls.Add(-1)
	}
}
