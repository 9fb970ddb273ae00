// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// reload loads what changed and, if all is well, puts a new snapshot in force. Without changes, it is made of what is there.
func (m *Manager) reload(ctx context.Context, r Request, changes []change) Event {
	e := m.begin(r)
	for _, c := range changes {
		e.Sources = append(e.Sources, m.gen.Sources[c.source].Name())
	}
	undo, err := apply(r)
	if err != nil {
		return m.refuse(e, r, nil, err)
	}
	if r.Source != "" {
		undo = m.gen.remember(changes, undo)
	}
	loads, err := load(ctx, m.gen, changes)
	if err != nil {
		return m.refuse(e, r, undo, err)
	}
	if m.current != nil && slices.Equal(loads, m.gen.inForce) && r.Apply == nil {
		e.Took, e.Diagnostics = time.Since(e.Time), m.doubts
		m.report()
		m.history.number(&e)
		return e // nothing is new
	}
	next, loads, doubts, err := m.build(loads, changes)
	if err != nil {
		return m.refuse(e, r, undo, err)
	}
	if next == nil {
		return m.refuse(e, r, undo, errors.New("reload: nothing was made")) // no Build does that
	}
	return m.settle(ctx, e, r, m.gen, next, loads, doubts, undo)
}

// configure reads the configuration and, if it and all that it names are well, puts it in force.
func (m *Manager) configure(ctx context.Context, r Request) Event {
	if m.config.Next == nil {
		return m.reload(ctx, r, m.gen.all())
	}
	e := m.begin(r)
	made, err := m.config.Next(r.All)
	if err != nil {
		return m.refuse(e, r, nil, err)
	}
	if made == nil {
		e.Took, e.Diagnostics = time.Since(e.Time), m.doubts
		return e
	}
	gen := newGeneration(*made)
	kept, changes := carry(m.gen, gen)
	if r.All {
		changes = gen.all()
	}
	for _, c := range changes {
		e.Sources = append(e.Sources, gen.Sources[c.source].Name())
	}
	gen.start(ctx) // what it fetches is there the sooner
	loads, err := load(ctx, gen, changes)
	if err != nil {
		return m.refuse(e, r, func() { m.drop(gen) }, err)
	}
	next, doubts, err := gen.Build(loads)
	if err == nil {
		return m.settle(ctx, e, r, gen, next, loads, doubts, func() { m.drop(gen) })
	}
	// A source that is refused alone does not hold up the configuration: what is in force of it goes on.
	again := slices.Clone(loads)
	for i, l := range kept {
		if l.Schema != nil {
			again[i] = l
		}
	}
	if slices.Equal(again, loads) {
		return m.refuse(e, r, func() { m.drop(gen) }, err)
	}
	// But where nothing else is new, that it is refused is all that there is to tell, and who has asked wants to know.
	if r.DryRun || len(config.Changes(m.gen.Config, gen.Config)) == 0 {
		e.sourcesAlone = true
		return m.refuse(e, r, func() { m.drop(gen) }, err)
	}
	next, doubts, second := gen.Build(again)
	if second != nil {
		return m.refuse(e, r, func() { m.drop(gen) }, err)
	}
	e = m.settle(ctx, e, r, gen, next, again, doubts, func() { m.drop(gen) })
	for i := range loads {
		if e.Err == nil && loads[i] != again[i] && m.watchers.dirty != nil {
			m.watchers.dirty.mark(change{source: i}) // its refusal is told by a reload of its own
		}
	}
	return e
}

// drop ends a generation that does not come into force. What it loaded of sources that the one in force has, too, that one is to take up: who
// watches a source tells of a change once.
func (m *Manager) drop(gen *generation) {
	for i, s := range gen.Sources {
		j := slices.IndexFunc(m.gen.Sources, func(o assemble.Source) bool { return o.Source == s.Source && o.Rules == s.Rules })
		if j >= 0 && gen.latest[i] != m.gen.latest[j] {
			m.watchers.dirty.mark(change{source: j})
		}
	}
	gen.end()
}

// begin returns the event of a reload that begins.
func (m *Manager) begin(r Request) Event {
	return Event{Trigger: r.Trigger, Who: r.Who, DryRun: r.DryRun, Time: time.Now(), Snapshot: m.current, Since: m.since}
}

// apply changes what is asked for.
func apply(r Request) (undo func(), err error) {
	if r.Apply == nil {
		return nil, nil
	}
	return r.Apply()
}

// keep keeps what is asked for.
func keep(r Request) error {
	if r.Keep == nil {
		return nil
	}
	return r.Keep()
}

// refuse ends a reload that is not put in force.
func (m *Manager) refuse(e Event, r Request, undo func(), err error) Event {
	if undo != nil {
		undo()
	}
	e.Err, e.Took = err, time.Since(e.Time)
	m.report()
	if !r.again {
		m.history.number(&e)
	}
	return e
}

// settle tells what changes by a snapshot, and puts it in force unless that is not wanted.
func (m *Manager) settle(ctx context.Context, e Event, r Request, gen *generation, next *gateway.Snapshot, loads []assemble.Loaded, doubts []schema.Diagnostic, undo func()) Event {
	routes := routesOf(next, gen)
	e.Applied = true
	if m.current != nil {
		e.Added, e.Removed, e.Changed = difference(m.routes, routes)
		e.Schema = schemaChanges(m.current, next, e.Removed)
		if gen != m.gen {
			e.Changes = config.Changes(m.gen.Config, gen.Config)
			e.Applied = len(e.Changes) > 0 || !slices.Equal(m.gen.inForce, loads)
		}
		if err := breaks(gen.Config, r, e.Schema); err != nil {
			next.Release()
			return m.refuse(e, r, undo, err)
		}
	} else {
		e.Added, _, _ = difference(nil, routes)
	}
	if r.Source != "" {
		if i := slices.IndexFunc(gen.Sources, func(s assemble.Source) bool { return s.Name() == r.Source }); i >= 0 {
			e.Concerning = concerning(doubts, m.doubts, loads[i])
		}
	}
	if e.Diagnostics = doubts; r.DryRun {
		next.Release()
		if undo != nil {
			undo()
		}
		e.Took = time.Since(e.Time)
		return e
	}
	if err := keep(r); err != nil {
		next.Release()
		return m.refuse(e, r, undo, err)
	}
	gen.inForce = loads
	before := m.gen
	if gen != before {
		m.watchers.stop()
	}
	m.config.Swap(next)
	if gen.InForce != nil {
		gen.InForce()
	}
	m.gen, m.current, m.routes, m.since, m.doubts = gen, next, routes, e.Time, doubts
	if gen != before {
		before.end() // what both have is kept by who is in force
		if m.current != nil && m.watchers.dirty != nil {
			m.watchers.start(ctx, m)
		}
		m.config.Changed(gen.Config)
	}
	m.report()
	e.Snapshot, e.Since, e.Took = next, m.since, time.Since(e.Time)
	m.history.number(&e)
	return e
}

// build makes a snapshot of the latest of all sources: what was refused alone may be right with what came since, such as a method
// with a new name and then the rule for it. But a source that stays wrong holds up no other: failing that, what changed now is
// tried with what is in force. It returns what the snapshot is made of.
func (m *Manager) build(latest []assemble.Loaded, changes []change) (*gateway.Snapshot, []assemble.Loaded, []schema.Diagnostic, error) {
	next, doubts, err := m.gen.Build(latest)
	if err == nil || m.current == nil {
		return next, latest, doubts, err
	}
	loads := slices.Clone(m.gen.inForce)
	for _, c := range changes {
		loads[c.source] = latest[c.source]
	}
	if slices.Equal(loads, latest) || slices.Equal(loads, m.gen.inForce) {
		return nil, nil, nil, err
	}
	if next, doubts, again := m.gen.Build(loads); again == nil {
		return next, loads, doubts, nil
	}
	return nil, nil, nil, err
}

// carry gives a generation what the one before knows of the sources that both have. It returns what of it is in force, by the index of the
// source, and the changes that load the others.
func carry(before, gen *generation) (kept []assemble.Loaded, changes []change) {
	kept = make([]assemble.Loaded, len(gen.Sources))
	for i, s := range gen.Sources {
		j := slices.IndexFunc(before.Sources, func(o assemble.Source) bool { return o.Source == s.Source && o.Rules == s.Rules })
		if j < 0 || before.latest[j].Schema == nil {
			changes = append(changes, change{source: i})
			continue
		}
		gen.latest[i] = before.latest[j]
		if before.inForce != nil {
			kept[i] = before.inForce[j]
		}
	}
	return kept, changes
}

// load returns the latest of all sources, with what changed loaded anew. The error holds all diagnostics.
func load(ctx context.Context, gen *generation, changes []change) ([]assemble.Loaded, error) {
	loads, errs := slices.Clone(gen.latest), make([]error, len(changes))
	var running sync.WaitGroup
	for n, c := range changes {
		running.Go(func() {
			loaded, err := gen.Sources[c.source].Load(ctx, loads[c.source], c.onlyRules)
			if errs[n] = err; err == nil {
				loads[c.source] = loaded
			}
		})
	}
	running.Wait()
	gen.latest = loads
	for n, c := range changes {
		gen.failed[c.source], gen.checked[c.source] = errs[n], time.Now()
	}
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
			Message: gen.Sources[changes[n].source].Name() + ": " + err.Error(),
		})
	}
	if len(all.Diagnostics) > 0 {
		return nil, &all
	}
	return loads, nil
}
