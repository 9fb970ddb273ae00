// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

func TestT16Conflicts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ a, b, want string }{
		{"GET /v1/users/{id}", "GET /v1/users/{name}", "GET /v1/users/*"},   // names do not matter
		{"GET /v1/users/{id}", "GET /v1/users/*", "GET /v1/users/*"},        // nor does a wildcard without one
		{"GET /v1/{name=users/*}", "GET /v1/users/{id}", "GET /v1/users/*"}, // nor where variables begin
		{"GET /v1/%75sers", "GET /v1/users", "GET /v1/users"},               // literals are normalised
		{"GET /v1/a%2fb", "GET /v1/a%2Fb", "GET /v1/a%2Fb"},
		{"GET /v1/{name=**}:x", "GET /v1/**:%78", "GET /v1/**:x"},
		{"GET /v1/x", "GET /v1/x", "GET /v1/x"},
		{"* /v1/x", "* /v1/x", "* /v1/x"},
		{"GET /v1/x", "HEAD /v1/x", ""}, // T43
		{"GET /v1/x", "* /v1/x", ""},    // T45
		{"GET /v1/x", "get /v1/x", ""},  // T34
		{"GET /v1/x", "POST /v1/x", ""},
		{"GET /v1/x", "GET /v1/x:y", ""},
		{"GET /v1/a%2Fb", "GET /v1/a/b", ""},
		{"GET /v1/x@y", "GET /v1/x%40y", ""}, // T33: reserved characters stay distinct
		{"GET /v1/{id}", "GET /v1/{name=**}", ""},
		{"GET /a/{id}/c", "GET /a/b/{id}", ""}, // T17: an overlap
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			table, problems := httprule.Build(routes(t, pair[0], pair[1]), httprule.Config{})
			errors := slices.DeleteFunc(problems, func(p httprule.Problem) bool { return p.Severity == httprule.SeverityWarning })
			if test.want == "" {
				if table == nil || len(errors) > 0 {
					t.Errorf("%q: %v", pair, problems)
				}
				continue
			}
			if table != nil || len(errors) != 1 {
				t.Errorf("%q: table %v, problems %v", pair, table, problems)
				continue
			}
			p := errors[0]
			got := fmt.Sprintf("%s %s %s %s", p.Code, p.Message, p.Place.Method, p.Related[0].Place.Method)
			if want := "DG1107 two methods claim " + test.want + " test.S.M1 test.S.M0"; got != want {
				t.Errorf("%q: %s, want %s", pair, got, want)
			}
		}
	}
}

func TestT16ConflictWithinOneMethod(t *testing.T) {
	t.Parallel()
	_, problems := httprule.Build(load(t, method{"S.A", "", `get: "/v1/{a}" additional_bindings { get: "/v1/{b}" }`}), httprule.Config{})
	want := []string{"error DG1107 get:0:0 test.S.A claims GET /v1/* twice"}
	if diff := cmp.Diff(want, problemLines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestT16ConflictHelp: what is to be pasted hides the one and not the other.
func TestT16ConflictHelp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reason        string
		first, second protoreflect.FullName
		want          string
	}{
		{"two packages", "acme.legacy.People", "acme.users.v1.Users", `, or hide one: schemas.hide: ["acme.legacy.**"] or ["acme.users.v1.**"]`},
		{"a package and one within it", "acme.People", "acme.users.Users", `, or hide one: schemas.hide: ["acme.People"] or ["acme.users.**"]`},
		{"names that only begin alike", "acme.a.People", "acme.ab.Users", `, or hide one: schemas.hide: ["acme.a.**"] or ["acme.ab.**"]`},
		{"one package", "acme.People", "acme.Users", `, or hide one: schemas.hide: ["acme.People"] or ["acme.Users"]`},
		{"no package", "People", "acme.Users", `, or hide one: schemas.hide: ["People"] or ["acme.**"]`},
		{"one service, which would be hidden as a whole", "acme.Users", "acme.Users", ""},
	} {
		methods := []protoreflect.MethodDescriptor{methodIn(t, row.first, 0), methodIn(t, row.second, 1)}
		var rules []*annotations.HttpRule
		for _, m := range methods {
			rules = append(rules, &annotations.HttpRule{Selector: string(m.FullName()), Pattern: &annotations.HttpRule_Get{Get: "/v1/users"}})
		}
		_, problems := httprule.Build(methods, httprule.Config{Rules: rules})
		if len(problems) != 1 || problems[0].Help != "change one path"+row.want {
			t.Errorf("%s: %v; want %q", row.reason, problems, row.want)
		}
	}
}

// methodIn makes a service with one method, the number of which is in its name.
func methodIn(t *testing.T, service protoreflect.FullName, number int) protoreflect.MethodDescriptor {
	t.Helper()
	const empty = "google.protobuf.Timestamp"
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("in.proto"), Package: proto.String(string(service.Parent())), Dependency: []string{"google/protobuf/timestamp.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(string(service.Name())), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String(fmt.Sprintf("M%d", number)), InputType: proto.String("." + empty), OutputType: proto.String("." + empty)},
		}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0).Methods().Get(0)
}

func TestT16FirstWins(t *testing.T) {
	t.Parallel()
	methods := load(t,
		method{"Zoo.Get", "", `get: "/v1/{a}"`},
		method{"Ape.Get", "", `get: "/v0" additional_bindings { get: "/v1/{b}" } additional_bindings { get: "/v1/{c}" }`},
		method{"Bee.Get", "", `get: "/v1/{id}"`},
	)
	want := []string{
		"test.Ape.Get 2 stays with test.Ape.Get 1",
		"test.Bee.Get 0 stays with test.Ape.Get 1",
		"test.Zoo.Get 0 stays with test.Ape.Get 1",
	}
	for seed := range uint64(6) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(methods), func(i, j int) { methods[i], methods[j] = methods[j], methods[i] })
		table, problems := httprule.Build(methods, httprule.Config{OnConflict: httprule.ConflictFirstWins})
		if table == nil {
			t.Fatal(problems)
		}
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%s %d stays with %s %d", p.Place.Method, p.Place.Rule, p.Related[0].Place.Method, p.Related[0].Place.Rule))
			if p.Severity != httprule.SeverityWarning || p.Note != "test.Ape.Get keeps the route until this is solved" {
				t.Errorf("problem %v", p)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		if got := ask(t, table, "GET /v1/x"); got != "GET /v1/{b} b=x" {
			t.Error(got)
		}
		if diff := cmp.Diff([]string{"Get 0 annotation GET /v0", "Get 1 annotation GET /v1/{b}"}, bindLines(table.Bindings())); diff != "" {
			t.Errorf("bindings (-want +got):\n%s", diff)
		}
	}
}

// A12: a second set that claims a route does not make a table, so the old one stays.
func TestThreatA12Shadowing(t *testing.T) {
	t.Parallel()
	methods := load(t, method{"Admin.Delete", "", `delete: "/v1/admin/{id}"`}, method{"A.Fake", "", `delete: "/v1/admin/{name}"`})
	if table, problems := httprule.Build(methods[:1], httprule.Config{}); table == nil {
		t.Fatal(problems)
	}
	table, problems := httprule.Build(methods, httprule.Config{})
	if table != nil || len(problems) != 1 || problems[0].Place.Method != "test.Admin.Delete" || problems[0].Related[0].Place.Method != "test.A.Fake" {
		t.Errorf("table %v, problems %v", table, problems)
	}
}

func TestT17Overlaps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		routes []string
		want   []string // first, second, example, crossing
	}{
		{[]string{"GET /a/{id}/c", "GET /a/b/{id}"}, []string{"GET /a/b/{id} | GET /a/{id}/c | /a/b/c | true"}},
		{[]string{"GET /users/me", "GET /users/{id}"}, []string{"GET /users/me | GET /users/{id} | /users/me | false"}},
		{[]string{"GET /users/{id}", "GET /{name=**}"}, []string{"GET /users/{id} | GET /{name=**} | /users/x | false"}},
		{[]string{"GET /{name=a/**}", "GET /{id}/b"}, []string{"GET /{name=a/**} | GET /{id}/b | /a/b | true"}},
		{[]string{"GET /{name=a/**}", "GET /{name=**}"}, []string{"GET /{name=a/**} | GET /{name=**} | /a | false"}},
		{[]string{"GET /{name=**}", "GET /"}, []string{"GET / | GET /{name=**} | / | false"}},
		{[]string{"GET /{name=**}/x", "GET /{name=**}/x/y"}, nil},
		{[]string{"GET /{name=**}/x", "GET /{name=**}/y/x"}, []string{"GET /{name=**}/y/x | GET /{name=**}/x | /y/x | false"}},
		{[]string{"GET /{name=**}/x", "GET /a/{id}"}, []string{"GET /a/{id} | GET /{name=**}/x | /a/x | true"}},
		{[]string{"GET /{name=**}/x", "GET /x"}, []string{"GET /x | GET /{name=**}/x | /x | false"}},
		{[]string{"GET /{name=**}/x/y", "GET /y"}, nil},
		{[]string{"GET /{name=a/**}", "GET /{name=**/b}"}, []string{"GET /{name=a/**} | GET /{name=**/b} | /a/b | true"}},
		{[]string{"GET /{id}:go", "GET /x:go"}, []string{"GET /x:go | GET /{id}:go | /x:go | false"}},
		{[]string{"GET /x/{id}", "GET /{id}/y"}, []string{"GET /x/{id} | GET /{id}/y | /x/y | true"}}, // the filler is no literal
		{[]string{"GET /x", "GET /y"}, nil},
		{[]string{"GET /{id}", "POST /me"}, nil}, // other methods never meet
		{[]string{"* /{id}", "POST /me"}, []string{"POST /me | * /{id} | /me | false"}},
		{[]string{"* /{id}", "POST /{id}"}, nil}, // T45: one template
		{[]string{"GET /{id}:go", "GET /{id}"}, nil},
		{[]string{"GET /{id}", "GET /{a}/{b}"}, nil},
	} {
		c := httprule.Config{Grammar: httprule.Grammar{LiteralTail: true}}
		for range 2 {
			slices.Reverse(test.routes)
			table := build(t, c, test.routes...)
			overlaps, complete := table.Overlaps()
			var got []string
			for _, o := range overlaps {
				got = append(got, fmt.Sprintf("%s | %s | %s | %t", o.First, o.Second, o.Example, o.Crossing))
			}
			if diff := cmp.Diff(test.want, got); diff != "" || !complete {
				t.Errorf("%q: complete %t, overlaps (-want +got):\n%s", test.routes, complete, diff)
			}
		}
	}
}

// Every overlap is one, its example proves it, and none is left out: against all pairs and the reference.
func TestT17OverlapsAgainstReference(t *testing.T) {
	t.Parallel()
	c := httprule.Config{Grammar: httprule.Grammar{LiteralTail: true}, OnConflict: httprule.ConflictFirstWins}
	for seed := range uint64(150) {
		d := dice{rand.New(rand.NewPCG(seed, 11))}
		var list []string
		for range 10 {
			list = append(list, d.rule())
		}
		table := build(t, c, list...)
		overlaps, complete := table.Overlaps()
		if !complete {
			t.Fatal("not complete")
		}
		reported := make(map[[2]*httprule.Binding]bool)
		for _, o := range overlaps {
			if reported[[2]*httprule.Binding{o.First, o.Second}] || reported[[2]*httprule.Binding{o.Second, o.First}] {
				t.Errorf("%s and %s are reported twice", o.First, o.Second)
			}
			reported[[2]*httprule.Binding{o.First, o.Second}] = true
			segments := strings.Split(strings.TrimSuffix(o.Example, ":"+o.First.Template.Verb()), "/")[1:]
			if len(segments) == 1 && segments[0] == "" {
				segments = nil
			}
			for _, b := range []*httprule.Binding{o.First, o.Second} {
				if !matches(b.Template.Segments(), segments) {
					t.Errorf("%s does not match %s", b, o.Example)
				}
			}
			if rank(o.First.Template) > rank(o.Second.Template) {
				t.Errorf("%s is preferred to %s, but reported second", o.Second, o.First)
			}
		}
		// A path that two templates match is proof of an overlap.
		for range 300 {
			path := d.path()
			for _, read := range (reference{table.Bindings(), c}).readings(path) {
				var met []*httprule.Binding
				for _, b := range table.Bindings() {
					if b.Template.Verb() == read.verb && matches(b.Template.Segments(), read.segments) {
						met = append(met, b)
					}
				}
				for i, a := range met {
					for _, b := range met[:i] {
						sameMethod := a.HTTPMethod == b.HTTPMethod || a.HTTPMethod == "*" || b.HTTPMethod == "*"
						if sameMethod && a.Template.Key() != b.Template.Key() && !reported[[2]*httprule.Binding{a, b}] && !reported[[2]*httprule.Binding{b, a}] {
							t.Errorf("%s and %s both match %s, but no overlap is reported", a, b, path)
						}
					}
				}
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: %q", seed, list)
		}
	}
}

func TestOverlapsAreBounded(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf("GET /{a}/m%d", i), fmt.Sprintf("GET /n%d/{b}", i))
	}
	overlaps, complete := build(t, httprule.Config{}, list...).Overlaps()
	if len(overlaps) != 1000 || complete {
		t.Errorf("%d overlaps, complete %t; want the first 1000 of 3600", len(overlaps), complete)
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{},
		"GET /v1/users/{id}", "GET /v1/users/me", "POST /v1/users/{id}:cancel", "DELETE /v1/users/{id}", "GET /v1/{name=**}",
		"GET /v1/users/{a}/books/{b}", "GET /v2/books", "* /v1/users/me", "HEAD /v1/head", "GET /v1/{name=head/**}",
	)
	for _, test := range []struct {
		request string
		want    []string
	}{
		{"GET /v1/users/me", []string{
			"GET /v1/users/me: ",
			"* /v1/users/me: GET /v1/users/me names the method",
			"GET /v1/users/{id}: GET /v1/users/me is more specific",
			"DELETE /v1/users/{id}: the method is GET, the rule has DELETE",
			"GET /v1/{name=**}: GET /v1/users/me is more specific",
			"GET /v1/users/{a}/books/{b}: the path has 3 segments, the template more",
			`HEAD /v1/head: segment 2 is "users", the template has "head"`,
			`GET /v1/{name=head/**}: segment 2 is "users", the template has "head"`,
			"POST /v1/users/{id}:cancel: the path does not end in the verb :cancel",
			`GET /v2/books: segment 1 is "v1", the template has "v2"`,
		}},
		{"POST /v1/users/7:cancel", []string{
			"POST /v1/users/{id}:cancel: ",
			"GET /v1/users/{id}: the method is POST, the rule has GET",
			"DELETE /v1/users/{id}: the method is POST, the rule has DELETE",
		}},
		{"DELETE /v1/users/", []string{
			"GET /v1/users/{id}: segment 3 is empty",
			`GET /v1/users/me: segment 3 is empty`,
			"DELETE /v1/users/{id}: segment 3 is empty",
		}},
		{"HEAD /v1/head", []string{
			"HEAD /v1/head: ",
			"GET /v1/{name=head/**}: HEAD /v1/head has HEAD itself",
			"GET /v1/{name=**}: HEAD /v1/head has HEAD itself",
		}},
		{"TRACE /v1/users/me", []string{
			"GET /v1/users/me: the method is TRACE, the rule has GET",
			"* /v1/users/me: TRACE never matches a rule",
		}},
		{"GET /v1/%", nil},
	} {
		kind, path, _ := strings.Cut(test.request, " ")
		_, candidates := table.Candidates(kind, path)
		var got []string
		for _, c := range candidates {
			got = append(got, c.Binding.String()+": "+c.Reason)
		}
		if len(got) > len(test.want) {
			got = got[:len(test.want)]
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.request, diff)
		}
	}
	redirecting := build(t, httprule.Config{TrailingSlash: httprule.TrailingSlashRedirect}, "GET /v1/x")
	outcome, candidates := redirecting.Candidates("GET", "/v1/x/")
	if outcome != httprule.Redirect || candidates[0].Reason != "the path has a slash at its end" {
		t.Errorf("%s, %+v", outcomeName(outcome), candidates)
	}
}

// A table is shared by goroutines, each with its own Match.
func TestTableIsShared(t *testing.T) {
	t.Parallel()
	table := build(t, httprule.Config{}, "GET /v1/{id}", "POST /v1/{id}:cancel", "GET /v2/{name=**}")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			var m httprule.Match
			for i := range 200 {
				if table.Match(&m, "GET", fmt.Sprintf("/v1/%%30%d", i)) != httprule.Found || m.Allowed() == nil {
					t.Error("not found")
				}
				if value, err := m.Value(0); value != fmt.Sprintf("0%d", i) || err != nil {
					t.Errorf("value %q, %v", value, err)
				}
			}
			table.Overlaps()
			table.Candidates("GET", "/v1/x")
		})
	}
	group.Wait()
}
