// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, key, canonical string }{
		{"/", "/", "/"},                         // the root: zero segments
		{"/v1", "/v1", "/v1"},                   // one literal
		{"/v1/users", "/v1/users", "/v1/users"}, // two
		{"/*", "/*", "/*"},                      // a wildcard without a variable
		{"/v1/**", "/v1/**", "/v1/**"},          // **, last
		{"/v1/{id}", "/v1/*", "/v1/{id}"},       // a variable is * by default
		{"/v1/{id=*}", "/v1/*", "/v1/{id}"},     // and may say so
		{"/v1/{id=**}", "/v1/**", "/v1/{id=**}"},
		{"/v1/{name=shelves/*/books/*}", "/v1/shelves/*/books/*", "/v1/{name=shelves/*/books/*}"},
		{"/v1/{name=shelves/**}", "/v1/shelves/**", "/v1/{name=shelves/**}"},
		{"/v1/{name=shelves}", "/v1/shelves", "/v1/{name=shelves}"}, // a variable of one literal
		{"/v1/{a}/{b}/{c}", "/v1/*/*/*", "/v1/{a}/{b}/{c}"},
		{"/v1/{a.b.c}", "/v1/*", "/v1/{a.b.c}"},
		{"/v1/{_a1}", "/v1/*", "/v1/{_a1}"},                          // identifiers may start with an underscore
		{"/v1/users:cancel", "/v1/users:cancel", "/v1/users:cancel"}, // a verb after a literal
		{"/v1/{id}:cancel", "/v1/*:cancel", "/v1/{id}:cancel"},
		{"/v1/{id=**}:cancel", "/v1/**:cancel", "/v1/{id=**}:cancel"},
		{"/v1/*:a:b", "/v1/*:a:b", "/v1/*:a:b"},             // T32: a verb with a colon
		{"/v1/users:a:b", "/v1/users:a:b", "/v1/users:a:b"}, // and so after a literal
		{"/v1/a:b/c", "/v1/a:b/c", "/v1/a:b/c"},             // a colon before a slash is no verb
		{"/v1/%75sers", "/v1/users", "/v1/users"},           // T33: unreserved characters are decoded
		{"/v1/%7euser", "/v1/~user", "/v1/~user"},
		{"/v1/a%2fb", "/v1/a%2Fb", "/v1/a%2Fb"}, // T33: reserved ones stay, in capitals
		{"/v1/%c3%bc", "/v1/%C3%BC", "/v1/%C3%BC"},
		{"/v1/x:%63ancel", "/v1/x:cancel", "/v1/x:cancel"}, // a verb is normalised as well
		{"/v1/a@b;c=d,e+f", "/v1/a@b;c=d,e+f", "/v1/a@b;c=d,e+f"},
		{"/v1/{name=a=b}", "/v1/a=b", "/v1/{name=a=b}"}, // only the first = of a variable separates
		{"/pkg.Svc/Method", "/pkg.Svc/Method", "/pkg.Svc/Method"},
	} {
		template, err := httprule.Parse(test.template)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.template, err)
			continue
		}
		got := [2]string{template.Key(), template.String()}
		if want := [2]string{test.key, test.canonical}; got != want {
			t.Errorf("Parse(%q): key and text %q, want %q", test.template, got, want)
		}
		if template.Source() != test.template {
			t.Errorf("Parse(%q).Source() = %q", test.template, template.Source())
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, want string }{
		{"", "syntax error at column 1: expected '/', got the end"},
		{"v1", "syntax error at column 1: expected '/', got 'v'"},
		{"//", "syntax error at column 2: expected a segment, got '/'"}, // T25, T26: no template has an empty segment
		{"/v1/", "syntax error at column 5: expected a segment, got the end"},
		{"/v1//x", "syntax error at column 5: expected a segment, got '/'"},
		{"/v1/{", "syntax error at column 6: expected a field name, got the end"},
		{"/v1/{}", "syntax error at column 6: expected a field name, got '}'"},
		{"/v1/{=*}", "syntax error at column 6: expected a field name, got '='"},
		{"/v1/{1a}", "syntax error at column 6: expected a field name, got '1'"},
		{"/v1/{a-b}", "syntax error at column 7: expected '}', got '-'"},
		{"/v1/{a.}", "syntax error at column 8: expected a field name, got '}'"},
		{"/v1/{a", "syntax error at column 7: expected '}', got the end"},
		{"/v1/{a=", "syntax error at column 8: expected a segment, got the end"},
		{"/v1/{a=}", "syntax error at column 8: expected a segment, got '}'"},
		{"/v1/{a=b", "syntax error at column 9: expected '}', got the end"},
		{"/v1/{a=b:c}", "syntax error at column 9: expected '}', got ':'"},                      // a verb belongs behind the variable
		{"/v1/{a=b/{c}}", "syntax error at column 10: a variable cannot hold another variable"}, // T14
		{"/v1/{a}b", "syntax error at column 8: expected '/', ':' or the end, got 'b'"},
		{"/v1/b{a}", "syntax error at column 6: expected '/', ':' or the end, got '{'"},
		{"/v1/*b", "syntax error at column 6: expected '/', ':' or the end, got 'b'"},
		{"/v1/b*", "syntax error at column 6: expected '/', ':' or the end, got '*'"},
		{"/v1/***", "syntax error at column 7: expected '/', ':' or the end, got '*'"},
		{"/v1/**/x", "syntax error at column 8: '**' must be the last segment"},      // T15
		{"/v1/{n=**}/x", "syntax error at column 12: '**' must be the last segment"}, // T15
		{"/v1/{n=**/x}", "syntax error at column 11: '**' must be the last segment"},
		{"/v1/**/**", "syntax error at column 8: '**' must be the last segment"},
		{"/v1/x:", "syntax error at column 7: expected a verb, got the end"},
		{"/v1/x:a/b:c/", "syntax error at column 13: expected a segment, got the end"},
		{"/v1/{x}:a/b", "syntax error at column 10: expected a verb, got '/'"},
		{"/v1/{x}:a:", "syntax error at column 10: expected a verb, got ':'"},
		{"/v1/{x}:a::b", "syntax error at column 11: expected a verb, got ':'"},
		{"/:x", "syntax error at column 2: expected a segment, got ':'"}, // the root has no verb
		{"/v1/%", "syntax error at column 5: expected two hexadecimal digits after '%'"},
		{"/v1/%2", "syntax error at column 5: expected two hexadecimal digits after '%'"},
		{"/v1/%zz", "syntax error at column 5: expected two hexadecimal digits after '%'"},
		{"/v1/a%2/3", "syntax error at column 6: expected two hexadecimal digits after '%'"},
		{"/v1/x:%g1", "syntax error at column 7: expected two hexadecimal digits after '%'"},
		{"/v1/%00", "syntax error at column 5: %00 never matches: paths with it are refused"},
		{"/v1/a b", "syntax error at column 6: expected '/', ':' or the end, got ' '"},
		{"/v1/a?b", "syntax error at column 6: expected '/', ':' or the end, got '?'"},
		{"/v1/a#b", "syntax error at column 6: expected '/', ':' or the end, got '#'"},
		{"/v1/ü", "syntax error at column 5: expected a segment, got 'ü'"},
		{"/v1/a\x00", "syntax error at column 6: expected '/', ':' or the end, got '\\x00'"},
	} {
		_, err := httprule.Parse(test.template)
		if err == nil || err.Error() != test.want {
			t.Errorf("Parse(%q): error %v, want %s", test.template, err, test.want)
		}
	}
}

func TestT15LiteralTail(t *testing.T) {
	t.Parallel()
	grammar := httprule.Grammar{LiteralTail: true}
	for _, test := range []struct{ template, want string }{
		{"/v1/{n=**}/x", "/v1/**/x"},
		{"/v1/{n=**/x}/y:v", "/v1/**/x/y:v"},
		{"/v1/{n=**}/{x}", "syntax error at column 12: after '**' only literal segments may follow"},
		{"/v1/**/*", "syntax error at column 8: after '**' only literal segments may follow"},
		{"/v1/**/a/**", "syntax error at column 10: after '**' only literal segments may follow"},
	} {
		got := ""
		template, err := grammar.Parse(test.template)
		if err != nil {
			got = err.Error()
		} else {
			got = template.Key()
		}
		if got != test.want {
			t.Errorf("Parse(%q): %s, want %s", test.template, got, test.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	grammar := httprule.Grammar{MaxBytes: 40, MaxSegments: 4, MaxVariables: 2}
	for _, test := range []struct{ template, want string }{
		{"/a/b/c/d", ""},
		{"/a/b/c/d/e", "the template has more than 4 segments"},
		{"/{a=b/*/*/*/*}", "the template has more than 4 segments"},
		{"/{a}/{b}", ""},
		{"/{a}/{b}/{c}", "the template has more than 2 variables"},
		{"/" + strings.Repeat("a", 39), ""},
		{"/" + strings.Repeat("a", 40), "the template has 41 bytes; the limit is 40"},
		{"/a:1:2:3:4", ""},
		{"/a:1:2:3:4:5", "the verb has more than 4 parts"},
	} {
		_, err := grammar.Parse(test.template)
		got := ""
		var syntax *httprule.SyntaxError
		if errors.As(err, &syntax) {
			got = err.Error()
			if !syntax.Limit {
				t.Errorf("Parse(%q): %v is not marked as a limit", test.template, err)
			}
		}
		if got != test.want {
			t.Errorf("Parse(%q): %q, want %q", test.template, got, test.want)
		}
	}
	deep := "/{" + strings.Repeat("a.", httprule.MaxFieldDepth) + "a}"
	if _, err := httprule.Parse(deep); err == nil || err.Error() != "a field path has more than 32 names" {
		t.Errorf("deep field path: %v", err)
	}
}

func TestTemplateVariables(t *testing.T) {
	t.Parallel()
	template, err := httprule.Parse("/v1/{parent.name=shelves/*}/books/{id}/{rest=**}")
	if err != nil {
		t.Fatal(err)
	}
	want := []httprule.TemplateVariable{
		{Path: []string{"parent", "name"}, First: 1, Last: 3, Column: 6},
		{Path: []string{"id"}, First: 4, Last: 5, Column: 36},
		{Path: []string{"rest"}, First: 5, Last: 6, Column: 41},
	}
	if diff := cmp.Diff(want, template.Variables()); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	var multi []bool
	for i := range template.Variables() {
		multi = append(multi, template.MultiSegment(&template.Variables()[i]))
	}
	if diff := cmp.Diff([]bool{true, false, true}, multi); diff != "" {
		t.Errorf("multi-segment (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"/", "/v1/{name=shelves/*/books/*}:move", "/v1/{a.b=**}/x", "/v1/%75/%2f:a:b", "/{a}/{b=*}/*:x", "/a:b/c", "/v1/{", "/***", "/%",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, tail bool) {
		grammar := httprule.Grammar{LiteralTail: tail}
		template, err := grammar.Parse(text)
		if err != nil {
			var syntax *httprule.SyntaxError
			if !errors.As(err, &syntax) || syntax.Column < 1 || syntax.Column > len(text)+1 {
				t.Fatalf("Parse(%q): %#v", text, err)
			}
			return
		}
		again, err := grammar.Parse(template.String())
		if err != nil {
			t.Fatalf("Parse(%q) gives %q, which does not parse: %v", text, template, err)
		}
		if again.String() != template.String() || again.Key() != template.Key() || again.Verb() != template.Verb() {
			t.Fatalf("Parse(%q) gives %q and then %q", text, template, again)
		}
		if diff := cmp.Diff(template.Segments(), again.Segments()); diff != "" {
			t.Fatalf("Parse(%q): segments (-first +second):\n%s", text, diff)
		}
		for i, v := range template.Variables() {
			if at := text[v.Column-1:]; !strings.HasPrefix(at, v.Name()) {
				t.Fatalf("Parse(%q): variable %s is said to be at column %d", text, v.Name(), v.Column)
			}
			w := again.Variables()[i]
			if v.Name() != w.Name() || v.First != w.First || v.Last != w.Last {
				t.Fatalf("Parse(%q): variable %v and then %v", text, v, w)
			}
		}
	})
}
