// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

func TestRender(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300) + "X" + strings.Repeat("b", 300)
	for _, c := range []struct {
		name    string
		problem config.Problem
		color   bool
		want    string
	}{
		{
			"the form of the manual",
			config.Problem{
				File: "dragoman.yaml", Line: 48, Column: 30, Path: `backends["users"].load_balancing.policy`, Message: "must be in list [round_robin, random]",
				Hint: "did you mean random?", Source: "    load_balancing: {policy: randon, slow_start: 30s}",
			},
			false,
			`dragoman.yaml:48:30 backends["users"].load_balancing.policy: must be in list [round_robin, random]
  48 |     load_balancing: {policy: randon, slow_start: 30s}
  48 | .............................^  did you mean random?
`,
		},
		{"no line", config.Problem{File: "f", Path: "a.b", Message: "m", Hint: "h"}, false, "f a.b: m\n     = h\n"},
		{"no path", config.Problem{File: "f", Line: 1, Column: 1, Message: "m"}, false, "f:1:1: m\n"},
		{"warning", config.Problem{File: "f", Line: 1, Column: 2, Path: "a", Message: "m", Source: "a:", Warning: true}, false, "f:1:2 warning: a: m\n   1 | a:\n   1 | .^\n"},
		{"warning without a path", config.Problem{File: "f", Line: 1, Column: 2, Message: "m", Warning: true}, false, "f:1:2 warning: m\n"},
		{"characters, not bytes", config.Problem{File: "f", Line: 1, Column: 4, Path: "a", Message: "m", Source: "é: ü"}, false, "f:1:4 a: m\n   1 | é: ü\n   1 | ...^\n"},
		{"a tab is one cell", config.Problem{File: "f", Line: 1, Column: 3, Path: "a", Message: "m", Source: "\ta: b"}, false, "f:1:3 a: m\n   1 |  a: b\n   1 | ..^\n"},
		{
			"nothing for the terminal",
			config.Problem{File: "f", Line: 1, Column: 1, Path: "a\x1b[2J", Message: "m\u202e", Source: "\x1b[2Ja"},
			false,
			"f:1:1 a\ufffd[2J: m\ufffd\n   1 | \ufffd[2Ja\n   1 | ^\n",
		},
		{
			"a long line",
			config.Problem{File: "f", Line: 1, Column: 301, Path: "a", Message: "m", Source: long},
			false,
			"f:1:301 a: m\n   1 | " + strings.Repeat("a", 80) + "X" + strings.Repeat("b", 79) + "\n   1 | " + strings.Repeat(".", 80) + "^\n",
		},
		{
			"color",
			config.Problem{File: "f", Line: 1, Column: 1, Path: "a", Message: "m", Hint: "h", Source: "s"},
			true,
			"\x1b[1;31mf:1:1 a: m\x1b[0m\n   1 | s\n   1 | \x1b[1;31m^\x1b[0m  \x1b[1;36mh\x1b[0m\n",
		},
	} {
		var b strings.Builder
		if err := config.Render(&b, []config.Problem{c.problem}, c.color); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestErrorHasALineForEachProblem(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("f.yaml", []byte("version: v2\nschema: {}\n"), config.Options{})
	want := "f.yaml:1:10 version: must be in list [v1]; did you mean v1?\nf.yaml:2:1 schema: is not known; did you mean schemas?"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What a line ends with counts for the lines of problems as it does for YAML.
func TestLinesEndAsInYAML(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{"unix": "\n", "windows": "\r\n", "old mac": "\r", "next line": "\u0085", "line separator": "\u2028"} {
		data := strings.ReplaceAll("version: v1\n# é\nschemas: {sources: [{protos: {dir: p}}]}\nadmin: {addrez: a}\nbackends: {b: {target: \"h:1\"}}\nservices: [{match: a.B, backend: b}]\n", "\n", end)
		for _, mark := range []string{"", "\ufeff"} {
			_, err := config.Parse("f.yaml", []byte(mark+data), config.Options{})
			p := problems(t, err)[0]
			if p.Line != 4 || p.Column != 9 || p.Source != "admin: {addrez: a}" {
				t.Errorf("%s: got %d:%d %q; want 4:9 and the line", name, p.Line, p.Column, p.Source)
			}
		}
	}
}
