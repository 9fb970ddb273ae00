// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

// FuzzParse: no panic, whatever the bytes. A refusal has places that are in the file; and so has every text of a rule.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		orders, "", "http: {rules: [{selector: '*', custom: {kind: a, path: /}}]}", "- a", "http: *a", "http: &a {rules: [{body: *a}]}",
		"config_version: 3\ntype: x\n", "a: |\n  b\n", "http:\n\trules: []", "{\"http\": {\"rules\": [{\"get\": \"\\u0041\"}]}}", "a\x00b", "? [a]\n: b\n",
		"source_info: {source_files: [{'@type': 1, b: [1, {c: null}]}]}", "http: {rules: [{additional_bindings: [{additionalBindings: []}]}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := serviceconfig.Parse("a.yaml", data)
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(data)), "\n")
		inside := func(p schema.Position) {
			if p.File != "a.yaml" || p.Line > len(lines) {
				t.Errorf("%s is not in the file", p)
			}
		}
		if err == nil {
			for _, r := range rules.List() {
				for i := range len(r.HTTP.GetAdditionalBindings()) + 1 {
					for _, field := range []string{"", "selector", "get", "custom.path", "body"} {
						at := r.Locate(i, field)
						if inside(at); at.Line < 1 || at.Column < 1 {
							t.Errorf("binding %d, %q has no place", i, field)
						}
						_ = r.Line(at.Line)
					}
				}
			}
			return
		}
		if rules != nil {
			t.Error("rules came with the error")
		}
		for _, d := range diagnostics(t, err) {
			if d.Level != schema.Error || d.Message == "" || d.Code == "" {
				t.Errorf("%#v is no error", d)
			}
			inside(d.Position())
		}
		var b strings.Builder
		if err := schema.Render(&b, diagnostics(t, err), schema.RenderOptions{}); err != nil || !utf8.ValidString(b.String()) {
			t.Errorf("cannot be shown: %v", err)
		}
	})
}
