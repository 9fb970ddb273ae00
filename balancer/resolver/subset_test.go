// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func subsetOf(tb testing.TB, s resolver.Source, id string, size int) resolver.Source {
	tb.Helper()
	s, err := resolver.Subset(s, resolver.SubsetConfig{ID: id, Size: size})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// part returns which of these endpoints a process uses.
func part(tb testing.TB, id string, size int, all []endpoint.Endpoint) []string {
	tb.Helper()
	s := subsetOf(tb, resolver.Source{Lookup: &script{list: all}}, id, size)
	got, err := s.Lookup.Lookup(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, e := range got {
		out = append(out, e.Address())
	}
	slices.Sort(out)
	return out
}

func many(tb testing.TB, n int) []endpoint.Endpoint {
	tb.Helper()
	var all []endpoint.Endpoint
	for i := range n {
		all = append(all, at(tb, fmt.Sprintf("10.0.%d.%d:1", i/250, i%250+1)))
	}
	return all
}

func TestSubset(t *testing.T) {
	t.Parallel()
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		all := many(tb, 30)
		s, err := resolver.FromEndpoints("many", all)
		if err != nil {
			tb.Fatal(err)
		}
		return resolvertest.Fixture{Source: subsetOf(tb, s, "p1", 5), Addresses: part(tb, "p1", 5, all)}
	})
}

// Every endpoint is used by about as many processes, the same process has the same ones whatever their order, and one that
// goes changes one place of those that had it.
func TestSubsetsAreEvenAndStable(t *testing.T) {
	t.Parallel()
	all := many(t, 50)
	other := slices.Clone(all)
	slices.Reverse(other)
	without := slices.Delete(slices.Clone(all), 20, 21)
	users := map[string]int{}
	for p := range 500 {
		id := fmt.Sprint("gateway-", p)
		mine := part(t, id, 10, all)
		if len(mine) != 10 || !slices.Equal(mine, part(t, id, 10, other)) {
			t.Fatalf("%s uses %v, then %v", id, mine, part(t, id, 10, other))
		}
		lost := 0
		for _, a := range mine {
			users[a]++
			if !slices.Contains(part(t, id, 10, without), a) {
				lost++
			}
		}
		if had := slices.Contains(mine, all[20].Address()); (lost > 0) != had || lost > 1 {
			t.Fatalf("%s lost %d places by one endpoint, which it had: %v", id, lost, had)
		}
	}
	for _, e := range all {
		if n := users[e.Address()]; n < 65 || n > 140 {
			t.Errorf("%v is used by %d of 500 processes, want about 100", e, n)
		}
	}
	if got := part(t, "x", 60, all); len(got) != 50 {
		t.Errorf("of 50 endpoints 60 are %d", len(got))
	}
}

func TestSubsetRefuses(t *testing.T) {
	t.Parallel()
	_, err := resolver.Subset(resolver.Source{}, resolver.SubsetConfig{})
	if err == nil || !strings.Contains(err.Error(), "id is empty") || !strings.Contains(err.Error(), "size is 0") {
		t.Errorf("error %v", err)
	}
}
