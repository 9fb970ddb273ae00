// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

func TestThreatA1A2CanonicalOnly(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{}, "POST /canary.Admin/Delete", "GET /v1/admin/delete")
	for _, path := range []string{
		"canary.Admin/Delete", "//canary.Admin/Delete", "/canary.Admin//Delete", "/./canary.Admin/Delete", "/canary.Admin/./Delete",
		"/x/../canary.Admin/Delete", "/canary.Admin/Delete/", "/canary.Admin/Delete//", "/canary.Admin/Delete/.", "/canary.Admin%2FDelete",
		"/canary.admin/Delete", "/canary.Admin/delete", "/canary.Admin/Delete;a", "/canary.Admin;a/Delete", "/canary.Admin/Delete%00",
		"/canary.Admin/Delete#", "/canary.Admin/Delete?", "/canary.Admin/Delete%20", "/canary.Admin/Delete ", `/canary.Admin\Delete`,
		"/%2Fcanary.Admin/Delete", "/canary.Admin/Delete:x", "/canary.Admin/Delete:", "/canary%2EAdmin%2FDelete", "/v1/admin;x=y/delete", "/v1/admin/delete;x",
		"http://canary/canary.Admin/Delete", "/%63anary.Admin%252FDelete", "/\xefcanary.Admin/Delete",
	} {
		for _, kind := range []string{"GET", "POST", "*", "post", "CONNECT"} {
			var m httprule.Match
			if outcome := table.Match(&m, kind, path); outcome == httprule.Found || m.Binding() != nil {
				t.Errorf("%s %q reaches %s", kind, path, m.Binding())
			}
		}
	}
	// Unreserved characters mean the same encoded: this is one name, not two; T33.
	if got := ask(t, table, "POST /%63anary.Admin/Delete"); got != "POST /canary.Admin/Delete" {
		t.Error(got)
	}
}

// A3: whatever is in a segment, it arrives exactly so.
func FuzzThreatA3Segment(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "%2F", "%", "a:cancel", "..", ".", "ü", " ", "\\", "a;b", "#?", "users", "%25%32%46", "\x01", "+"} {
		f.Add(seed)
	}
	table := build(f, httprule.Config{}, "GET /v1/things/{id}", "POST /v1/things/{id}:cancel", "GET /v1/things/{a}/{b}", "GET /v1/all/{name=**}")
	f.Fuzz(func(t *testing.T, segment string) {
		if segment == "" || strings.Contains(segment, "\x00") || !utf8.ValidString(segment) || len(segment) > 2000 {
			return
		}
		escaped := escape(segment)
		for _, test := range [][2]string{
			{"GET /v1/things/" + escaped, "GET /v1/things/{id} id=" + segment},
			{"POST /v1/things/" + escaped + ":cancel", "POST /v1/things/{id}:cancel id=" + segment},
			{"GET /v1/things/" + escaped + "/" + escaped, "GET /v1/things/{a}/{b} a=" + segment + " b=" + segment},
			{"GET /v1/things/" + url.PathEscape(segment) + "/x", "GET /v1/things/{a}/{b} a=" + segment + " b=x"},
		} {
			if got := ask(t, table, test[0]); got != test[1] {
				t.Errorf("%q: %s\ngot  %q\nwant %q", segment, test[0], got, test[1])
			}
		}
	})
}

// escape encodes all but unreserved characters, as google/api/http.proto asks of clients.
func escape(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func TestT48Limits(t *testing.T) {
	t.Parallel()
	c := httprule.Config{MaxPathBytes: 20, MaxPathSegments: 3}
	matchCase{
		config: c,
		routes: []string{"GET /v1/{name=**}"},
		want: [][2]string{
			{"GET /v1/aaaaaaaaaaaaaaaa", "GET /v1/{name=**} name=aaaaaaaaaaaaaaaa"},
			{"GET /v1/aaaaaaaaaaaaaaaaa", "too long: the path is too long"},
			{"GET /v1/a/b", "GET /v1/{name=**} name=a/b"},
			{"GET /v1/a/b/c", "too long: the path has too many segments"},
			{"GET /v1/a/b/", "too long: the path has too many segments"},
			{"GET /////", "too long: the path has too many segments"},
		},
	}.run(t)
	// Beyond the inline offsets, up to the limits.
	for _, n := range []int{30, 31, 32, 33, 34, 100, 254} {
		tail := strings.Repeat("/a", n-1) + "/%62"
		matchCase{
			routes: []string{"GET /v1/{name=**}", "POST /v1/{name=**}:go"},
			want: [][2]string{
				{"GET /v1" + tail, "GET /v1/{name=**} name=" + tail[1:len(tail)-3] + "b"},
				{"POST /v1" + tail + ":go", "POST /v1/{name=**}:go name=" + tail[1:len(tail)-3] + "b"},
				{"GET /v1" + tail + "/", "not found"},
			},
		}.run(t)
	}
	long := "/" + strings.Repeat("a", httprule.DefaultMaxPathBytes-1)
	matchCase{
		routes: []string{"GET /{id}"},
		want: [][2]string{
			{"GET " + long, "GET /{id} id=" + long[1:]},
			{"GET " + long + "a", "too long: the path is too long"},
		},
	}.run(t)
	table, problems := httprule.Build(nil, httprule.Config{MaxPathBytes: httprule.HighestMaxPathBytes, MaxPathSegments: httprule.HighestMaxPathBytes})
	if table == nil {
		t.Fatal(problems)
	}
	var m httprule.Match
	if got := table.Match(&m, "GET", strings.Repeat("/a", httprule.HighestMaxPathBytes/2)); got != httprule.NotFound {
		t.Errorf("the longest path: %s", outcomeName(got))
	}
}

// T48: a set of rules for which some path has very many ways is refused as it is loaded.
func TestT48CostIsBounded(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 1 << 9 {
		path := ""
		for bit := range 9 {
			path += [2]string{"/a", "/*"}[i>>bit&1]
		}
		list = append(list, "GET "+path+fmt.Sprintf("/end%d", i))
	}
	table, problems := httprule.Build(routes(t, list...), httprule.Config{MaxVisits: 1000})
	want := []string{"error DG1120 :0:0 the worst path would take 1535 steps to match; the limit is 1000"}
	if diff := cmp.Diff(want, problemLines(problems)); diff != "" || table != nil {
		t.Errorf("table %v, problems (-want +got):\n%s", table, diff)
	}
	for _, test := range []struct {
		routes []string
		want   int
	}{
		{[]string{"GET /"}, 1},                              // the root alone
		{[]string{"GET /a/b", "GET /c"}, 3},                 // root, a, b: a path goes one way
		{[]string{"GET /a/b", "GET /{a}/b"}, 5},             // both ways may be gone
		{[]string{"GET /a/b:v", "GET /{a}/b"}, 10},          // with the verb and without
		{[]string{"GET /a/b:v:w", "GET /{a}/b"}, 15},        // with either verb and without
		{[]string{"GET /a/{name=**}", "GET /{name=**}"}, 4}, // root, a, and ** behind both
	} {
		if got := build(t, httprule.Config{}, test.routes...).Visits(); got != test.want {
			t.Errorf("%q: %d visits, want %d", test.routes, got, test.want)
		}
	}
	table, problems = httprule.Build(routes(t, list...), httprule.Config{})
	if table == nil || table.Visits() != 1535 {
		t.Errorf("problems %v, table %v", problems, table)
	}
}

// T48: the worst rules that are taken and the worst path for them, the longest paths, and the most that can be a verb.
func TestT48WorstPathIsCheap(t *testing.T) { //nolint:paralleltest // it measures
	var crossed []string
	for i := range 1 << 9 {
		path := ""
		for bit := range 9 {
			path += [2]string{"/a", "/*"}[i>>bit&1]
		}
		crossed = append(crossed, "GET "+path+fmt.Sprintf("/end%d", i))
	}
	tails := []string{"GET /{name=**}", "GET /{name=a/**}:v", "GET /{name=a/a/**}:v:v:v:v"}
	for _, test := range []struct {
		name   string
		routes []string
		path   string
	}{
		{"every way is gone", crossed, strings.Repeat("/a", 9) + "/none"},
		{"every way is gone, escaped", crossed, strings.Repeat("/%61", 9) + "/none"},
		{"many segments", tails, strings.Repeat("/a", httprule.DefaultMaxPathSegments)},
		{"many colons", tails, "/a/a/" + strings.Repeat(":", 8000)},
		{"many verbs", tails, "/a/a/" + strings.Repeat(":v", 4000)},
		{"one long segment", tails, "/" + strings.Repeat("a", httprule.DefaultMaxPathBytes-1)},
		{"one long segment of escapes", tails, "/" + strings.Repeat("%61", 2700)},
	} {
		table := build(t, httprule.Config{}, test.routes...)
		var m httprule.Match
		best := time.Hour
		for range 50 { // other work on the machine only adds
			start := time.Now()
			if outcome := table.Match(&m, "POST", test.path); outcome == httprule.MethodNotAllowed {
				m.Allowed()
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%s: %v, %d visits at most", test.name, best, table.Visits())
		if best > time.Millisecond {
			t.Errorf("%s: takes %v", test.name, best)
		}
	}
}

// A match is filled anew each time: nothing of an earlier request is left.
func TestMatchIsReused(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{}, "GET /v1/{name=**}", "GET /v2/{id}:x")
	var m httprule.Match
	for i, request := range [][2]string{
		{"/v1" + strings.Repeat("/%61", 100), "GET /v1/{name=**} name=" + strings.Repeat("a/", 99) + "a"},
		{"/v2/7:x", "GET /v2/{id}:x id=7"},
		{"/v1/b", "GET /v1/{name=**} name=b"},
		{"/v1" + strings.Repeat("/c", 50), "GET /v1/{name=**} name=" + strings.Repeat("c/", 49) + "c"},
		{"/v1", "GET /v1/{name=**} name="},
	} {
		if got := table.Match(&m, "GET", request[0]); got != httprule.Found {
			t.Fatalf("%d: %s", i, outcomeName(got))
		}
		if got := describe(t, &m); got != request[1] {
			t.Errorf("%d: %s, want %s", i, got, request[1])
		}
		if table.Match(&m, "GET", "/v1/%"); m.Binding() != nil {
			t.Errorf("%d: a bad path has the binding %s", i, m.Binding())
		}
	}
}
