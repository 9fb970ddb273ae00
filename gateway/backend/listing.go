// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"slices"
	"sync"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// listing is the endpoints that a configuration lists. A later one may list others: those that both have keep their connections.
type listing struct {
	unnamed bool // the endpoints have one name, which the backend's TLS says

	mu      sync.Mutex
	current []endpoint.Endpoint // guarded by mu
	changed chan struct{}       // closed and replaced when current changes; guarded by mu
}

var _ resolver.Watcher = (*listing)(nil)

// newListing returns the source of some endpoints, and what replaces them.
func newListing(name string, endpoints []endpoint.Endpoint, t *TLS) (resolver.Source, *listing, error) {
	s, err := resolver.FromEndpoints(name, endpoints)
	if err != nil {
		return s, nil, err
	}
	l := &listing{unnamed: t != nil && t.ServerName != "", changed: make(chan struct{})}
	l.current = l.named(endpoints)
	s.Watch, s.Authority = l, ""
	return s, l, nil
}

// named returns the endpoints, each with its own address as the name that it answers by: that of one must not depend on who else is
// listed.
func (l *listing) named(endpoints []endpoint.Endpoint) []endpoint.Endpoint {
	if l.unnamed {
		return endpoints
	}
	all := slices.Clone(endpoints)
	for i, e := range all {
		network, address := endpoint.Dialable(e.Address())
		if e.ServerName() != "" || network != "tcp" {
			continue
		}
		own, err := endpoint.New(endpoint.Spec{
			Addresses: e.Addresses(), Weight: e.Weight(), Zone: e.Zone(), Priority: e.Priority(), Labels: e.Labels(), ServerName: address,
		})
		if err == nil { // it is an endpoint already: nothing can be wrong
			all[i] = own
		}
	}
	return all
}

// set replaces the endpoints.
func (l *listing) set(endpoints []endpoint.Endpoint) {
	endpoints = l.named(endpoints)
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.EqualFunc(l.current, endpoints, endpoint.Endpoint.Equal) {
		return
	}
	l.current = endpoints
	close(l.changed)
	l.changed = make(chan struct{})
}

// Watch implements resolver.Watcher.
func (l *listing) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	for {
		l.mu.Lock()
		current, changed := l.current, l.changed
		l.mu.Unlock()
		update(current, nil)
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
