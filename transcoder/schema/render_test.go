// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func at(file string, line, column int) schema.Position {
	return schema.Position{File: file, Line: line, Column: column}
}

func TestRender(t *testing.T) {
	for _, test := range []struct {
		name        string
		diagnostics []schema.Diagnostic
		want        string
	}{
		{
			name: "one place, with help",
			diagnostics: []schema.Diagnostic{{
				Message: "cannot find `Strng` in this scope",
				Spans: []schema.Span{{
					Position: at("proto/acme/users.proto", 31, 3), EndColumn: 8, Label: "not found in this scope",
					Text: "  Strng nickname = 4;", Primary: true,
				}},
				Help: []string{"the full name of this scope is `acme.users.v1.User`"},
			}},
			want: "error: cannot find `Strng` in this scope\n" + `
  --> proto/acme/users.proto:31:3
   |
31 |   Strng nickname = 4;
   |   ^^^^^ not found in this scope
` + "   = help: the full name of this scope is `acme.users.v1.User`\n",
		},
		{
			name: "two places in one line",
			diagnostics: []schema.Diagnostic{{
				Message: "field number `1` used more than once",
				Spans: []schema.Span{
					{Position: at("b.proto", 4, 37), EndColumn: 38, Label: "used here", Text: "message B { int32 a = 1; string b = 1; }", Primary: true},
					{Position: at("b.proto", 4, 23), EndColumn: 24, Label: "previously used here", Text: "message B { int32 a = 1; string b = 1; }"},
				},
			}},
			want: "error: field number `1` used more than once\n" + `
  --> b.proto:4:37
   |
 4 | message B { int32 a = 1; string b = 1; }
   |                       -             ^ used here
   |                       |
   |                       previously used here
`,
		},
		{
			name: "a code, two files without text, help and note",
			diagnostics: []schema.Diagnostic{{
				Code: "DG1107", Message: "two methods claim GET /v1/users/*",
				Spans: []schema.Span{
					{Position: at("proto/acme/users/v1/users.proto", 21, 12), Label: "UserService/GetUser   GET /v1/users/{id}", Primary: true},
					{Position: at("proto/acme/legacy/v1/people.proto", 9, 12), Label: "People/Get            GET /v1/users/{name}"},
				},
				Help:  []string{"change one path"},
				Notes: []string{"the first keeps the route\nuntil this is solved"},
			}},
			want: `error[DG1107]: two methods claim GET /v1/users/*
  --> proto/acme/users/v1/users.proto:21:12     UserService/GetUser   GET /v1/users/{id}
  --> proto/acme/legacy/v1/people.proto:9:12    People/Get            GET /v1/users/{name}
   = help: change one path
   = note: the first keeps the route
           until this is solved
`,
		},
		{
			name: "two files, lines far apart, tabs, wide margin",
			diagnostics: []schema.Diagnostic{{
				Level: schema.Warning, Message: "look",
				Spans: []schema.Span{
					{Position: at("a.proto", 1200, 2), EndColumn: 5, Label: "here", Text: "\tabc\tdef", Primary: true},
					{Position: at("a.proto", 9, 6), EndColumn: 9, Text: "\tabc\tdef"},
					{Position: at("b.proto", 2, 1), Label: "and there", Text: "x"},
				},
			}},
			want: `warning: look
    --> a.proto:1200:2
     |
   9 |     abc def
     |         ---
.....
1200 |     abc def
     |     ^^^ here
    ::: b.proto:2:1
     |
   2 | x
     | - and there
`,
		},
		{
			name: "three labels in one line, from right to left",
			diagnostics: []schema.Diagnostic{{
				Level: schema.Note, Message: "three",
				Spans: []schema.Span{
					{Position: at("a.proto", 1, 1), EndColumn: 2, Label: "one", Text: "a b c", Primary: true},
					{Position: at("a.proto", 1, 3), EndColumn: 4, Label: "two", Text: "a b c"},
					{Position: at("a.proto", 1, 5), EndColumn: 6, Label: "three", Text: "a b c"},
				},
			}},
			want: `note: three
  --> a.proto:1:1
   |
 1 | a b c
   | ^ - - three
   | | |
   | | two
   | one
`,
		},
		{
			name: "behind the end of a line, and a place that is only a file",
			diagnostics: []schema.Diagnostic{
				{Message: "missing", Spans: []schema.Span{{Position: at("a.proto", 1, 4), Text: "abc", Label: "expected `;`", Primary: true}}},
				{Message: "unreadable", Spans: []schema.Span{{Position: schema.Position{File: "b.proto"}, Primary: true}}},
				{Message: "no place at all"},
			},
			want: "error: missing\n" + `
  --> a.proto:1:4
   |
 1 | abc
   |    ^ expected ` + "`;`" + `

error: unreadable
  --> b.proto

error: no place at all
`,
		},
		{
			name: "nothing that a terminal would obey",
			diagnostics: []schema.Diagnostic{{
				Message: "bad\x1b[31m\nname", Help: []string{"do\rthis"},
				Spans: []schema.Span{{Position: at("a\x07.proto", 1, 1), Text: "x\x1b[2J\u202e", Label: "\x00", Primary: true}},
			}},
			want: "error: bad\ufffd[31m\ufffdname\n  --> a\ufffd.proto:1:1\n   |\n 1 | x\ufffd[2J\ufffd\n   | ^ \ufffd\n   = help: do\ufffdthis\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := schema.Render(&got, test.diagnostics, schema.RenderOptions{}); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(test.want, "\n\n  -->", "\n  -->")
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var colored strings.Builder
			if err := schema.Render(&colored, test.diagnostics, schema.RenderOptions{Color: true}); err != nil {
				t.Fatal(err)
			}
			plain := colored.String()
			for _, code := range []string{"\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[1;34m", "\x1b[0m"} {
				plain = strings.ReplaceAll(plain, code, "")
			}
			if plain != got.String() || plain == colored.String() {
				t.Errorf("without its colors it is:\n%s", plain)
			}
		})
	}
}

// TestRenderLong cuts a line that is too long around its mark.
func TestRenderLong(t *testing.T) {
	text := strings.Repeat("x", 5000) + "HERE" + strings.Repeat("y", 5000)
	var got strings.Builder
	err := schema.Render(&got, []schema.Diagnostic{{Message: "long", Spans: []schema.Span{
		{Position: at("a.proto", 1, 5001), EndColumn: 5005, Text: text, Label: "here", Primary: true},
	}}}, schema.RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(got.String(), "\n")
	if len(lines[3]) > 200 || strings.Index(lines[3], "HERE") != strings.Index(lines[4], "^^^^ here") {
		t.Errorf("it is shown as:\n%s", got.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestRenderError(t *testing.T) {
	if err := schema.Render(failing{}, []schema.Diagnostic{{Message: "x"}}, schema.RenderOptions{}); err == nil {
		t.Error("the error of the writer is lost")
	}
}

func TestLoadError(t *testing.T) {
	var all []schema.Diagnostic
	for i := range 8 {
		all = append(all, schema.Diagnostic{Code: "DG1", Message: "m", Spans: []schema.Span{{Position: at("a.proto", 8-i, 1)}}})
	}
	all = append(all, schema.Diagnostic{Level: schema.Warning, Message: "not counted"})
	err := schema.NewLoadError(all...)
	want := `a.proto:1:1: error[DG1]: m
a.proto:2:1: error[DG1]: m
a.proto:3:1: error[DG1]: m
a.proto:4:1: error[DG1]: m
a.proto:5:1: error[DG1]: m
and 3 more`
	if got := err.Error(); got != want {
		t.Errorf("the error says:\n%s\nwant:\n%s", got, want)
	}
	if len(err.All()) != 9 {
		t.Errorf("All returns %d; want 9", len(err.All()))
	}
	if got := (schema.Diagnostic{Message: "m"}).Position(); got != (schema.Position{}) {
		t.Errorf("a diagnostic without a place is at %v", got)
	}
}
