// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

// What only the schema shows of authorisation: expressions that do not fit the request of a method, and rules for no method.
func TestAuthorizationAndTheSchema(t *testing.T) {
	t.Parallel()
	files := func(rules string) map[string]string {
		return map[string]string{
			"proto/books.proto": protos,
			"dragoman.yaml":     strings.Replace(settings(""), ", http_rules: [a.yaml, b.yaml]", "", 1) + everything + "authorization:\n  rules:\n" + rules,
		}
	}
	bad := build(t, files(`    - {match: acme.v1.Books/Get, allow: "request.name == 'x'"}
    - {match: "acme.v1.**", allow: "request.nothing == 'x' || request.name == 'y'"}
`), nil)
	if bad.err == nil {
		t.Fatal("an expression with a field that is not there is accepted")
	}
	for _, want := range []string{
		"authorization.rules[1].allow does not fit /acme.v1.Shelves/Get, whose request is acme.v1.M: at character 8: undefined field 'nothing'",
		"authorization.rules[1].allow does not fit /acme.v1.Books/Get, whose request is acme.v1.M: at character 8: undefined field 'nothing'",
	} {
		if got := bad.err.Error(); !strings.Contains(got, want) || !strings.Contains(got, "dragoman.yaml:8:") || strings.Contains(got, "rules[0]") {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	unused := build(t, files("    - {name: two, match: acme.v2.*, allow: \"true\"}\n    - {match: acme.v1.Books/Get, allow: \"true\"}\n"), nil)
	if unused.err != nil {
		t.Fatal(unused.err)
	}
	var told []string
	for _, d := range unused.doubts {
		if d.Code == "DG2006" {
			told = append(told, d.Message)
		}
	}
	if len(told) != 1 || told[0] != "no method that can be called is one of acme.v2.*: the rule two of authorization is for none" {
		t.Errorf("it is told %q", told)
	}
}
