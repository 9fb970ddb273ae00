// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

// What only the schema shows of redaction and validation: fields that no answer has, rules that cannot be compiled, and rules that nobody is held to.
func TestFieldsAndRulesOfTheSchema(t *testing.T) {
	t.Parallel()
	const ruled = `syntax = "proto3";
package acme.v1;
import "buf/validate/validate.proto";
service Books { rpc Get(M) returns (A); rpc List(M) returns (M); }
message M { string name = 1 [(buf.validate.field).string.min_len = 1]; }
message A { M owner = 1; string note = 2; }
`
	files := func(protos, defaults string) map[string]string {
		return map[string]string{
			"proto/books.proto": protos,
			"dragoman.yaml":     "version: v1\nschemas: {sources: [{protos: {dir: proto}}]}\nbackends: {all: {target: \"localhost:1\"}}\n" + defaults + "services: [{match: \"**\", backend: all, passthrough: false}]\n",
		}
	}
	for _, tt := range []struct {
		reason, protos, defaults string
		want                     []string // in the error
	}{
		{"fields that there are, in one answer or another", ruled, "defaults: {redact: {fields: [owner.name, note, name, .acme.v1.M.name]}}\n", nil},
		{
			"fields that there are not", ruled, "defaults: {redact: {fields: [owner.nam, note, .acme.v1.M.nothing, .acme.v1.M]}}\n",
			[]string{`dragoman.yaml:4:30`, `defaults.redact.fields[0]: "owner.nam" is in no answer that the policy is for: acme.v1.M has no field "nam"`, `defaults.redact.fields[2]: ".acme.v1.M.nothing" is in no answer`, `defaults.redact.fields[3]: ".acme.v1.M" is in no answer`},
		},
		{"rules that are right", ruled, "defaults: {validate_requests: true}\n", nil},
		{
			"a rule that is wrong", strings.Replace(ruled, "string.min_len = 1", "cel = {id: \"x\" expression: \"this + 1\"}", 1), "defaults: {validate_requests: true}\n",
			[]string{"books.proto:5:", "the rule of acme.v1.M.name cannot be used"},
		},
		{"a rule that is wrong, and that nobody is held to", strings.Replace(ruled, "string.min_len = 1", "cel = {id: \"x\" expression: \"this + 1\"}", 1), "defaults: {validate_requests: false}\n", nil},
	} {
		made := build(t, files(tt.protos, tt.defaults), nil)
		if tt.want == nil && made.err != nil {
			t.Errorf("%s: %v", tt.reason, made.err)
		}
		for _, want := range tt.want {
			if made.err == nil || !strings.Contains(made.err.Error(), want) {
				t.Errorf("%s: %v; want %q", tt.reason, made.err, want)
			}
		}
	}
	for defaults, want := range map[string]int{"": 1, "defaults: {validate_requests: false}\n": 0, "defaults: {validate_requests: true}\n": 0} {
		made := build(t, files(ruled, defaults), nil)
		notes := 0
		for _, d := range made.doubts {
			if d.Code == "DG2010" && strings.HasPrefix(d.Message, "acme.v1.Books have rules of buf.validate") {
				notes++
			}
		}
		if made.err != nil || notes != want {
			t.Errorf("%q: %d notes of rules that nobody is held to, %v; want %d", defaults, notes, made.err, want)
		}
	}
	passed := build(t, files(ruled, "defaults: {redact: {debug_redact: true}}\n"), nil)
	if passed.err != nil {
		t.Errorf("without methods that are passed on: %v", passed.err)
	}
	open := files(ruled, "defaults: {redact: {fields: [note]}}\n")
	open["dragoman.yaml"] = strings.Replace(open["dragoman.yaml"], "{match: \"**\", backend: all, passthrough: false}", "{match: acme.v2.*, backend: all, passthrough: true}, {match: acme.v1.*, backend: all}", 1)
	if made := build(t, open, nil); made.err == nil || !strings.Contains(made.err.Error(), "is passed on without a schema, so that nothing can be taken out of its answers") {
		t.Errorf("methods that are passed on: %v", made.err)
	}
}
