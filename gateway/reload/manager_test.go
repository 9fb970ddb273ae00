// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a source that the test changes.
type source struct {
	name    string
	loads   atomic.Int32
	fail    atomic.Bool
	same    *schema.Schema
	changed chan struct{}
	broken  error // what Watch returns at once
}

func (s *source) Name() string { return s.name }

func (s *source) Load(context.Context) (*schema.Schema, error) {
	s.loads.Add(1)
	if s.fail.Load() {
		return nil, &schema.LoadError{Diagnostics: []schema.Diagnostic{{Message: s.name + " is broken"}}}
	}
	if s.same != nil {
		return s.same, nil
	}
	return schema.New(schema.Config{Source: s.name})
}

func (s *source) Watch(ctx context.Context, changed func()) error {
	if s.broken != nil {
		return s.broken
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
			changed()
		}
	}
}

func snapshot(t *testing.T) *gateway.Snapshot {
	t.Helper()
	mux, err := transcoder.NewMux(transcoder.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := gateway.NewSnapshot(mux, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// T7: what cannot be loaded, or not be built, leaves in force what was there, and everything that is wrong is told at once.
func TestT7RefusedReloadKeepsWhatServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := &source{name: "a", changed: make(chan struct{})}, &source{name: "b", changed: make(chan struct{})}
		var (
			inForce *gateway.Snapshot
			events  = make(chan Event, 1)
			refuse  atomic.Bool
		)
		m := New(Config{
			Generation: Generation{Sources: []assemble.Source{{Source: a, Watch: true}, {Source: b, Watch: true}}, Build: func([]assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
				if refuse.Load() {
					return nil, nil, &schema.LoadError{Diagnostics: []schema.Diagnostic{{Message: "two methods claim a route"}}}
				}
				return snapshot(t), nil, nil
			}},
			Swap: func(s *gateway.Snapshot) { inForce = s }, Notify: func(e Event) { events <- e }, Log: slog.New(slog.DiscardHandler),
		})
		a.fail.Store(true)
		b.fail.Store(true)
		_, err := m.Load(t.Context())
		if e, ok := errors.AsType[*schema.LoadError](err); !ok || len(e.Diagnostics) != 2 || inForce != nil {
			t.Fatalf("the first load: %v; want both diagnostics and nothing in force", err)
		}
		a.fail.Store(false)
		b.fail.Store(false)
		if _, err := m.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := inForce
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Run(ctx)
		}()
		for _, step := range []struct {
			name        string
			fail, build bool
			refused     bool
		}{
			{"a source is broken", true, false, true},
			{"the routes are", false, true, true},
			{"all is well again", false, false, false},
		} {
			a.fail.Store(step.fail)
			refuse.Store(step.build)
			loads := b.loads.Load()
			a.changed <- struct{}{}
			e := <-events
			if (e.Err != nil) != step.refused || (inForce == first) != step.refused || e.Snapshot != inForce {
				t.Errorf("%s: %v; in force is the first: %v", step.name, e.Err, inForce == first)
			}
			if b.loads.Load() != loads || !cmp.Equal(e.Sources, []string{"a"}) {
				t.Errorf("%s: the other source was loaded too: %v", step.name, e.Sources)
			}
		}
		cancel()
		<-done
	})
}

// A source that reports a change without having one swaps nothing.
func TestNothingNewSwapsNothing(t *testing.T) {
	t.Parallel()
	same, err := schema.New(schema.Config{Source: "a"})
	if err != nil {
		t.Fatal(err)
	}
	swaps := 0
	m := New(Config{
		Generation: Generation{Sources: []assemble.Source{{Source: &source{name: "a", same: same}}}, Build: func([]assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) { return snapshot(t), nil, nil }},
		Swap:       func(*gateway.Snapshot) { swaps++ },
	})
	for range 3 {
		if _, err := m.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if swaps != 1 {
		t.Errorf("%d swaps; want 1", swaps)
	}
}

// A source whose watching fails is loaded every so often.
func TestSourceThatCannotBeWatchedIsPolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "a", broken: errors.New("no watches left")}
		m := New(Config{
			Generation: Generation{Sources: []assemble.Source{{Source: s, Watch: true}}, Build: func([]assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) { return snapshot(t), nil, nil }},
			Swap:       func(*gateway.Snapshot) {}, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Run(ctx)
		}()
		time.Sleep(3*pollInterval + 1)
		synctest.Wait()
		if n := s.loads.Load(); n != 3 {
			t.Errorf("%d loads in three intervals; want 3", n)
		}
		cancel()
		<-done
	})
}

// Fault 22: however many changes come during a reload, they are one reload more.
func TestFault22ChangesAreCoalesced(t *testing.T) {
	t.Parallel()
	d := newDirty(3)
	for range 100 {
		d.mark(change{source: 2})
		d.mark(change{source: 0})
		d.mark(change{source: 1, onlyRules: true})
		d.mark(change{source: 2, onlyRules: true}) // is less than what is marked
	}
	<-d.signal
	if got, want := d.take(), []change{{source: 0}, {source: 1, onlyRules: true}, {source: 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
	select {
	case <-d.signal:
		t.Error("there is a second signal")
	default:
	}
	if got := d.take(); len(got) != 0 {
		t.Errorf("got %v; want nothing", got)
	}
}

func TestDifferenceOfRoutes(t *testing.T) {
	t.Parallel()
	added, removed, changed := difference(map[string]string{"a": "", "b": "", "d": "users"}, map[string]string{"b": "", "c": "", "d": "orders", "e": ""})
	if !slices.Equal(added, []string{"c", "e"}) || !slices.Equal(removed, []string{"a"}) || !slices.Equal(changed, []string{"d"}) {
		t.Errorf("added %v, removed %v, changed %v", added, removed, changed)
	}
}
