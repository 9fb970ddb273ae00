// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	call := &telemetry.Record{Route: "GET /v1/users/{id}", Path: "/v1/users/7", Service: "acme.users.v1.UserService", RPC: "GetUser"}
	for _, row := range []struct {
		reason, pattern string
		want            bool
	}{
		{"the service", "acme.users.v1.*", true},
		{"a package of the same depth", "acme.orders.v1.*", false},
		{"* is one segment", "acme.*", false},
		{"** is any number", "acme.**", true},
		{"** is none, too", "acme.users.v1.UserService.**", true},
		{"the method of a service", "**.UserService/GetUser", true},
		{"a method of any service", "**/GetUser", true},
		{"in another case", "ACME.users.**/getuser", true},
		{"another method", "**/ListUsers", false},
		{"the path of the request", "/v1/users/*", true},
		{"a verb and a path", "GET /v1/*/*", true},
		{"another verb", "POST /v1/**", false},
		{"the route has a variable", "/v1/users/{id}/**", true},
		{"fewer segments", "/v1/*", false},
		{"more", "/v1/users/*/*", false},
		{"within a segment, anywhere in the name", "*Users*", true},
		{"a part that no segment has", "*Orders*", false},
		{"parts of two segments that follow each other", "*Service/Get*", true},
		{"parts of two that do not", "acme*/Get*", false},
		{"a lone star is everything", "*", true},
		{"two are, too", "**", true},
		{"signs of other patterns mean themselves", "/v1/users/[0-9]*", false},
	} {
		p, err := telemetry.ParsePattern(row.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&telemetry.Filter{Pattern: &p}).Matches(call); got != row.want {
			t.Errorf("%s: %q matches: %t; want %t", row.reason, row.pattern, got, row.want)
		}
	}
	if _, err := telemetry.ParsePattern(strings.Repeat("*", telemetry.MaxPattern+1)); err == nil || !strings.Contains(err.Error(), "has 513 letters; it may have 512") {
		t.Errorf("a pattern that is too long: %v", err)
	}
	if p := (telemetry.Pattern{}); p.Match("acme") || p.Match("") {
		t.Error("the zero pattern matches")
	}
}
