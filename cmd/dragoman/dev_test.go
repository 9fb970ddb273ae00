// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// anyPort are the flags that make dev and demo listen on free ports.
var anyPort = []string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}

func startDev(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return start(t, dir, append(append([]string{"dev"}, args...), anyPort...)...)
}

func TestDevServesAFolder(t *testing.T) {
	t.Parallel()
	address := startBackend(t)
	p := startDev(t, bookstoreProtos(t), "./proto", "--to", address)
	s := p.screen()
	for _, pattern := range []string{
		`^  dragoman \S+   dev mode: no auth, console on, reloads on save$`,
		`^  schemas   \./proto +2 files, 2 services, 14 methods   \d+ ms$`,
		`^            google/api ← built in$`,
		`^  backend   ` + regexp.QuoteMeta(address) + ` +ready, 0 in flight, h2c, reflection on$`,
		`^  routes    14 gRPC · 17 REST$`,
		`^            GET +/v1/\{name=shelves/\*\} +bookstore\.v1\.BookstoreService/GetShelf$`,
		`^            …9 more: dragoman routes \./proto$`,
		`^  docs      ` + regexp.QuoteMeta(s.api) + `/docs   OpenAPI at /openapi\.json$`,
	} {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(s.text) {
			t.Errorf("the first screen has no line %s", pattern)
		}
	}
	if len(s.tries) != 1 {
		t.Fatalf("%d lines to try; want 1", len(s.tries))
	}
	if body := tryLineOf(t, s.tries[0]); !strings.Contains(body, `"name":"shelves/classics/books/`) {
		t.Errorf("%s\nanswers %s", s.tries[0], body)
	}
	wantAnswer(t, s.api+"/docs", http.StatusOK, "swagger-ui")
	wantAnswer(t, s.api+"/openapi.json", http.StatusOK, `"BookstoreService_ListBooks"`)
	p.says(p.out, `^  \d\d:\d\d:\d\d  GET /v1/books  200 OK  rest=OK  [\d.]+ ms \(gateway [\d.]+\)  backend→`+regexp.QuoteMeta(address)+`$`)
	wantAnswer(t, s.api+"/v1/nowhere", http.StatusNotFound, "no route for GET /v1/nowhere")
	p.says(p.out, `  GET /v1/nowhere  404 Not Found  .*no_route`)
	wantAnswer(t, s.api+"/v1/shelfs", http.StatusNotFound, `"nearest":"GET /v1/shelves"`)

	// Nothing is wrong, but for the one method that plain HTTP cannot carry.
	p.says(p.err, `^warning\[DG1117\]: bookstore\.v1\.BookstoreService\.Chat streams both ways`)
	if text := p.err.String(); strings.Count(text, "[DG") != 1 {
		t.Errorf("the error output has more than one diagnostic:\n%s", text)
	}
}

// TestDevReloads proves that what is saved is served within a second, that a mistake is told and leaves the last good
// schemas in force, and that mending it ends that (T2, T3).
func TestDevReloads(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	p := startDev(t, dir, "./proto", "--to", startBackend(t))
	s := p.screen()

	const (
		before = `option (google.api.http) = {get: "/v1/shelves"};`
		limit  = time.Second
		tries  = 3
	)
	wantAnswer(t, s.api+"/v1/racks0", http.StatusNotFound, "no route")
	best, last := patience, before
	for i := 0; i < tries && best > limit; i++ {
		next := fmt.Sprintf(`option (google.api.http) = {get: "/v1/shelves" additional_bindings: {get: "/v1/racks%d"}};`, i)
		edit(t, dir, bookstoreFile, last, next)
		last = next
		saved := time.Now()
		eventually(t, patience, func() string {
			code, body := get(t, fmt.Sprintf("%s/v1/racks%d", s.api, i))
			if code != http.StatusOK || !strings.Contains(body, "shelves/classics") {
				return fmt.Sprintf("GET /v1/racks%d: %d %s", i, code, body)
			}
			return ""
		})
		best = min(best, time.Since(saved))
	}
	t.Logf("a route is live %s after it was saved", best)
	if best > limit {
		t.Errorf("a route is live %s after it was saved, at best; want %s or less", best, limit)
	}
	p.says(p.out, `^  \d\d:\d\d:\d\d  reload  proto/bookstore/v1/bookstore\.proto   \+1 ~0 -0 routes   \d+ ms\n            \+ GET /v1/racks0$`)

	broken := strings.Replace(last, "option", "option (acme.nowhere) = true; option", 1)
	edit(t, dir, bookstoreFile, last, broken)
	p.says(p.out, `^  \d\d:\d\d:\d\d  reload  refused, still serving the schemas of \d\d:\d\d:\d\d$`)
	p.says(p.err, "^error: cannot find `acme\\.nowhere` in this scope\n"+` +--> proto/bookstore/v1/bookstore\.proto:23:\d+$`)
	wantAnswer(t, s.api+"/v1/racks0", http.StatusOK, "shelves/classics")
	wantAnswer(t, s.admin+"/readyz", http.StatusOK, `"status":"ok"`)

	edit(t, dir, bookstoreFile, broken, `option (google.api.http) = {get: "/v1/mended"};`)
	p.says(p.out, `reload  proto/bookstore/v1/bookstore\.proto   \+1 ~\d -\d routes   \d+ ms\n            \+ GET /v1/mended\n            - GET /v1/racks0$`)
	wantAnswer(t, s.api+"/v1/mended", http.StatusOK, "shelves/classics")
	wantAnswer(t, s.api+"/v1/racks0", http.StatusNotFound, "no route")
}

// TestDevServesTheFirstOfTwo: two methods that claim one route do not keep dev from starting. The one whose name is first has
// the route, whatever the order of the files, and every conflict is told with both places.
func TestDevServesTheFirstOfTwo(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	for file, pkg := range map[string]string{"a/zoo.proto": "zoo.v1", "z/acme.proto": "acme.v1"} {
		path := map[string]string{"zoo.v1": "/v1/books", "acme.v1": "/v1/shelves"}[pkg]
		write(t, dir, file, `syntax = "proto3";
package `+pkg+`;

import "google/api/annotations.proto";

message Request {}

service Others {
  rpc List(Request) returns (Request) {
    option (google.api.http) = {get: "`+path+`"};
  }
}
`)
	}
	p := startDev(t, dir, "./a", "./z", "./proto", "--to", startBackend(t))
	s := p.screen()
	// acme.v1.Others comes before bookstore.v1.BookstoreService, which comes before zoo.v1.Others.
	wantAnswer(t, s.api+"/v1/shelves", http.StatusNotImplemented, "unknown service acme.v1.Others")
	wantAnswer(t, s.api+"/v1/books", http.StatusOK, "shelves/classics")
	for path, places := range map[string][2]string{
		"/v1/shelves": {`proto/bookstore/v1/bookstore\.proto:23:\d+`, `z/acme\.proto:10:39`},
		"/v1/books":   {`a/zoo\.proto:10:39`, `proto/bookstore/v1/bookstore\.proto:51:\d+`},
	} {
		told := p.says(p.err, `^warning\[DG1107\]: two methods claim GET `+path+`\n(?:.+\n)+`)[0]
		for _, place := range places {
			if !regexp.MustCompile(place).MatchString(told) {
				t.Errorf("the conflict over %s is told without %s:\n%s", path, place, told)
			}
		}
	}
	p.says(p.err, `note: acme\.v1\.Others\.List keeps the route until this is solved`)
	p.says(p.err, `note: bookstore\.v1\.BookstoreService\.ListBooks keeps the route until this is solved`)
}

func TestDevAsksByReflection(t *testing.T) {
	t.Parallel()
	address := startBackend(t)
	p := startDev(t, t.TempDir(), "--to", address)
	s := p.screen()
	if want := "  schemas   reflection of " + address; !strings.Contains(s.text, want) {
		t.Errorf("the screen does not say %q:\n%s", want, s.text)
	}
	if body := tryLineOf(t, s.tries[0]); !strings.Contains(body, "shelves/classics") {
		t.Errorf("%s\nanswers %s", s.tries[0], body)
	}
	// The command that the screen names lists them all.
	more := p.says(p.out, `…\d+ more: dragoman (.+)$`)[1]
	out, err := exec.CommandContext(t.Context(), "dragoman", strings.Fields(more)...).Output()
	if lines := strings.Count(string(out), "\n"); err != nil || lines != 17 {
		t.Errorf("dragoman %s lists %d routes, %v; want 17", more, lines, err)
	}
}

// TestDevServesADescriptorSet serves what `schema build` wrote, and follows when it writes again.
func TestDevServesADescriptorSet(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	build := []string{"schema", "build", "proto", "-o", "all.binpb"}
	start(t, dir, build...).exits(0)
	p := startDev(t, dir, "--descriptor-set", "*.binpb", "--to", startBackend(t))
	s := p.screen()
	if body := tryLineOf(t, s.tries[0]); !strings.Contains(body, "shelves/classics") {
		t.Errorf("%s\nanswers %s", s.tries[0], body)
	}
	p.says(p.out, `…9 more: dragoman routes --descriptor-set \*\.binpb$`)
	edit(t, dir, bookstoreFile, `{get: "/v1/shelves"};`, `{get: "/v1/racks"};`)
	start(t, dir, build...).exits(0)
	p.says(p.out, `reload  .*   \+1 ~0 -1 routes   \d+ ms\n            \+ GET /v1/racks\n            - GET /v1/shelves$`)
	wantAnswer(t, s.api+"/v1/racks", http.StatusOK, "shelves/classics")
}

// TestDevTellsOfNoReflection: a backend that cannot be asked for its schema is told of on the first screen.
func TestDevTellsOfNoReflection(t *testing.T) {
	t.Parallel()
	address := startBareBackend(t)
	s := startDev(t, bookstoreProtos(t), "./proto", "--to", address).screen()
	if want := regexp.MustCompile(`(?m)^  backend   ` + regexp.QuoteMeta(address) + ` +ready, 0 in flight, h2c, reflection off$`); !want.MatchString(s.text) {
		t.Errorf("the first screen has no line %s:\n%s", want, s.text)
	}
}

// TestDevFillsVariables: where every route has variables, the line to try has values in their place that their fields take.
func TestDevFillsVariables(t *testing.T) {
	t.Parallel()
	address := startBackend(t)
	for _, row := range []struct{ template, want string }{
		{"/v1/users/{id}", "/v1/users/42"},
		{"/v1/{parent=shelves/*}/books/{number}", "/v1/shelves/42/books/42"},
		{"/v1/{size}/{on}:view", "/v1/LARGE/true:view"},
		{"/v1/files/{id=**}", "/v1/files/42"},
		{"/v1/*/{within.id}/{data}", "/v1/42/42/NDI"},
	} {
		dir := t.TempDir()
		write(t, dir, "proto/a.proto", `syntax = "proto3";
package acme.v1;

import "google/api/annotations.proto";
enum Size { SIZE_UNSPECIFIED = 0; LARGE = 1; }

message Request {
  string id = 1;
  string parent = 2;
  int64 number = 3;
  Size size = 4;
  bool on = 5;
  bytes data = 6;
  Request within = 7;
}

service Things {
  rpc Look(Request) returns (Request) {
    option (google.api.http) = {get: "`+row.template+`"};
  }
}
`)
		p := startDev(t, dir, "./proto", "--to", address)
		s := p.screen()
		if want := "curl " + s.api + row.want; len(s.tries) != 1 || s.tries[0] != want {
			t.Errorf("%s: the lines to try are %q; want %s", row.template, s.tries, want)
		}
		wantAnswer(t, s.api+row.want, http.StatusNotImplemented, "unknown service acme.v1.Things") // the backend's answer: it was bound
	}
}

// TestDevRefuses holds what dev says when it cannot begin, and the code with which it ends.
func TestDevRefuses(t *testing.T) {
	t.Parallel()
	good, bare := startBackend(t), startBareBackend(t)
	for name, test := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a backend without reflection": {
			args: append([]string{"--to", bare}, anyPort...), code: 3,
			says: []string{
				`^error\[DG1008\]: .*does not serve reflection$`,
				`^ +(= )?help: pass a directory of \.proto files, or a descriptor set with --descriptor-set$`,
				`^ +(= )?help: or let the backend register grpc\.reflection\.v1\.ServerReflection$`,
				`^error: 1 mistake in the schemas$`,
			},
		},
		"a backend that is not there": {
			args: append([]string{"--to", "127.0.0.1:1"}, anyPort...), code: 3,
			says: []string{`^error\[DG1009\]: .*127\.0\.0\.1:1: connection refused$`},
		},
		"a port that is taken": {
			args: []string{"--to", good, "--listen", good, "--admin", "127.0.0.1:0"}, code: 1,
			says: []string{`^error: .*listen tcp ` + regexp.QuoteMeta(good) + `: bind: address already in use$`},
		},
		"an admin port that is taken": {
			args: []string{"--to", good, "--listen", "127.0.0.1:0", "--admin", good}, code: 1,
			says: []string{`^error: admin: listen tcp ` + regexp.QuoteMeta(good) + `: bind: address already in use$`},
		},
		"a folder with mistakes": {
			args: append([]string{"absent", "--to", good}, anyPort...), code: 3,
			says: []string{`^error\[DG1006\]: cannot read absent: no such file or directory$`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), append([]string{"dev"}, test.args...)...)
			p.exits(test.code)
			for _, pattern := range test.says {
				p.says(p.err, pattern)
			}
			if out := p.out.String(); out != "" {
				t.Errorf("the standard output has %q; want nothing", out)
			}
			if text := p.err.String(); strings.Contains(text, "level=") || strings.Contains(text, "gateway/") {
				t.Errorf("the error output has what is not for people:\n%s", text)
			}
		})
	}
}
