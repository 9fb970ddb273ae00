// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package resolvertest provides the contract that every source of endpoints passes, and the fakes to
// test one with: a gRPC client that records what it is told, and a DNS server.
package resolvertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// patience is how long the contract waits for what must happen.
const patience = 10 * time.Second

// Fixture is a source and the place that it reads.
type Fixture struct {
	// Source is the source under test, over a place that holds Addresses.
	Source resolver.Source
	// Addresses are the endpoints' preferred addresses that the source must answer with.
	Addresses []string
	// Set changes what the place holds and returns the addresses that the source must answer with
	// from then on; different ones each time. nil for a source that cannot change.
	Set func(tb testing.TB) []string
	// Break makes the place fail, until Set is called. nil for a source that cannot fail.
	Break func(tb testing.TB)
}

// Run holds a source to the contract; each clause is a subtest with a fixture of its own.
func Run(t *testing.T, open func(tb testing.TB) Fixture) {
	t.Helper()
	t.Run("answers with what is there", func(t *testing.T) {
		f := open(t)
		cc, r := start(t, f.Source)
		defer r.Close()
		cc.WaitFor(t, f.Addresses)
	})
	t.Run("gives complete endpoints", func(t *testing.T) {
		f := open(t)
		cc, r := start(t, f.Source)
		defer r.Close()
		cc.WaitFor(t, f.Addresses)
		for _, g := range cc.Endpoints() {
			if e := endpoint.FromGRPC(g); e.Weight() == 0 || e.Key() == "" {
				t.Errorf("endpoint %v has weight %d", e, e.Weight())
			}
		}
	})
	t.Run("follows changes", func(t *testing.T) {
		f := open(t)
		if f.Set == nil {
			return
		}
		cc, r := start(t, f.Source)
		defer r.Close()
		cc.WaitFor(t, f.Addresses)
		for range 3 {
			cc.WaitFor(t, f.Set(t))
		}
	})
	t.Run("keeps the last good answer while the place fails", func(t *testing.T) {
		f := open(t)
		if f.Break == nil {
			return
		}
		cc, r := start(t, f.Source)
		defer r.Close()
		cc.WaitFor(t, f.Addresses)
		f.Break(t)
		cc.WaitForFailure(t)
		if got := cc.Addresses(); !slices.Equal(got, sorted(f.Addresses)) {
			t.Errorf("while the place failed the endpoints became %v, want still %v", got, f.Addresses)
		}
		cc.WaitFor(t, f.Set(t))
	})
	t.Run("stops when it is told to", func(t *testing.T) {
		f := open(t)
		cc, r := start(t, f.Source)
		cc.WaitFor(t, f.Addresses)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			r.Close()
		}()
		within(t, closed, "Close")
	})
	t.Run("does not answer to a context that is done", func(t *testing.T) {
		f := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		returned := make(chan struct{})
		go func() {
			defer close(returned)
			if l := f.Source.Lookup; l != nil {
				if got, err := l.Lookup(ctx); err == nil {
					t.Errorf("Lookup = %v, want an error", got)
				}
				return
			}
			if err := f.Source.Watch.Watch(ctx, func([]endpoint.Endpoint, error) {}); !errors.Is(err, context.Canceled) {
				t.Errorf("Watch = %v, want that the context was cancelled", err)
			}
		}()
		within(t, returned, "the source")
	})
}

func within(tb testing.TB, done <-chan struct{}, what string) {
	tb.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		tb.Errorf("%s did not return within %v", what, patience)
	}
}

// start runs a source with intervals that a test can wait for.
func start(tb testing.TB, s resolver.Source) (*ClientConn, grpcresolver.Resolver) {
	tb.Helper()
	cc := NewClientConn()
	b, err := resolver.NewBuilder(resolver.Config{
		Source: s, Interval: 20 * time.Millisecond, MinInterval: 5 * time.Millisecond,
		Timeout: 200 * time.Millisecond, Coalesce: time.Millisecond, Observe: cc.Observe,
	})
	if err != nil {
		tb.Fatal(err)
	}
	r, err := b.Build(grpcresolver.Target{}, cc, grpcresolver.BuildOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return cc, r
}
