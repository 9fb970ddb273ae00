// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

const (
	rulesConfig = `version: v1
schemas: {sources: [{protos: {dir: proto, watch: true}, http_rules: [rest/a.yaml]}]}
backends: {all: {target: "localhost:1"}}
services: [{match: "**", backend: all}]
`
	rulesProto   = "syntax = \"proto3\";\npackage a;\nmessage M {}\nservice S { rpc Get(M) returns (M); }\n"
	renamedProto = "syntax = \"proto3\";\npackage a;\nmessage M {}\nservice S { rpc Fetch(M) returns (M); }\n"
)

// folder writes files below a folder.
type folder string

func (f folder) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(string(f), filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// T7, T12: files of rules are watched as protos are. A broken one is refused and what was good stays; and a method that gets a new
// name, and then its rule, is one good reload in the end.
func TestT7FilesOfRulesAreWatched(t *testing.T) {
	t.Parallel()
	dir := folder(t.TempDir())
	dir.write(t, "dragoman.yaml", rulesConfig)
	dir.write(t, "proto/a.proto", rulesProto)
	dir.write(t, "rest/a.yaml", "http: {rules: [{selector: a.S.Get, get: /v1/a}]}\n")
	cfg, err := config.Load(filepath.Join(string(dir), "dragoman.yaml"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	assembly, err := assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer assembly.Close()
	var inForce *gateway.Snapshot
	events := make(chan Event, 100)
	m := New(Config{
		Generation: Generation{Sources: assembly.Sources(), Build: assembly.Build},
		Log:        log, Notify: func(e Event) { events <- e },
		Swap: func(s *gateway.Snapshot) {
			if inForce != nil {
				inForce.Release()
			}
			inForce = s
		},
	})
	defer func() { inForce.Release() }()
	first, err := m.Load(t.Context())
	if want := []string{"GET /v1/a"}; err != nil || !slices.Equal(first.Added, want) {
		t.Fatalf("added %q, error %v; want %q", first.Added, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx)
	}()
	for _, step := range []struct {
		name, file, text string
		added            string // route; "" where the reload is refused
		code             string // of the diagnostic then
	}{
		{"another path", "rest/a.yaml", "http: {rules: [{selector: a.S.Get, get: /v1/b}]}\n", "GET /v1/b", ""},
		{"no YAML", "rest/a.yaml", "http: {rules: [{selector: a.S.Get, get: /v1/b}\n", "", "DG1201"},
		{"no method (T12)", "rest/a.yaml", "http: {rules: [{selector: a.S.Got, get: /v1/b}]}\n", "", "DG1112"},
		{"good again", "rest/a.yaml", "http: {rules: [{selector: a.S.Get, get: /v1/c}]}\n", "GET /v1/c", ""},
		{"the method has a new name", "proto/a.proto", renamedProto, "", "DG1112"},
		{"and so has its rule", "rest/a.yaml", "http: {rules: [{selector: a.S.Fetch, get: /v1/d}]}\n", "GET /v1/d", ""},
	} {
		before := inForce
		dir.write(t, step.file, step.text)
		var e Event
		for wait := time.NewTimer(10 * time.Second); ; {
			select {
			case e = <-events:
			case <-wait.C:
				t.Fatalf("%s: no reload", step.name)
			}
			// A half-written file, or one that is seen twice, may be told of too.
			if step.added != "" && slices.Equal(e.Added, []string{step.added}) || step.code != "" && codeOf(e.Err) == step.code {
				wait.Stop()
				break
			}
		}
		if step.code != "" && e.Snapshot != before {
			t.Errorf("%s: what was good is not in force any more", step.name)
		}
	}
	cancel()
	<-done
}

// codeOf returns the code of the first diagnostic of an error.
func codeOf(err error) string {
	if e, ok := errors.AsType[*schema.LoadError](err); ok {
		return e.Diagnostics[0].Code
	}
	return ""
}
