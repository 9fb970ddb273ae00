// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// splitCaching is a file whose canary gets the calls of clients that ask for it. {cache}, {headers} and {timeout} are replaced.
const splitCaching = `version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
schemas: {sources: [{name: protos, protos: {dir: {protos}/dragoman/test, import_paths: [{protos}], watch: false}}]}
backends: {b1: {target: "{b1}"}, b2: {target: "{b2}"}}
services:
  - match: "**"
    split:
      - {backend: b2, headers: {x-canary: "yes"}}
      - {backend: b1, weight: 1}
    policy: {timeout: {timeout}, cache: {cache}, headers: {headers}}
admin: {address: "127.0.0.1:0"}
`

// A canary has answers of its own, and so has a backend to which a reload sends the calls. A reload keeps the answers whose policy is the same and whose
// backends are sent the same, and drops the others.
func TestAnswersStayWithTheirBackend(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	with := func(cache, headers, timeout string) string {
		places := strings.NewReplacer("{cache}", cache, "{headers}", headers, "{timeout}", timeout)
		return g.places.Replace(places.Replace(splitCaching))
	}
	reload := func(text string) {
		t.Helper()
		g.write(text)
		if e := g.next(); e.Err != nil || !e.Applied {
			t.Fatalf("the reload: %+v", e)
		}
	}
	c, n := g.h1(t), 0
	get := func(what, wantBackend, wantCache string, fields ...string) {
		t.Helper()
		n++
		id := "split-" + string(rune('a'+n))
		a := c.call(t, "GET", "/canary/v1/echo?id=same", "", append([]string{"x-request-id", id}, fields...)...)
		_, name, _ := strings.Cut(a.body, `"backend":"`)
		name, _, _ = strings.Cut(name, `"`)
		if cached := g.cached(t, id); a.status != 200 || name != wantBackend || cached != wantCache {
			t.Errorf("%s: %d by %q, a %s; want %s, a %s", what, a.status, name, cached, wantBackend, wantCache)
		}
	}
	const canary, yes = "x-canary", "yes"
	reload(with("{ttl: 1h}", "{}", "15s"))
	get("the first", "b1", "miss")
	get("the second", "b1", "hit")
	get("the first of the canary", "b2", "miss", canary, yes)
	get("the second of the canary", "b2", "hit", canary, yes)
	get("once more", "b1", "hit")

	reload(with("{ttl: 1h}", "{}", "16s"))
	get("something else has changed", "b1", "hit")
	get("something else has changed, for the canary", "b2", "hit", canary, yes)

	reload(strings.Replace(with("{ttl: 1h}", "{}", "16s"), "{backend: b1, weight: 1}", "{backend: b2, weight: 1}", 1))
	get("calls go elsewhere", "b2", "hit") // where the same was asked for before

	reload(strings.Replace(with("{ttl: 1h}", "{}", "16s"), `x-canary: "yes"`, `x-canary: "never"`, 1))
	get("calls are back", "b1", "hit", canary, yes)

	reload(with("{ttl: 1h}", `{request: {set: {x-region: eu}}}`, "16s"))
	get("backends are sent something else", "b1", "miss")
	reload(with("{ttl: 2h}", `{request: {set: {x-region: eu}}}`, "16s"))
	get("another policy", "b1", "miss")
	get("another policy, again", "b1", "hit")
	reload(with("{off: true}", `{request: {set: {x-region: eu}}}`, "16s"))
	get("nothing is stored", "b1", "")
}

// A change of a method's messages drops its answers, and one of anything else keeps them.
func TestAnswersOfAnotherSchemaAreDropped(t *testing.T) {
	t.Parallel()
	folder, files := newTree(t)
	d := start(t, func(c *config.Config) {
		caching(minute())(c)
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	})
	data, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	text, snapshot := string(data), d.started.Load.Snapshot
	change := func(old, changed string) {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("the schema has no %s", old)
		}
		text = strings.Replace(text, old, changed, 1)
		files.write(t, text)
		e := d.reloaded(t, snapshot)
		if e.Err != nil {
			t.Fatal(e.Err)
		}
		snapshot = e.Snapshot
	}
	arrives := func(what string, want int) {
		t.Helper()
		if n := d.asked(func() { d.h1(t).call(t, "GET", "/canary/v1/echo?id=same", "") }); n != want {
			t.Errorf("%s: %d calls arrived; want %d", what, n, want)
		}
	}
	arrives("the first", 1)
	arrives("the second", 0)
	change(`get: "/canary/v1/public"`, `get: "/canary/v2/public"`)
	arrives("another route has changed", 0)
	change("message CanaryResponse {", "message CanaryResponse {\n  // New is new.\n  string new_one = 900;")
	arrives("the answer has a field more", 1)
	arrives("again", 0)
}
