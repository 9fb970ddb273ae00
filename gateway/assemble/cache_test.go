// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

// What only the schema shows of stored answers: methods whose answers cannot be, and policies by which nothing is.
func TestCachesAndTheSchema(t *testing.T) {
	t.Parallel()
	const auth = "auth: {providers: {a: {jwt: {issuer: i, audiences: [b], algorithms: [RS256], jwks_url: \"https://a.example/k\"}}}}\n"
	for _, c := range []struct {
		name, more, services string
		err                  string // part of the error; "" for none
		doubt                string // of the warning about caches; "" for none
	}{
		{"for all", "", `[{match: "**", backend: all, policy: {cache: {ttl: 1s}}}]`, "", ""},
		{"no side effects", "", `[{match: "**", backend: all, methods: [{name: Get, policy: {cache: {ttl: 1s}}}]}]`, "", ""},
		{"side effects taken for none", "", `[{match: "**", backend: all, methods: [{name: Put, policy: {cache: {ttl: 1s, treat_as_safe: true}}}]}]`, "", ""},
		{"turned off", "defaults: {cache: {ttl: 1s}}\n", `[{match: "**", backend: all, methods: [{name: Put, policy: {cache: {off: true}}}]}]`, "", ""},
		{
			"side effects", "", `[{match: "**", backend: all, methods: [{name: Put, policy: {cache: {ttl: 1s}}}]}]`,
			"dragoman.yaml:4:71: error[DG1318]: answers of /acme.v1.Books/Put cannot be stored: its schema does not say idempotency_level = NO_SIDE_EFFECTS", "",
		},
		{
			"a stream", "", `[{match: "**", backend: all, methods: [{name: Watch, policy: {cache: {ttl: 1s, treat_as_safe: true}}}]}]`,
			"answers of /acme.v1.Books/Watch cannot be stored: it streams", "",
		},
		{
			"for somebody, and nobody says whom", auth, `[{match: "**", backend: all, policy: {auth: [a], cache: {ttl: 1s}}}]`,
			"no answer of /acme.v1.Books/Get is ever stored: all calls are by somebody in particular", "",
		},
		{"for nobody as well", auth, `[{match: "**", backend: all, policy: {auth: [a, none], cache: {ttl: 1s}}}]`, "", ""},
		{"for each", auth, `[{match: "**", backend: all, policy: {auth: [a], cache: {ttl: 1s, vary: [auth.subject]}}}]`, "", ""},
		{"for all that may call", auth, `[{match: "**", backend: all, policy: {auth: [a], cache: {ttl: 1s, shared: true}}}]`, "", ""},
		{
			"for no method", "", `[{match: "**", backend: all, policy: {cache: {ttl: 1s}}, methods: [{name: Get, policy: {cache: {off: true}}}]}]`,
			"", "services[0].policy.cache stores nothing: it is for no method that does not stream and has no side effects",
		},
	} {
		b := build(t, map[string]string{
			"proto/a.proto": hedgedProtos,
			"dragoman.yaml": strings.Replace(settings(""), ", http_rules: [a.yaml, b.yaml]", "", 1) + "services: " + c.services + "\n" + c.more,
		}, nil)
		switch {
		case c.err == "" && b.err != nil:
			t.Errorf("%s: %v", c.name, b.err)
		case c.err != "" && (b.err == nil || !strings.Contains(b.err.Error(), c.err)):
			t.Errorf("%s: got %v, want %s", c.name, b.err, c.err)
		}
		var told []string
		for _, d := range b.doubts {
			if d.Code == "DG2018" {
				told = append(told, d.Message)
			}
		}
		if got := strings.Join(told, "; "); got != c.doubt {
			t.Errorf("%s: it is told %q; want %q", c.name, got, c.doubt)
		}
	}
}
