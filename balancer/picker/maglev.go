// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

const (
	// DefaultTable is the size of Maglev's table, a prime, for up to 655 endpoints.
	DefaultTable = 65537
	// slotsEach is how many slots there are at least for an endpoint, or shares become uneven.
	slotsEach = 100
	// maxTable bounds the size that can be set.
	maxTable = 1 << 23
)

// MaglevConfig are the settings of [Maglev].
type MaglevConfig struct {
	// Table is the size of the table, at least 100 times the number of endpoints; all processes that are to
	// agree must have the same; up to 8388608, and raised to the next prime. 0: DefaultTable, or what the endpoints need.
	Table int
	// Bound is how many times its share of the calls in flight an endpoint may have; above 1.
	// 0: DefaultBound. Unbounded: as many as come.
	Bound float64
}

// Maglev is the policy that places calls of the same key on the same endpoint, by a table that the
// endpoints fill in turns (Eisenbud and others, 2016). Compared with RingHash the shares are more even and a pick is
// faster; an endpoint that comes or goes moves a few keys of others besides its own.
type Maglev struct {
	cfg MaglevConfig
}

// NewMaglev checks cfg and returns the policy.
func NewMaglev(cfg MaglevConfig) (*Maglev, error) {
	var errs []error
	if cfg.Table < 0 || cfg.Table > maxTable {
		errs = append(errs, fmt.Errorf("maglev: table is %d; it must be 1 to %d", cfg.Table, maxTable))
	}
	errs = append(errs, boundDefault("maglev", &cfg.Bound))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Maglev{cfg}, nil
}

// Name implements Policy.
func (*Maglev) Name() string { return "maglev" }

// Next implements Policy.
func (p *Maglev) Next(prev Picker, view View) Picker {
	size := p.cfg.Table
	if size == 0 {
		size = DefaultTable
	}
	size = max(size, slotsEach*len(view.Ready))
	for !prime(size) {
		size++
	}
	table := newTable(view.Ready, size)
	return newBounded(prev, view, p.cfg.Bound, func(hash uint64) int { return int(table[hash%uint64(len(table))]) })
}

// newTable returns the endpoint of each slot. Every endpoint has an order of the slots of its own; in turns each takes the
// next one of its order that is free. One of half the weight has every other turn.
func newTable(ready []*Candidate, size int) []uint32 {
	n := uint64(size)
	type order struct {
		of              int
		at, step, taken uint64
		weight          float64
	}
	orders := make([]order, len(ready))
	heaviest := 0.0
	for i, c := range ready {
		h := hashOf(c.Endpoint.Key())
		orders[i] = order{of: i, at: h % n, step: 1 + mix(h)%(n-1), weight: c.Weight}
		heaviest = max(heaviest, c.Weight)
	}
	// Who is first makes a difference, and every process hears of the endpoints in another order.
	slices.SortFunc(orders, func(a, b order) int {
		return cmp.Compare(ready[a.of].Endpoint.Key(), ready[b.of].Endpoint.Key())
	})
	const free = ^uint32(0)
	table := make([]uint32, size)
	for i := range table {
		table[i] = free
	}
	for left, round := size, 1.0; ; round++ {
		for i := range orders {
			o := &orders[i]
			if float64(o.taken) >= round*o.weight/heaviest && o.taken > 0 {
				continue
			}
			for table[o.at] != free {
				o.at = (o.at + o.step) % n
			}
			table[o.at] = uint32(o.of)
			o.taken++
			if left--; left == 0 {
				return table
			}
		}
	}
}
