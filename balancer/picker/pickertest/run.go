// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package pickertest provides the contract that every policy passes, and a benchmark of picks.
package pickertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// Traits are what a policy promises beyond the contract.
type Traits struct {
	// Spread is how far an endpoint's share of calls without a key may be from an even one, as a
	// part of it: 0.1 is ten percent, over ten thousand picks per endpoint with nothing in
	// flight. 0: the policy promises no evenness.
	Spread float64
	// Sticky says that the policy may leave endpoints without a call when every call is alike.
	Sticky bool
}

// Run holds policy to the contract; each clause is a subtest. It counts allocations, so the
// calling test must not be parallel.
func Run(t *testing.T, policy picker.Policy, traits Traits) {
	t.Helper()
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(policy, traits); err != nil {
				t.Error(err)
			}
		})
	}
}

// NewView returns a view of n ready endpoints, with weight 1 and addresses of their own.
func NewView(tb testing.TB, n int) picker.View {
	tb.Helper()
	v, err := newView(n)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func newView(n int) (picker.View, error) {
	candidates := make([]*picker.Candidate, n)
	for i := range candidates {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{fmt.Sprintf("10.0.%d.%d:50051", i/250, i%250+1)}})
		if err != nil {
			return picker.View{}, err
		}
		candidates[i] = &picker.Candidate{Endpoint: e, Stats: new(picker.Stats), Weight: 1}
	}
	return viewOf(candidates), nil
}

func viewOf(candidates []*picker.Candidate) picker.View {
	return picker.View{Ready: candidates, All: candidates, Random: rand.Uint64(), Rebuild: func(time.Duration) {}}
}
