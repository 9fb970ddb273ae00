// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

// provider are the settings of a provider of authentication, whose name is a.
const provider = "auth: {providers: {a: {jwt: {issuer: i, audiences: [b], algorithms: [RS256], jwks_url: \"https://a.example/k\"}}}}\n"

// What only the schema shows of limits: keys that methods do not have, and rules for no method.
func TestLimitsAndTheSchema(t *testing.T) {
	t.Parallel()
	files := func(rules string) map[string]string {
		return map[string]string{
			"proto/books.proto": protos,
			"dragoman.yaml":     strings.Replace(settings(""), ", http_rules: [a.yaml, b.yaml]", "", 1) + everything + "rate_limits:\n  rules:\n" + rules,
		}
	}
	bad := build(t, files(`    - {name: a, match: acme.v1.Books/Get, key: request.name, limit: 1/s}
    - {name: b, match: acme.v1.Shelves, key: request.nothing || client.address, limit: 1/s}
`), nil)
	if bad.err == nil {
		t.Fatal("a key of a field that is not there is accepted")
	}
	const want = `rate_limits.rules[1].key does not fit /acme.v1.Shelves/Get: acme.v1.M has no field "nothing"`
	if got := bad.err.Error(); !strings.Contains(got, want) || !strings.Contains(got, "dragoman.yaml:8:") || strings.Contains(got, "rules[0]") {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, row := range []struct{ defaults, key, want string }{
		{"[none]", "auth.subject", "rate_limits.rules[0].key has auth.subject, which no call has: auth of none of the methods that it is for asks who calls"},
		{"[none]", "auth.tenant+method || auth.claims.org", "rate_limits.rules[0].key has auth.tenant, which no call has"},
		{"[none]", "auth.subject || client.address", ""},
		{"[a]", "auth.subject", ""},
		{"[a, none]", "auth.subject", ""}, // those that are somebody's
	} {
		b := build(t, files("    - {name: a, match: acme.v1.Books/Get, key: '"+row.key+"', limit: 1/s}\n"+provider+"defaults: {auth: "+row.defaults+"}\n"), nil)
		if row.want == "" && b.err != nil || row.want != "" && (b.err == nil || !strings.Contains(b.err.Error(), row.want) || !strings.Contains(b.err.Error(), "DG1305")) {
			t.Errorf("by %s, auth %s: got %v; want %q", row.key, row.defaults, b.err, row.want)
		}
	}
	unused := build(t, files("    - {name: a, match: acme.v2.*, limit: 1/s}\n    - {name: b, match: acme.v1.Books/Get, limit: 1/s}\n"), nil)
	if unused.err != nil {
		t.Fatal(unused.err)
	}
	var told []string
	for _, d := range unused.doubts {
		if d.Code == "DG2005" {
			told = append(told, d.Message)
		}
	}
	if len(told) != 1 || told[0] != "no method that can be called is one of acme.v2.*: the limit a is for none" {
		t.Errorf("it is told %q", told)
	}
}
