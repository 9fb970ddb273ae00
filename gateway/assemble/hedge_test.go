// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

const hedgedProtos = `syntax = "proto3";
package acme.v1;

message M {}

service Books {
  rpc Get(M) returns (M) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Watch(M) returns (stream M) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Put(M) returns (M) {
    option idempotency_level = IDEMPOTENT;
  }
}
`

// Hedging a method that has side effects is refused where the setting names it, with its place; a setting for many leaves it out.
func TestHedgingAMethodWithSideEffectsIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, services string
		want           string // part of the error; "" for none
	}{
		{"for all", `[{match: "**", backend: all, policy: {hedge: {}}}]`, ""},
		{"no side effects", `[{match: "**", backend: all, methods: [{name: Get, policy: {hedge: {after: 5ms}}}]}]`, ""},
		{"turned off", `[{match: "**", backend: all, methods: [{name: Put, policy: {hedge: {attempts: 1}}}]}]`, ""},
		{
			"side effects", `[{match: "**", backend: all, methods: [{name: Put, policy: {hedge: {}}}]}]`,
			"dragoman.yaml:4:71: error[DG1301]: hedge does not fit /acme.v1.Books/Put: calls of a method that may have side effects are not made twice at a time",
		},
		{
			"a stream", `[{match: "**", backend: all, methods: [{name: Watch, policy: {hedge: {}}}]}]`,
			"hedge does not fit /acme.v1.Books/Watch: streams are not hedged",
		},
	} {
		b := build(t, map[string]string{
			"proto/a.proto": hedgedProtos, "dragoman.yaml": strings.Replace(settings(""), ", http_rules: [a.yaml, b.yaml]", "", 1) + "services: " + c.services + "\n",
		}, nil)
		switch {
		case c.want == "" && b.err != nil:
			t.Errorf("%s: %v", c.name, b.err)
		case c.want != "" && (b.err == nil || !strings.Contains(b.err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.name, b.err, c.want)
		}
	}
}
