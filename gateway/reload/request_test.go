// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// What somebody gives to a source counts when it is in force, and for nothing otherwise: what is built for another reason goes by what was there.
func TestWhatIsGivenToASourceCountsWhenInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given, other := &source{name: "given"}, &source{name: "other", changed: make(chan struct{})}
		var built []assemble.Loaded
		var refuse error
		events := make(chan Event, 1)
		m := New(Config{
			Generation: Generation{Sources: []assemble.Source{{Source: given}, {Source: other, Watch: true}}, Build: func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
				built = loads
				return snapshot(t), nil, refuse
			}},
			Swap: func(*gateway.Snapshot) {}, Notify: func(e Event) { events <- e }, Log: slog.New(slog.DiscardHandler),
		})
		if _, err := m.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := built[0]
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Run(ctx)
		}()
		wrong := errors.New("wrong")
		for _, row := range []struct {
			reason             string
			request            Request
			load, build, keep  error
			refused, counts    bool
			undone, keptBefore int
		}{
			{reason: "it cannot be loaded", load: wrong, refused: true, undone: 1},
			{reason: "it does not fit the others", build: wrong, refused: true, undone: 1},
			{reason: "it cannot be kept", keep: wrong, refused: true, undone: 1, keptBefore: 1},
			{reason: "it is only looked at", request: Request{DryRun: true}, undone: 1},
			{reason: "all is well", counts: true, keptBefore: 1},
		} {
			undone, kept := 0, 0
			given.fail.Store(row.load != nil)
			refuse = row.build
			r := row.request
			r.Trigger, r.Source = Admin, "given"
			r.Apply = func() (func(), error) { return func() { undone++ }, nil }
			r.Keep = func() error { kept++; return row.keep }
			loads := other.loads.Load()
			e, err := m.Reload(t.Context(), r)
			if err != nil || (e.Err != nil) != row.refused || undone != row.undone || kept != row.keptBefore || !cmp.Equal(e.Sources, []string{"given"}) || other.loads.Load() != loads {
				t.Errorf("%s: %v, %v of %v; undone %d times, kept %d times", row.reason, err, e.Err, e.Sources, undone, kept)
			}
			if !e.DryRun {
				<-events
			}
			refuse = nil
			for _, report := range m.Sources() {
				if report.Err != nil {
					t.Errorf("%s: source %s is told to be wrong: %v", row.reason, report.Name, report.Err)
				}
			}
			other.changed <- struct{}{}
			<-events
			if (built[0] == first) == row.counts {
				t.Errorf("%s: the next reload is built of what was given: %t", row.reason, built[0] != first)
			}
		}
		cancel()
		<-done
	})
}

// A configuration that was refused is put in force by what somebody gives to a source, if it is right with that.
func TestARefusedConfigurationIsTriedWithWhatIsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given := &source{name: "given"}
		give := func(name string) {
			made, err := schema.New(schema.Config{Source: name})
			if err != nil {
				t.Error(err)
			}
			given.same = made
		}
		give("old")
		sources := []assemble.Source{{Source: given}}
		generation := func(name string) Generation {
			return Generation{Config: &config.Config{File: name}, Sources: sources, Build: func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) {
				if name == "second" && loads[0].Schema.Source() == "old" {
					return nil, nil, errors.New("there is no such method")
				}
				return snapshot(t), nil, nil
			}}
		}
		events := make(chan Event, 1)
		m := New(Config{
			Generation: generation("first"), Swap: func(*gateway.Snapshot) {}, Notify: func(e Event) { events <- e }, Log: slog.New(slog.DiscardHandler),
			Next: func(bool) (*Generation, error) {
				next := generation("second")
				return &next, nil
			},
		})
		if _, err := m.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Run(ctx)
		}()
		m.Signal()
		if e := <-events; e.Err == nil {
			t.Error("the configuration names what is not there, and is taken")
		}
		if e, err := m.Reload(t.Context(), Request{Source: "given", Apply: func() (func(), error) {
			give("new")
			return func() {}, nil
		}}); err != nil || e.Err != nil {
			t.Errorf("what is given: %v, %v", err, e.Err)
		}
		<-events
		if e := <-events; e.Err != nil || e.Trigger != ConfigFile || m.gen.Config.File != "second" {
			t.Errorf("the configuration with what was given: %v by %s, in force is the %s", e.Err, e.Trigger, m.gen.Config.File)
		}
		cancel()
		<-done
	})
}
