// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
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
