// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const protos = `syntax = "proto3";
package acme.v1;

import "google/api/annotations.proto";

message M {
  string id = 1;
  string name = 2;
}

service Books {
  rpc Get(M) returns (M) {
    option (google.api.http) = {
      get: "/v1/annotated/{id}"
      additional_bindings: {get: "/v1/annotated/{id}/more"}
    };
  }
  rpc Put(M) returns (M) {
    option (google.api.http) = {put: "/v1/annotated/{name=**}"};
  }
  rpc Bare(M) returns (M);
}

service Shelves {
  rpc Get(M) returns (M);
}
`

// head is a configuration that loads protos with the files a.yaml and b.yaml.
const head = `version: v1
schemas: {sources: [{protos: {dir: proto}, http_rules: [a.yaml, b.yaml]}]%s}
backends: {all: {target: "localhost:1"}}
`

// built is what a test has of an assembly.
type built struct {
	assembly *assemble.Assembly
	routes   []string // "GET /v1/a = acme.v1.Books.Get config rest/a.yaml:3:5"
	bindings []*httprule.Binding
	doubts   []schema.Diagnostic
	err      error
}

// build loads a configuration and what it names from files, and makes a snapshot of it.
func build(t *testing.T, files map[string]string, env func(string) (string, bool)) built {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(dir, "dragoman.yaml"), config.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	a, err := assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	loads := make([]assemble.Loaded, len(a.Sources()))
	for i, s := range a.Sources() {
		if loads[i], err = s.Load(t.Context(), assemble.Loaded{}, false); err != nil {
			t.Fatal(err)
		}
	}
	b := built{assembly: a}
	snapshot, doubts, err := a.Build(loads)
	if b.doubts, b.err = doubts, err; err != nil {
		return b
	}
	t.Cleanup(snapshot.Release)
	b.bindings = snapshot.Mux.Routes().Bindings()
	for _, r := range b.bindings {
		at := strings.TrimPrefix(a.Declared(r).String(), dir+string(filepath.Separator))
		b.routes = append(b.routes, r.String()+" = "+string(r.Method.FullName())+" "+r.Place.Origin.String()+" "+at)
	}
	return b
}

func settings(more string) string { return strings.Replace(head, "%s", more, 1) }

// everything is the entry of a configuration that serves all by one backend.
const everything = "services: [{match: \"**\", backend: all}]\n"

// T10, T11: which rule is in force for a method, by selector and by place.
func TestWhichRuleIsInForce(t *testing.T) {
	t.Parallel()
	annotated := []string{
		"GET /v1/annotated/{id} = acme.v1.Books.Get annotation proto/books.proto:12:3",
		"GET /v1/annotated/{id}/more = acme.v1.Books.Get annotation proto/books.proto:12:3",
	}
	rest := []string{
		"PUT /v1/annotated/{name=**} = acme.v1.Books.Put annotation proto/books.proto:18:3",
		"POST /acme.v1.Shelves/Get = acme.v1.Shelves.Get default proto/books.proto:25:3",
	}
	bare := "POST /acme.v1.Books/Bare = acme.v1.Books.Bare default proto/books.proto:21:3"
	for _, row := range []struct {
		name, config, a, b string
		want               []string
	}{
		{
			"T10: an exact name", settings("") + everything, "{selector: acme.v1.Books.Bare, get: /v1/bare}", "{selector: acme.v1.Books.Bare, get: /v1/last}",
			append(append([]string{"GET /v1/last = acme.v1.Books.Bare config b.yaml:1:52"}, annotated...), rest...),
		},
		{
			"T10, T11: whole components, and the last rule wins", settings("") + everything, "{selector: acme.v1.Books.*, get: /v1/all}",
			"{selector: acme.v1.Books.Get, post: /v1/a, body: \"*\"}, {selector: acme.v1.Books.Put, put: /v1/b}",
			[]string{
				"GET /v1/all = acme.v1.Books.Bare config a.yaml:1:49", "POST /v1/a = acme.v1.Books.Get config b.yaml:1:52",
				"PUT /v1/b = acme.v1.Books.Put config b.yaml:1:106", rest[1],
			},
		},
		{
			"T11: added to annotations", settings(", merge_rules: add") + everything, "{selector: acme.v1.Books.Get, get: /v1/a}", "{selector: acme.v1.Books.Get, get: /v1/b}",
			append(append([]string{bare}, append(annotated,
				"GET /v1/a = acme.v1.Books.Get config a.yaml:1:51", "GET /v1/b = acme.v1.Books.Get config b.yaml:1:51")...), rest...),
		},
		{
			"the configuration's own stand alone, whatever is merged",
			settings(", merge_rules: add") + "services:\n  - match: acme.v1.Books\n    backend: all\n    methods:\n" +
				"      - {name: Get, http: [{get: /v1/own}, {custom: {kind: \"*\", path: '/v1/any'}}]}\n" +
				"  - {match: \"**\", backend: all, methods: [{name: Get, http: [{get: /v1/shelves}]}]}\n",
			"{selector: acme.v1.Books.Get, get: /v1/a}", "{selector: \"acme.v1.Books.Get, acme.v1.Shelves.Get\", get: '/v1/{no_field}'}",
			[]string{
				bare, "GET /v1/own = acme.v1.Books.Get config dragoman.yaml:8:34", "* /v1/any = acme.v1.Books.Get config dragoman.yaml:8:72",
				rest[0], "GET /v1/shelves = acme.v1.Shelves.Get config dragoman.yaml:9:68",
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := build(t, map[string]string{
				"dragoman.yaml": row.config, "proto/books.proto": protos,
				"a.yaml": "http: {rules: [" + row.a + "]}\n", "b.yaml": "http: {rules: [" + row.b + "]}\n",
			}, nil)
			if b.err != nil {
				t.Fatal(b.err)
			}
			if diff := cmp.Diff(row.want, b.routes); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// T12: a rule at an entry that is not in force for the service that has the method is for no method.
func TestT12RuleAtAnEntryThatIsNotInForce(t *testing.T) {
	t.Parallel()
	b := build(t, map[string]string{
		"dragoman.yaml": settings("") + "services:\n  - {match: acme.v1.Books, backend: all}\n" +
			"  - {match: \"**\", backend: all, methods: [{name: Bare, http: [{get: /v1/bare}]}]}\n",
		"proto/books.proto": protos,
		"a.yaml":            "http: {rules: [{selector: acme.v1.Books.Get, get: /v1/a}]}\n",
		"b.yaml":            "http: {rules: [{selector: acme.v1.Nothing.*, get: /v1/b}]}\n",
	}, nil)
	e, ok := errors.AsType[*schema.LoadError](b.err)
	if !ok || len(e.Diagnostics) != 2 {
		t.Fatalf("got %v; want two diagnostics", b.err)
	}
	for i, want := range []string{"b.yaml:1:27", "dragoman.yaml:6:50"} {
		if d := e.Diagnostics[i]; d.Code != string(httprule.CodeSelectorUnused) || !strings.HasSuffix(d.Position().String(), want) {
			t.Errorf("got %s; want %s at %s", d, httprule.CodeSelectorUnused, want)
		}
	}
}

// T37: what one file says of the decoding of variables is for its rules alone.
func TestT37FullyDecodeIsForTheFile(t *testing.T) {
	t.Parallel()
	b := build(t, map[string]string{
		"dragoman.yaml":     settings("") + "services: [{match: \"**\", backend: all, methods: [{name: Bare, http: [{get: '/v1/own/{name=**}'}]}]}]\n",
		"proto/books.proto": protos,
		"a.yaml":            "http: {fully_decode_reserved_expansion: true, rules: [{selector: acme.v1.Books.Get, get: '/v1/a/{name=**}'}]}\n",
		"b.yaml":            "http: {rules: [{selector: acme.v1.Shelves.Get, get: '/v1/b/{name=**}'}]}\n",
	}, nil)
	if b.err != nil {
		t.Fatal(b.err)
	}
	got := map[string]httprule.Unescape{}
	for _, r := range b.bindings {
		got[r.Template.String()] = r.Variables[0].Unescape
	}
	want := map[string]httprule.Unescape{
		"/v1/a/{name=**}": httprule.UnescapeAll, "/v1/b/{name=**}": 0, "/v1/own/{name=**}": 0, "/v1/annotated/{name=**}": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where a text is not written as it is read, the mark is where the value begins, and what a variable holds is not shown as source.
func TestPlacesOfTextsThatAreWrittenOtherwise(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) { return "/v1/{nothing}", name == "ROUTE" }
	b := build(t, map[string]string{
		"dragoman.yaml":     settings("") + "services: [{match: \"**\", backend: all, methods: [{name: Bare, http: [{get: \"${ROUTE}\"}]}]}]\n",
		"proto/books.proto": protos,
		"a.yaml":            "http:\n  rules:\n  - selector: acme.v1.Books.Get\n    get: \"\\x2fv1/{nothing}\"\n  - selector: acme.v1.Books.Put\n    get: >-\n      /v1/{nothing}\n",
		"b.yaml":            "http: {rules: [{selector: acme.v1.Shelves.Get, get: '/v1/é'}]}\n",
	}, env)
	e, ok := errors.AsType[*schema.LoadError](b.err)
	if !ok {
		t.Fatalf("got %v; want a *schema.LoadError", b.err)
	}
	type mark struct {
		at, text string
		width    int
	}
	var got []mark
	for _, d := range e.Diagnostics {
		s := d.Spans[0]
		got = append(got, mark{filepath.Base(s.File) + strings.TrimPrefix(s.String(), s.File), s.Text, max(s.EndColumn-s.Column, 0)})
	}
	want := []mark{
		{"a.yaml:4:10", `    get: "\x2fv1/{nothing}"`, 0},
		{"a.yaml:6:10", `    get: >-`, 0},
		{"b.yaml:1:58", "http: {rules: [{selector: acme.v1.Shelves.Get, get: '/v1/é'}]}", 1},
		{"dragoman.yaml:4:76", `services: [{match: "**", backend: all, methods: [{name: Bare, http: [{get: "${ROUTE}"}]}]}]`, 0},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mark{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Files that stand below one source can be for the methods of another, and both are in the order of the sources.
func TestRulesOfSeveralSources(t *testing.T) {
	t.Parallel()
	b := build(t, map[string]string{
		"dragoman.yaml": `version: v1
schemas:
  sources:
    - {protos: {dir: one}, http_rules: [a.yaml]}
    - {protos: {dir: two}, http_rules: [b.yaml]}
backends: {all: {target: "localhost:1"}}
` + everything,
		"one/a.proto": "syntax = \"proto3\";\npackage a;\nmessage M {}\nservice S { rpc Get(M) returns (M); }\n",
		"two/b.proto": "syntax = \"proto3\";\npackage b;\nmessage M {}\nservice S { rpc Get(M) returns (M); }\n",
		"a.yaml":      "http: {rules: [{selector: b.S.Get, get: /b}, {selector: a.S.Get, get: /a}]}\n",
		"b.yaml":      "http: {rules: [{selector: b.S.Get, get: /last}]}\n",
	}, nil)
	want := []string{"GET /a = a.S.Get config a.yaml:1:71", "GET /last = b.S.Get config b.yaml:1:41"}
	if diff := cmp.Diff(want, b.routes); diff != "" || b.err != nil {
		t.Errorf("error %v, -want +got:\n%s", b.err, diff)
	}
}
