// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// SubsetConfig says which part of the endpoints a process uses. Both are required.
type SubsetConfig struct {
	// ID names this process among those that use the same endpoints, and should stay the same when it
	// restarts: a host's or a pod's name.
	ID string
	// Size is how many endpoints it uses; at least 1.
	Size int
}

// Subset returns a source with a part of another's endpoints: so that a thousand processes do not each keep a connection to a
// thousand instances. By rendezvous hashing (as gRFC A68 after it) every process has a part of its own, all endpoints are used by
// about as many, and one that comes or goes changes one place of those that have it. It narrows the source and not the view of a
// policy, for what a policy leaves out is connected all the same.
func Subset(s Source, cfg SubsetConfig) (Source, error) {
	var errs []error
	if cfg.ID == "" {
		errs = append(errs, errors.New("subset: id is empty; it must name this process among its like"))
	}
	if cfg.Size < 1 {
		errs = append(errs, fmt.Errorf("subset: size is %d; it must be 1 or more", cfg.Size))
	}
	if err := errors.Join(errs...); err != nil {
		return Source{}, err
	}
	part := subset{cfg}
	s.Name = fmt.Sprintf("%s, %d of them", s.Name, cfg.Size)
	if s.Lookup != nil {
		s.Lookup = partLookup{s.Lookup, part}
	}
	if s.Watch != nil {
		s.Watch = partWatch{s.Watch, part}
	}
	return s, nil
}

type subset struct {
	cfg SubsetConfig
}

// of returns the part of a list that this process uses.
func (s subset) of(all []endpoint.Endpoint) []endpoint.Endpoint {
	if len(all) <= s.cfg.Size {
		return all
	}
	type ranked struct {
		e    endpoint.Endpoint
		rank uint64
	}
	by := make([]ranked, len(all))
	for i, e := range all {
		by[i] = ranked{e, rank(s.cfg.ID, e.Key())}
	}
	slices.SortFunc(by, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.e.Key(), b.e.Key()))
	})
	out := make([]endpoint.Endpoint, s.cfg.Size)
	for i := range out {
		out[i] = by[i].e
	}
	return out
}

// rank returns how much a process prefers an endpoint: FNV-1a of both names, mixed as SplitMix64 does.
func rank(id, key string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{id, "\x00", key} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

type partLookup struct {
	Lookuper

	part subset
}

// Lookup implements Lookuper.
func (p partLookup) Lookup(ctx context.Context) ([]endpoint.Endpoint, error) {
	all, err := p.Lookuper.Lookup(ctx)
	return p.part.of(all), err
}

type partWatch struct {
	Watcher

	part subset
}

// Watch implements Watcher.
func (p partWatch) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	return p.Watcher.Watch(ctx, func(all []endpoint.Endpoint, err error) { update(p.part.of(all), err) })
}
