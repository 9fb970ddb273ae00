// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// What was refused is tried again with what comes next, so that a change in two places needs no third; and what stays wrong keeps
// nothing else from taking effect.
func TestRefusedLoadsAreTriedWithTheNext(t *testing.T) {
	t.Parallel()
	var (
		sources [3]*source
		inForce string
		refused = func(string) bool { return false }
		asked   []assemble.Source
	)
	for i := range sources {
		sources[i] = &source{name: string(rune('a' + i))}
		asked = append(asked, assemble.Source{Source: sources[i]})
	}
	// give makes a source give a schema of this name from now on.
	give := func(i int, name string) {
		made, err := schema.New(schema.Config{Source: name})
		if err != nil {
			t.Fatal(err)
		}
		sources[i].same = made
	}
	var latest string
	m := New(Config{
		Generation: Generation{Sources: asked, Build: func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
			var names []string
			for _, l := range loads {
				names = append(names, l.Schema.Source())
			}
			if latest = strings.Join(names, " "); refused(latest) {
				return nil, nil, &schema.LoadError{Diagnostics: []schema.Diagnostic{{Message: latest}}}
			}
			return snapshot(t), nil, nil
		}},
		Log:  slog.New(slog.DiscardHandler),
		Swap: func(*gateway.Snapshot) { inForce = latest },
	})
	for i := range sources {
		give(i, sources[i].name+"1")
	}
	if _, err := m.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		changed int
		gives   string
		refused []string // what cannot be served together
		want    string   // what is in force then
		err     string
	}{
		{"a new name in a, which b does not know yet", 0, "a2", []string{"a2 b1", "a1 b2"}, "a1 b1 c1", "a2 b1 c1"},
		{"and now b", 1, "b2", []string{"a2 b1", "a1 b2"}, "a2 b2 c1", ""},
		{"a goes wrong", 0, "a3", []string{"a3"}, "a2 b2 c1", "a3 b2 c1"},
		{"which keeps c from nothing", 2, "c2", []string{"a3"}, "a2 b2 c2", ""},
		{"c goes wrong too: both are told", 2, "c3", []string{"a3", "c3"}, "a2 b2 c2", "a3 b2 c3"},
		{"a is mended, c is not", 0, "a4", []string{"c3"}, "a4 b2 c2", ""},
		{"c is mended", 2, "c4", nil, "a4 b2 c4", ""},
		{"nothing is new", 2, "", []string{""}, "a4 b2 c4", ""},
	} {
		if step.gives != "" {
			give(step.changed, step.gives)
		}
		refused = func(all string) bool {
			return slices.ContainsFunc(step.refused, func(part string) bool { return strings.Contains(all, part) })
		}
		e := m.reload(t.Context(), Request{}, []change{{source: step.changed}})
		said := ""
		if e.Err != nil {
			said = strings.TrimPrefix(e.Err.Error(), "error: ")
		}
		if inForce != step.want || said != step.err || e.Snapshot != m.current {
			t.Errorf("%s: in force is %q, error %q; want %q, %q", step.name, inForce, said, step.want, step.err)
		}
	}
}

// Of several sources that are loaded at once, those that can be are not forgotten because of one that cannot.
func TestGoodLoadsBesideABadOneAreKept(t *testing.T) {
	t.Parallel()
	a, b := &source{name: "a"}, &source{name: "b"}
	swaps := 0
	m := New(Config{
		Generation: Generation{Sources: []assemble.Source{{Source: a}, {Source: b}}, Build: func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
			for _, l := range loads {
				if l.Schema == nil {
					return nil, nil, errors.New("a schema is missing")
				}
			}
			return snapshot(t), nil, nil
		}},
		Log: slog.New(slog.DiscardHandler), Swap: func(*gateway.Snapshot) { swaps++ },
	})
	if _, err := m.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.fail.Store(true)
	if e := m.reload(t.Context(), Request{}, []change{{source: 0}, {source: 1}}); e.Err == nil || swaps != 1 {
		t.Fatalf("error %v, %d swaps; want a refusal", e.Err, swaps)
	}
	kept := m.gen.latest[0]
	b.fail.Store(false)
	if e := m.reload(t.Context(), Request{}, []change{{source: 1}}); e.Err != nil || swaps != 2 || m.gen.inForce[0] != kept || a.loads.Load() != 2 {
		t.Errorf("error %v, %d swaps, %d loads of a; want what a gave meanwhile to be in force", e.Err, swaps, a.loads.Load())
	}
}

// Who asks for a reload is told what of the sources is refused, also where the configuration alone could be served; and a change of the configuration that takes
// effect with the sources that were there before has their refusal told after it.
func TestFault21RefusedSourcesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "a", changed: make(chan struct{})}
		give := func(name string) {
			made, err := schema.New(schema.Config{Source: name})
			if err != nil {
				t.Fatal(err)
			}
			s.same = made
		}
		build := func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
			if name := loads[0].Schema.Source(); name == "bad" {
				return nil, nil, &schema.LoadError{Diagnostics: []schema.Diagnostic{{Message: "two methods claim a route"}}}
			}
			return snapshot(t), nil, nil
		}
		parse := func(timeout string) *config.Config {
			text := "version: v1\nschemas: {sources: [{protos: {dir: .}}]}\nbackends: {b: {target: \"127.0.0.1:1\"}}\nservices: [{match: \"**\", backend: b, policy: {timeout: " + timeout + "}}]\n"
			cfg, err := config.Parse("dragoman.yaml", []byte(text), config.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return cfg
		}
		now := parse("1s")
		generation := func() *Generation {
			return &Generation{Config: now, Sources: []assemble.Source{{Source: s, Watch: true}}, Build: build}
		}
		events := make(chan Event, 4)
		m := New(Config{
			Generation: *generation(), Next: func(bool) (*Generation, error) { return generation(), nil },
			Swap: func(*gateway.Snapshot) {}, Notify: func(e Event) { events <- e }, Log: slog.New(slog.DiscardHandler),
		})
		give("good")
		if _, err := m.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Run(ctx)
		}()
		reload := func() Event {
			e, err := m.Reload(t.Context(), Request{Trigger: Admin, All: true})
			if err != nil {
				t.Fatal(err)
			}
			<-events
			return e
		}
		give("bad")
		for n := range 2 { // it is told each time that somebody asks
			if e := reload(); e.Err == nil {
				t.Error("a schema that cannot be served is no refusal")
			}
			if n > 0 {
				continue
			}
			if e := <-events; e.Err == nil || e.Trigger != Schemas { // the generation in force hears of the load
				t.Errorf("the reload behind it: %v, %v", e.Trigger, e.Err)
			}
		}
		now = parse("2s")
		if e := reload(); e.Err != nil || !e.Applied || len(e.Changes) == 0 {
			t.Errorf("the configuration: %+v", e)
		}
		if e := <-events; e.Err == nil || e.Trigger != Schemas {
			t.Errorf("the refusal behind it: %v, %v", e.Trigger, e.Err)
		}
		cancel()
		<-done
	})
}
