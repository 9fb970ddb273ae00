// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package reload provides what watches the sources of schemas and puts a new snapshot in force, or keeps
// the old one.
package reload

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// pollInterval is how often a source is loaded whose watching failed.
const pollInterval = 2 * time.Second

// Config is what a Manager needs.
type Config struct {
	// Sources are loaded at the start, all of them.
	Sources []assemble.Source
	// Build makes a snapshot of what the sources gave, which comes in the same order. The diagnostics say what is
	// doubtful; with an error, *schema.LoadError, nothing is made. Build is called from one goroutine at a time.
	Build func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error)
	// Swap puts a snapshot in force.
	Swap func(*gateway.Snapshot)
	// Notify is told of every reload, from the goroutine of Run; it should return soon. Nil tells nobody.
	Notify func(Event)
	// Log is told what Notify is not: sources that cannot be watched.
	Log *slog.Logger
}

// Event is one reload, which took effect or was refused.
type Event struct {
	// Time is when it began, Took how long until it was in force or refused.
	Time time.Time
	Took time.Duration
	// Sources names the sources that changed.
	Sources []string
	// Snapshot is what is in force now. After a refusal it is what was before.
	Snapshot *gateway.Snapshot
	// Diagnostics say what is doubtful in what is in force.
	Diagnostics []schema.Diagnostic
	// Added and Removed are the routes that came and went, as "GET /v1/books".
	Added, Removed []string
	// Err says why the reload was refused; nil when it took effect. It is a *schema.LoadError where sources are at fault.
	Err error
	// Since is when what is in force was loaded.
	Since time.Time
}

// Manager loads and reloads. Load is called first, then Run; both from one goroutine.
type Manager struct {
	config  Config
	latest  []assemble.Loaded // what each source gave last, whether or not it took effect
	inForce []assemble.Loaded
	current *gateway.Snapshot
	routes  []string
	since   time.Time
	doubts  []schema.Diagnostic
}

// New returns a Manager.
func New(cfg Config) *Manager {
	if cfg.Notify == nil {
		cfg.Notify = func(Event) {}
	}
	return &Manager{config: cfg, latest: make([]assemble.Loaded, len(cfg.Sources))}
}

// Load loads all sources, at the same time, and puts the first snapshot in force. The error holds what is wrong
// with all of them.
func (m *Manager) Load(ctx context.Context) (Event, error) {
	all := make([]change, len(m.config.Sources))
	for i := range all {
		all[i] = change{source: i}
	}
	e := m.reload(ctx, all)
	return e, e.Err
}

// Run watches the sources until ctx ends. It returns when all is quiet.
func (m *Manager) Run(ctx context.Context) {
	dirty := newDirty(len(m.config.Sources))
	var watchers sync.WaitGroup
	defer watchers.Wait()
	for i, s := range m.config.Sources {
		if !s.Watch {
			continue
		}
		watchers.Go(func() { m.watch(ctx, s, s.Source, func() { dirty.mark(change{source: i}) }) })
		if s.Rules != nil {
			watchers.Go(func() { m.watch(ctx, s, s.Rules, func() { dirty.mark(change{source: i, onlyRules: true}) }) })
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-dirty.signal:
		}
		if changed := dirty.take(); len(changed) > 0 {
			m.config.Notify(m.reload(ctx, changed))
		}
	}
}

// watch marks a source whenever what of it is to be watched may have changed. What cannot be watched is loaded now and then.
func (m *Manager) watch(ctx context.Context, s assemble.Source, watched any, changed func()) {
	if w, ok := watched.(schema.Watcher); ok {
		err := w.Watch(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		m.config.Log.Warn("a source cannot be watched; it is loaded every so often instead",
			slog.String("source", s.Name()), slog.Duration("every", pollInterval), slog.Any("error", err))
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			changed()
		}
	}
}

// reload loads what changed and, if all is well, puts a new snapshot in force.
func (m *Manager) reload(ctx context.Context, changes []change) Event {
	e := Event{Time: time.Now(), Snapshot: m.current, Since: m.since}
	for _, c := range changes {
		e.Sources = append(e.Sources, m.config.Sources[c.source].Name())
	}
	var next *gateway.Snapshot
	loads, err := m.load(ctx, changes)
	if err == nil {
		if m.current != nil && slices.Equal(loads, m.inForce) {
			e.Took, e.Diagnostics = time.Since(e.Time), m.doubts
			return e // nothing is new
		}
		next, loads, e.Diagnostics, err = m.build(loads, changes)
	}
	if err != nil {
		e.Err, e.Took = err, time.Since(e.Time)
		return e
	}
	m.config.Swap(next)
	before := m.routes
	m.inForce, m.current, m.routes, m.since, m.doubts = loads, next, routesOf(next), e.Time, e.Diagnostics
	e.Snapshot, e.Since, e.Took = next, m.since, time.Since(e.Time)
	e.Added, e.Removed = difference(before, m.routes)
	return e
}

// build makes a snapshot of the latest of all sources: what was refused alone may be right with what came since, such as a method
// with a new name and then the rule for it. But a source that stays wrong holds up no other: failing that, what changed now is
// tried with what is in force. It returns what the snapshot is made of.
func (m *Manager) build(latest []assemble.Loaded, changes []change) (*gateway.Snapshot, []assemble.Loaded, []schema.Diagnostic, error) {
	next, doubts, err := m.config.Build(latest)
	if err == nil || m.current == nil {
		return next, latest, doubts, err
	}
	loads := slices.Clone(m.inForce)
	for _, c := range changes {
		loads[c.source] = latest[c.source]
	}
	if slices.Equal(loads, latest) || slices.Equal(loads, m.inForce) {
		return nil, nil, nil, err
	}
	if next, doubts, again := m.config.Build(loads); again == nil {
		return next, loads, doubts, nil
	}
	return nil, nil, nil, err
}

// load returns the latest of all sources, with what changed loaded anew. The error holds all diagnostics.
func (m *Manager) load(ctx context.Context, changes []change) ([]assemble.Loaded, error) {
	loads, errs := slices.Clone(m.latest), make([]error, len(changes))
	var running sync.WaitGroup
	for n, c := range changes {
		running.Go(func() {
			loaded, err := m.config.Sources[c.source].Load(ctx, loads[c.source], c.onlyRules)
			if errs[n] = err; err == nil {
				loads[c.source] = loaded
			}
		})
	}
	running.Wait()
	m.latest = loads
	var all schema.LoadError
	for n, err := range errs {
		if err == nil {
			continue
		}
		if e, ok := errors.AsType[*schema.LoadError](err); ok {
			all.Diagnostics = append(all.Diagnostics, e.Diagnostics...)
			continue
		}
		all.Diagnostics = append(all.Diagnostics, schema.Diagnostic{
			Message: m.config.Sources[changes[n].source].Name() + ": " + err.Error(),
		})
	}
	if len(all.Diagnostics) > 0 {
		return nil, &all
	}
	return loads, nil
}

// routesOf lists the routes of a snapshot, sorted.
func routesOf(s *gateway.Snapshot) []string {
	var routes []string
	if t := s.Mux.Routes(); t != nil {
		for _, b := range t.Bindings() {
			routes = append(routes, b.String())
		}
	}
	slices.Sort(routes)
	return routes
}

// difference tells what is in only one of two sorted lists.
func difference(before, after []string) (added, removed []string) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(before) == 0 || (len(after) > 0 && after[0] < before[0]):
			added, after = append(added, after[0]), after[1:]
		case len(after) == 0 || before[0] < after[0]:
			removed, before = append(removed, before[0]), before[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
	return added, removed
}
