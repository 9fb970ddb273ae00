// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func at(tb testing.TB, address string) endpoint.Endpoint {
	tb.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestStatic(t *testing.T) {
	t.Parallel()
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		s, err := resolver.FromEndpoints("three", []endpoint.Endpoint{at(tb, "a:1"), at(tb, "b:1"), at(tb, "c:1")})
		if err != nil {
			tb.Fatal(err)
		}
		return resolvertest.Fixture{Source: s, Addresses: []string{"a:1", "b:1", "c:1"}}
	})
}

func TestStaticRefuses(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]endpoint.Endpoint{
		"is empty":                nil,
		"endpoint 1 has no":       {at(t, "a:1"), {}},
		"\"a:1\" is listed twice": {at(t, "a:1"), at(t, "A:1")},
	} {
		if _, err := resolver.NewStatic(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
