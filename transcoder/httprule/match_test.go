// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// matchCase is one set of routes and what requests to it get.
type matchCase struct {
	config httprule.Config
	routes []string
	want   [][2]string // request, answer
}

func (c matchCase) run(t *testing.T) {
	t.Helper()
	table := build(t, c.config, c.routes...)
	for _, want := range c.want {
		if got := ask(t, table, want[0]); got != want[1] {
			t.Errorf("%q: %s\ngot  %s\nwant %s", c.routes, want[0], got, want[1])
		}
	}
}

func TestT21Order(t *testing.T) {
	t.Parallel()
	want := [][2]string{
		{"GET /v1/users/me", "GET /v1/users/me"},           // literal before *
		{"GET /v1/users/you", "GET /v1/users/{id} id=you"}, // * before **
		{"GET /v1/users/a/b", "GET /v1/{name=**} name=users/a/b"},
		{"GET /v1/other", "GET /v1/{name=**} name=other"},
		{"GET /v2/a/x", "GET /v2/{a}/x a=a"},
		{"GET /v2/b/x", "GET /v2/b/{c} c=x"}, // the first difference decides, from the left
		{"GET /v2/b/y", "GET /v2/b/{c} c=y"},
		{"GET /v2/a/y", "not found"},
	}
	list := []string{"GET /v1/users/me", "GET /v1/users/{id}", "GET /v1/{name=**}", "GET /v2/{a}/x", "GET /v2/b/{c}"}
	for range len(list) { // no order of registration changes anything
		list = append(list[1:], list[0])
		matchCase{routes: list, want: want}.run(t)
		reversed := slices.Clone(list)
		slices.Reverse(reversed)
		matchCase{routes: reversed, want: want}.run(t)
	}
}

func TestT22BacktrackingOverMethods(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users/me", "PATCH /v1/users/{id}", "DELETE /v1/{name=**}", "PUT /v1/users/me/x", "POST /v1/{a}/{b}/{c}"},
		want: [][2]string{
			{"GET /v1/users/me", "GET /v1/users/me"},
			{"PATCH /v1/users/me", "PATCH /v1/users/{id} id=me"},
			{"DELETE /v1/users/me", "DELETE /v1/{name=**} name=users/me"},
			{"POST /v1/users/me/x", "POST /v1/{a}/{b}/{c} a=users b=me c=x"},
			{"GET /v1/users/you", "method not allowed DELETE,OPTIONS,PATCH"},
		},
	}.run(t)
}

func TestT23BacktrackingOverVerbs(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users/me:cancel", "GET /v1/users/{id}", "GET /v1/{a}/me:drop"},
		want: [][2]string{
			{"GET /v1/users/me", "GET /v1/users/{id} id=me"}, // the literal has only a route with a verb
			{"GET /v1/users/me:cancel", "GET /v1/users/me:cancel"},
			{"GET /v1/users/me:drop", "GET /v1/{a}/me:drop a=users"},
			{"GET /v1/users/you:drop", "GET /v1/users/{id} id=you:drop"},
		},
	}.run(t)
}

func TestT24Multi(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/{name=**}", "GET /v2/{name=a/**}", "GET /v3/{name=**}:copy", "GET /v4"},
		want: [][2]string{
			{"GET /v1", "GET /v1/{name=**} name="}, // zero segments
			{"GET /v1/a", "GET /v1/{name=**} name=a"},
			{"GET /v1/a/b/c", "GET /v1/{name=**} name=a/b/c"},
			{"GET /v1/", "not found"},     // an empty segment is not zero segments
			{"GET /v1//", "not found"},    // nor two
			{"GET /v1/a//b", "not found"}, // T26
			{"GET /v1/a/", "not found"},
			{"GET /v2/a", "GET /v2/{name=a/**} name=a"},
			{"GET /v2/a/b", "GET /v2/{name=a/**} name=a/b"},
			{"GET /v2", "not found"},
			{"GET /v3:copy", "GET /v3/{name=**}:copy name="},
			{"GET /v3/:copy", "not found"}, // T31
			{"GET /v3/a:copy", "GET /v3/{name=**}:copy name=a"},
			{"GET /v4", "GET /v4"},
		},
	}.run(t)
	matchCase{
		routes: []string{"GET /{name=**}", "POST /{name=**}:copy", "PUT /{name}"},
		want: [][2]string{
			{"GET /", "GET /{name=**} name="}, // "/" has zero segments
			{"GET //", "not found"},
			{"GET /a", "GET /{name=**} name=a"},
			{"POST /:copy", "POST /{name=**}:copy name="}, // the root with a verb
			{"POST /a/b:copy", "POST /{name=**}:copy name=a/b"},
			{"POST /a/:copy", "method not allowed GET,HEAD,OPTIONS"}, // only the root may be empty before a verb
			{"PUT /", "method not allowed GET,HEAD,OPTIONS"},         // * is one segment
			{"PUT /x", "PUT /{name} name=x"},
		},
	}.run(t)
	matchCase{
		routes: []string{"GET /", "POST /{name=**}"},
		want:   [][2]string{{"GET /", "GET /"}, {"POST /", "POST /{name=**} name="}, {"GET /x", "method not allowed OPTIONS,POST"}},
	}.run(t)
}

func TestT25NoEmptySegment(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users/{id}", "GET /v1/{a}/x", "DELETE /v1/users/*", "DELETE /v1/users/{id}:purge"},
		want: [][2]string{
			{"GET /v1/users/", "not found"},
			{"DELETE /v1/users/", "not found"},
			{"DELETE /v1/users/:purge", "DELETE /v1/users/*"}, // data, since a verb needs a segment before it; T31
			{"GET /v1//x", "not found"},
			{"GET //v1/users/7", "not found"}, // T26
			{"GET /v1//users/7", "not found"},
			{"GET /v1/users//7", "not found"},
			{"GET /v1/users/7/", "not found"}, // T28 strict
		},
	}.run(t)
}

func TestT27DotSegments(t *testing.T) {
	t.Parallel()
	list := []string{"GET /v1/{id}", "GET /v1/{a}/{b}/admin"}
	matchCase{
		routes: list,
		want: [][2]string{
			{"GET /v1/..", "GET /v1/{id} id=.."},
			{"GET /v1/%2e%2E", "GET /v1/{id} id=.."},
			{"GET /v1/.", "GET /v1/{id} id=."},
			{"GET /v1/x/../admin", "GET /v1/{a}/{b}/admin a=x b=.."},
			{"GET /../v1/x", "not found"},
		},
	}.run(t)
	refused := "bad path: the path has a segment that is a single or double dot"
	matchCase{
		config: httprule.Config{RejectDotSegments: true},
		routes: list,
		want: [][2]string{
			{"GET /v1/..", refused},
			{"GET /v1/.", refused},
			{"GET /v1/%2e%2E", refused},
			{"GET /v1/.%2e", refused},
			{"GET /../v1/x", refused},
			{"GET /v1/...", "GET /v1/{id} id=..."},
			{"GET /v1/a..", "GET /v1/{id} id=a.."},
			{"GET /v1/..;x", "GET /v1/{id} id=..;x"},     // A5: no parameters, so no dots either
			{"GET /v1/%2e%2e%2f", "GET /v1/{id} id=../"}, // T36: data in one segment
		},
	}.run(t)
}

func TestT28TrailingSlash(t *testing.T) {
	t.Parallel()
	list := []string{"GET /v1/users", "GET /v1/users/{id}", "POST /v1/users/{id}:cancel", "GET /v2/{name=**}", "GET /"}
	matchCase{
		config: httprule.Config{TrailingSlash: httprule.TrailingSlashIgnore},
		routes: list,
		want: [][2]string{
			{"GET /v1/users/", "GET /v1/users"},
			{"GET /v1/users/7/", "GET /v1/users/{id} id=7"},
			{"POST /v1/users/7:cancel/", "POST /v1/users/{id}:cancel id=7"},
			{"GET /v2/a/b/", "GET /v2/{name=**} name=a/b"},
			{"GET /v2/", "GET /v2/{name=**} name="},
			{"GET /v1/users//", "not found"}, // only one slash is ignored
			{"GET //", "not found"},
			{"GET /", "GET /"},
			{"PUT /v1/users/", "method not allowed GET,HEAD,OPTIONS"},
			{"GET /v1/users/7", "GET /v1/users/{id} id=7"},
		},
	}.run(t)
	matchCase{
		config: httprule.Config{TrailingSlash: httprule.TrailingSlashRedirect},
		routes: list,
		want: [][2]string{
			{"GET /v1/users/", "redirect /v1/users"},
			{"GET /v1/users/%2f/", "redirect /v1/users/%2f"},
			{"POST /v1/users/7:cancel/", "redirect /v1/users/7:cancel"},
			{"GET /v1/users//", "not found"},
			{"GET //evil.example/", "not found"}, // never a redirect to another host
			{`GET /\evil.example/`, "bad path: the path has a byte that must be percent-encoded"},
			{"PUT /v1/users/", "method not allowed GET,HEAD,OPTIONS"},
			{"GET /v3/", "not found"},
			{"GET /v1/users", "GET /v1/users"},
			{"GET /", "GET /"},
		},
	}.run(t)
}

func TestT29Verbs(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{
			"GET /v1/users/{id}", "POST /v1/users/{id}:cancel", "GET /v2/{id}:x", "GET /v2/{id}:y:x", "GET /v2/{id}", "POST /v3:batch", "GET /v1/a:b/{c}",
		},
		want: [][2]string{
			{"GET /v1/users/urn:x:1", "GET /v1/users/{id} id=urn:x:1"}, // no such verb
			{"GET /v1/users/urn:x", "GET /v1/users/{id} id=urn:x"},     // a verb of an unrelated API
			{"POST /v1/users/7:cancel", "POST /v1/users/{id}:cancel id=7"},
			{"POST /v1/users/urn:7:cancel", "POST /v1/users/{id}:cancel id=urn:7"}, // only behind the last colon
			{"GET /v1/users/7:cancel", "GET /v1/users/{id} id=7:cancel"},           // T22: no route with the verb for GET
			{"PUT /v1/users/7:cancel", "method not allowed GET,HEAD,OPTIONS,POST"}, // T41: both readings
			{"POST /v1/users/7", "method not allowed GET,HEAD,OPTIONS"},            // A11: never the other way round
			{"POST /v1/users/7:Cancel", "method not allowed GET,HEAD,OPTIONS"},     // T34
			{"POST /v1/users/7:cancel:", "method not allowed GET,HEAD,OPTIONS"},    // an empty verb is none
			{"POST /v1/users/7:cancel/x", "not found"},                             // a colon before the last segment is data
			{"GET /v2/7:x", "GET /v2/{id}:x id=7"},
			{"GET /v2/7:y:x", "GET /v2/{id}:y:x id=7"}, // T32: the longest
			{"GET /v2/7:z:x", "GET /v2/{id}:x id=7:z"},
			{"GET /v2/7:y", "GET /v2/{id} id=7:y"},
			{"GET /v2/:x", "GET /v2/{id} id=:x"}, // T31: the search goes on
			{"GET /v2/::x", "GET /v2/{id}:x id=:"},
			{"POST /v3:batch", "POST /v3:batch"},
			{"POST /v3", "not found"},
			{"GET /v1/a:b/7", "GET /v1/a:b/{c} c=7"},
		},
	}.run(t)
}

func TestT30EncodedColon(t *testing.T) {
	t.Parallel()
	matchCase{ // A11
		routes: []string{"GET /v1/{id}", "GET /v1/{id}:cancel", "GET /v1/x/{a}:c%20d"},
		want: [][2]string{
			{"GET /v1/a%3Acancel", "GET /v1/{id} id=a:cancel"},
			{"GET /v1/a%3acancel", "GET /v1/{id} id=a:cancel"},
			{"GET /v1/a:cancel", "GET /v1/{id}:cancel id=a"},
			{"GET /v1/a%3Acancel:cancel", "GET /v1/{id}:cancel id=a:cancel"},
			{"GET /v1/a:%63ancel", "GET /v1/{id}:cancel id=a"}, // T33 holds for verbs
			{"GET /v1/x/a:c%20d", "GET /v1/x/{a}:c%20d a=a"},
			{"GET /v1/%61:cancel", "GET /v1/{id}:cancel id=a"},
		},
	}.run(t)
}

func TestT33Literals(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users", "GET /v1/a%2Fb", "GET /v1/%7Eme", "GET /v1/c@d", "GET /v1/e%40f", "GET /v1/long/" + strings.Repeat("x", 150)},
		want: [][2]string{
			{"GET /v1/%75sers", "GET /v1/users"},
			{"GET /%76%31/%75%73%65%72%73", "GET /v1/users"},
			{"GET /v1/a%2Fb", "GET /v1/a%2Fb"},
			{"GET /v1/a%2fb", "GET /v1/a%2Fb"},
			{"GET /v1/a/b", "not found"},
			{"GET /v1/~me", "GET /v1/~me"},
			{"GET /v1/%7eme", "GET /v1/~me"},
			{"GET /v1/c%40d", "not found"}, // reserved characters stay distinct
			{"GET /v1/e@f", "not found"},
			{"GET /v1/e%40f", "GET /v1/e%40f"},
			{"GET /v1/users%20", "not found"},
			{"GET /v1/long/%78" + strings.Repeat("x", 149), "GET /v1/long/" + strings.Repeat("x", 150)},
		},
	}.run(t)
}

func TestT34CaseSensitive(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users", "POST /v1/users:cancel", "get /v2/x", "PURGE /v1/cache"},
		want: [][2]string{
			{"GET /V1/users", "not found"},
			{"GET /v1/Users", "not found"},
			{"POST /v1/users:Cancel", "not found"},
			{"get /v1/users", "method not allowed GET,HEAD,OPTIONS"}, // A8
			{"Get /v1/users", "method not allowed GET,HEAD,OPTIONS"},
			{"GET /v2/x", "method not allowed OPTIONS,get"},
			{"get /v2/x", "get /v2/x"}, // it was asked for, with a warning
			{"PURGE /v1/cache", "PURGE /v1/cache"},
			{"purge /v1/cache", "method not allowed OPTIONS,PURGE"},
		},
	}.run(t)
}

func TestT35DecodedOnce(t *testing.T) {
	t.Parallel()
	matchCase{ // A3
		routes: []string{"GET /foo/{id}", "GET /multi/{name=**}"},
		want: [][2]string{
			{"GET /foo/%25", "GET /foo/{id} id=%"},
			{"GET /foo/%2541", "GET /foo/{id} id=%41"},
			{"GET /foo/%252F", "GET /foo/{id} id=%2F"},
			{"GET /foo/%5C", `GET /foo/{id} id=\`},
			{"GET /foo/a+b", "GET /foo/{id} id=a+b"}, // a plus is a plus in a path
			{"GET /foo/%20", "GET /foo/{id} id= "},
			{"GET /foo/%C3%BC", "GET /foo/{id} id=ü"},
			{"GET /multi/%2541/%25", "GET /multi/{name=**} name=%41/%"},
		},
	}.run(t)
}

func TestT36EncodedSlashInOneSegment(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/{id}", "GET /v1/{id}/x", "GET /v2/{name=a}"},
		want: [][2]string{
			{"GET /v1/a%2Fb", "GET /v1/{id} id=a/b"},
			{"GET /v1/a%2fb", "GET /v1/{id} id=a/b"},
			{"GET /v1/a%2Fx", "GET /v1/{id} id=a/x"}, // it never separates
			{"GET /v1/%2F/x", "GET /v1/{id}/x id=/"},
			{"GET /v2/%61", "GET /v2/{name=a} name=a"},
		},
	}.run(t)
}

func TestT37MultiSegmentDecoding(t *testing.T) {
	t.Parallel()
	list := []string{"GET /v1/{name=a/*/b}", "GET /v2/{name=**}", "GET /v3/{name=*}"}
	request := "/x%2Fy%2fz/%25%3A%40%20%41%C3%BC"
	for _, test := range []struct {
		mode httprule.Unescape
		want string
	}{
		{httprule.UnescapeExceptSlash, "x%2Fy%2fz/%:@ Aü"},
		{httprule.UnescapeExceptReserved, "x%2Fy%2fz/%%3A%40 Aü"},
		{httprule.UnescapeAll, "x/y/z/%:@ Aü"},
	} {
		matchCase{
			config: httprule.Config{Unescape: test.mode},
			routes: list,
			want: [][2]string{
				{"GET /v2" + request, "GET /v2/{name=**} name=" + test.want},
				{"GET /v3/%2F%3A", "GET /v3/{name} name=/:"}, // one segment is always decoded wholly
			},
		}.run(t)
	}
	matchCase{ // A4: the pattern with a bound number of segments is a multi-segment variable all the same
		routes: list,
		want: [][2]string{
			{"GET /v1/a/x%2Fy/b", "GET /v1/{name=a/*/b} name=a/x%2Fy/b"},
			{"GET /v1/a/x%20y/b", "GET /v1/{name=a/*/b} name=a/x y/b"},
			{"GET /v2/only%2Fone", "GET /v2/{name=**} name=only%2Fone"}, // ** is multi-segment even when it covers one
		},
	}.run(t)
}

func TestT38MalformedPaths(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{}, "GET /v1/{id}", "GET /v1/{id}:x")
	for _, test := range []struct {
		path string
		want httprule.Fault
	}{
		{"/v1/%", httprule.FaultEscape},
		{"/v1/%2", httprule.FaultEscape},
		{"/v1/%zz", httprule.FaultEscape},
		{"/v1/%2g", httprule.FaultEscape},
		{"/v1/a%2:x", httprule.FaultEscape},
		{"/nowhere/%", httprule.FaultEscape}, // a bad escape is never a 404
		{"/v1/%00", httprule.FaultNul},       // A3
		{"/v1/a%00b", httprule.FaultNul},
		{"/v1/a#b", httprule.FaultByte}, // A6
		{"/v1/a?b", httprule.FaultByte},
		{"/v1/a b", httprule.FaultByte},
		{"/v1/a\tb", httprule.FaultByte},
		{"/v1/a\x00", httprule.FaultByte},
		{"/v1/a\x7f", httprule.FaultByte},
		{"/v1/ü", httprule.FaultByte},
		{"/v1/\xff", httprule.FaultByte},
		{`/v1/a\b`, httprule.FaultByte},
		{"", httprule.FaultNoSlash},
		{"v1/x", httprule.FaultNoSlash}, // A1
		{"*", httprule.FaultNoSlash},
		{"http://host/v1/x", httprule.FaultNoSlash}, // A8
		{"%2Fv1/x", httprule.FaultNoSlash},
	} {
		var m httprule.Match
		if got := table.Match(&m, "GET", test.path); got != httprule.BadPath || m.Fault() != test.want || m.Binding() != nil {
			t.Errorf("%q: %s, %q; want bad path, %q", test.path, outcomeName(got), m.Fault(), test.want)
		}
		if m.Fault().String() == "" || m.Allowed() != nil {
			t.Errorf("%q: fault %q, allowed %v", test.path, m.Fault(), m.Allowed())
		}
	}
}

func TestT39InvalidUTF8(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{}, "GET /v1/{id}", "GET /v2/{name=**}")
	for _, test := range []struct {
		path  string
		valid bool
	}{
		{"/v1/%C3%BC", true},
		{"/v1/%FF", false},
		{"/v1/%C3", false},
		{"/v1/%ED%A0%80", false}, // half a surrogate pair
		{"/v1/%C0%AF", false},    // an overlong slash
		{"/v2/%C3/%BC", false},
		{"/v2/%C3%BC/%2F", true},
	} {
		var m httprule.Match
		if got := table.Match(&m, "GET", test.path); got != httprule.Found {
			t.Fatalf("%s: %s", test.path, outcomeName(got))
		}
		value, err := m.Value(0)
		if (err == nil) != test.valid || err != nil && !errors.Is(err, httprule.ErrInvalidUTF8) {
			t.Errorf("%s: %q, %v", test.path, value, err)
		}
		if _, err := m.AppendValue(nil, 0); (err == nil) != test.valid {
			t.Errorf("%s: append: %v", test.path, err)
		}
	}
}

func TestT40Allowed(t *testing.T) {
	t.Parallel()
	list := []string{
		"GET /v1/users/{id}", "DELETE /v1/users/me", "PATCH /v1/{name=**}", "POST /v1/users/{id}:cancel", "PURGE /v1/users/{id}", "* /v2/any", "POST /v3/x", "OPTIONS /v4/x",
	}
	matchCase{
		routes: list,
		want: [][2]string{
			{"PUT /v1/users/me", "method not allowed DELETE,GET,HEAD,OPTIONS,PATCH,PURGE"}, // T41: all templates
			{"PUT /v1/users/7", "method not allowed GET,HEAD,OPTIONS,PATCH,PURGE"},
			{"PUT /v1/users/7:cancel", "method not allowed GET,HEAD,OPTIONS,PATCH,POST,PURGE"},
			{"PUT /v1/x", "method not allowed OPTIONS,PATCH"},
			{"TRACE /v2/any", "method not allowed DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"}, // T47
			{"GET /v3/x", "method not allowed OPTIONS,POST"},
			{"HEAD /v3/x", "method not allowed OPTIONS,POST"},
			{"OPTIONS /v3/x", "options OPTIONS,POST"}, // T44
			{"OPTIONS /v1/users/me", "options DELETE,GET,HEAD,OPTIONS,PATCH,PURGE"},
			{"OPTIONS /v4/x", "OPTIONS /v4/x"},
			{"OPTIONS /v2/any", "* /v2/any"}, // T45: any method is any method
			{"OPTIONS /v5", "not found"},
			{"PUT /v5", "not found"}, // T42
		},
	}.run(t)
	matchCase{
		config: httprule.Config{DisableDerivedHead: true},
		routes: list,
		want: [][2]string{
			{"HEAD /v1/users/7", "method not allowed GET,OPTIONS,PATCH,PURGE"},
			{"HEAD /v2/any", "* /v2/any"},
		},
	}.run(t)
	table := build(t, httprule.Config{}, "GET /v1")
	var m httprule.Match
	if got := m.Allowed(); got != nil {
		t.Errorf("unused match: %v", got)
	}
	table.Match(&m, "GET", "/v2")
	if got := m.Allowed(); got != nil {
		t.Errorf("unknown path: %v", got)
	}
	table.Match(&m, "GET", "/v1")
	m.Reset()
	if m.Binding() != nil || m.Allowed() != nil {
		t.Error("a reset match still holds something")
	}
}

func TestT43Head(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"GET /v1/users/me", "HEAD /v1/users/{id}", "GET /v2/{id}", "* /v2/{name=**}", "POST /v3", "HEAD /v4/{id}:x", "GET /v4/{id}", "GET /v5", "* /v5"},
		want: [][2]string{
			{"HEAD /v1/users/me", "HEAD /v1/users/{id} id=me"}, // an explicit one wins, even if less specific
			{"GET /v1/users/me", "GET /v1/users/me"},
			{"HEAD /v2/7", "GET /v2/{id} id=7"}, // derived
			{"HEAD /v2/7/8", "* /v2/{name=**} name=7/8"},
			{"HEAD /v3", "method not allowed OPTIONS,POST"},
			{"HEAD /v4/a:x", "HEAD /v4/{id}:x id=a"},
			{"HEAD /v4/a", "GET /v4/{id} id=a"},
			{"HEAD /v5", "GET /v5"},
			{"PUT /v5", "* /v5"},
		},
	}.run(t)
	matchCase{
		config: httprule.Config{DisableDerivedHead: true},
		routes: []string{"GET /v1", "HEAD /v2"},
		want:   [][2]string{{"HEAD /v1", "method not allowed GET,OPTIONS"}, {"HEAD /v2", "HEAD /v2"}},
	}.run(t)
}

func TestT45AnyMethod(t *testing.T) {
	t.Parallel()
	matchCase{
		routes: []string{"* /v1/{id}", "GET /v1/{id}", "GET /v2/{name=**}", "* /v2/x"},
		want: [][2]string{
			{"GET /v1/7", "GET /v1/{id} id=7"}, // the specific one on the same template
			{"POST /v1/7", "* /v1/{id} id=7"},
			{"PURGE /v1/7", "* /v1/{id} id=7"},
			{"get /v1/7", "* /v1/{id} id=7"}, // a method of its own; T34
			{"GET /v2/x", "* /v2/x"},         // the more specific template comes first
			{"GET /v2/y", "GET /v2/{name=**} name=y"},
		},
	}.run(t)
}

func TestT47NeverMatched(t *testing.T) {
	t.Parallel()
	var want [][2]string
	for _, kind := range []string{"CONNECT", "TRACE", "PRI", "", "*", "GE\tT", "GÉT", "GET\x00", strings.Repeat("A", 65), strings.Repeat("A", 70_000)} { // A8
		want = append(want,
			[2]string{kind + " /v1/x", "method not allowed DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"},
			[2]string{kind + " /v2/x", "not found"})
	}
	want = append(want, [2]string{strings.Repeat("A", 64) + " /v1/x", "* /v1/{id} id=x"})
	matchCase{routes: []string{"* /v1/{id}"}, want: want}.run(t)
}

func TestT15LiteralTails(t *testing.T) {
	t.Parallel()
	matchCase{
		config: httprule.Config{Grammar: httprule.Grammar{LiteralTail: true}},
		routes: []string{
			"GET /v1/{name=**}", "GET /v1/{name=**}/config", "GET /v1/{name=**}/a/config", "GET /v1/{name=x/**/config}", "POST /v1/{name=**}/config:reset", "PUT /{name=**}/x",
		},
		want: [][2]string{
			{"GET /v1/a/b", "GET /v1/{name=**} name=a/b"},
			{"GET /v1/b/config", "GET /v1/{name=**}/config name=b"},
			{"GET /v1/a/config", "GET /v1/{name=**}/a/config name="}, // the longest tail
			{"GET /v1/b/a/config", "GET /v1/{name=**}/a/config name=b"},
			{"GET /v1/x/config", "GET /v1/{name=x/**/config} name=x/config"}, // a literal before **
			{"GET /v1/x/a/config", "GET /v1/{name=x/**/config} name=x/a/config"},
			{"GET /v1/config", "GET /v1/{name=**}/config name="},
			{"POST /v1/a/b/config:reset", "POST /v1/{name=**}/config:reset name=a/b"},
			{"POST /v1/config", "method not allowed GET,HEAD,OPTIONS"},
			{"PUT /x", "PUT /{name=**}/x name="},
			{"PUT /x/x", "PUT /{name=**}/x name=x"},
			{"PUT /y", "not found"},
			{"PUT /", "not found"},
		},
	}.run(t)
	matchCase{ // a variable of literals behind ** moves with what ** covers
		config: httprule.Config{Grammar: httprule.Grammar{LiteralTail: true}},
		routes: []string{"GET /v1/{a}/{name=**}/{b=x/y}:go"},
		want: [][2]string{
			{"GET /v1/1/x/y:go", "GET /v1/{a}/{name=**}/{b=x/y}:go a=1 name= b=x/y"},
			{"GET /v1/1/2/3/x/%79:go", "GET /v1/{a}/{name=**}/{b=x/y}:go a=1 name=2/3 b=x/y"},
		},
	}.run(t)
}
