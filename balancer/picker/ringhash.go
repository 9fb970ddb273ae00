// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

const (
	// DefaultPoints is how many points an endpoint of average weight has on the ring.
	DefaultPoints = 128
	// maxPoints bounds the points of one endpoint, and maxRing those of the ring, unless it has
	// more endpoints.
	maxPoints = 4096
	maxRing   = 1 << 20
)

// RingHashConfig are the settings of [RingHash].
type RingHashConfig struct {
	// Points is how many points an endpoint of average weight has on the ring: the more, the more
	// even are the shares; 1 to 4096. 0: DefaultPoints.
	Points int
	// Bound is how many times its share of the calls in flight an endpoint may have; above 1.
	// 0: DefaultBound. Unbounded: as many as come.
	Bound float64
}

// RingHash is the policy that places calls of the same key on the same endpoint, by a ring of hashes
// (gRFC A42): an endpoint that comes or goes moves only the keys that it has. Calls without a key go anywhere. All
// processes that know the same endpoints agree.
type RingHash struct {
	cfg RingHashConfig
}

// NewRingHash checks cfg and returns the policy.
func NewRingHash(cfg RingHashConfig) (*RingHash, error) {
	if cfg.Points == 0 {
		cfg.Points = DefaultPoints
	}
	var errs []error
	if cfg.Points < 1 || cfg.Points > maxPoints {
		errs = append(errs, fmt.Errorf("ring_hash: points is %d; it must be 1 to %d", cfg.Points, maxPoints))
	}
	errs = append(errs, boundDefault("ring_hash", &cfg.Bound))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &RingHash{cfg}, nil
}

// Name implements Policy.
func (*RingHash) Name() string { return "ring_hash" }

// Next implements Policy.
func (p *RingHash) Next(prev Picker, view View) Picker {
	return newBounded(prev, view, p.cfg.Bound, newRing(view.Ready, p.cfg.Points).at)
}

// ring is points with the endpoint that each belongs to, in the order of the points.
type ring struct {
	points []uint64
	of     []uint32
}

func newRing(ready []*Candidate, each int) *ring {
	type point struct {
		hash uint64
		of   uint32
	}
	var all []point
	size := float64(min(each*len(ready), maxRing))
	for i, share := range shares(ready) {
		base := hashOf(ready[i].Endpoint.Key())
		// The first points of an endpoint are the same whatever its weight.
		for k := range max(uint64(math.Round(share*size)), 1) {
			all = append(all, point{mix(base + k), uint32(i)})
		}
	}
	slices.SortFunc(all, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	r := &ring{points: make([]uint64, len(all)), of: make([]uint32, len(all))}
	for i, p := range all {
		r.points[i], r.of[i] = p.hash, p.of
	}
	return r
}

// at returns the endpoint of the first point from hash on.
func (r *ring) at(hash uint64) int {
	i := sort.Search(len(r.points), func(i int) bool { return r.points[i] >= hash })
	if i == len(r.points) {
		i = 0
	}
	return int(r.of[i])
}
