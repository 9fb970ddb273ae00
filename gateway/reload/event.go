// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"slices"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
)

// Trigger says why there was a reload.
type Trigger string

// Why there are reloads.
const (
	// Start is the first load.
	Start Trigger = "start"
	// ConfigFile is a change of the configuration's file.
	ConfigFile Trigger = "config file"
	// Schemas is a change of a source.
	Schemas Trigger = "schemas"
	// Signal is SIGHUP.
	Signal Trigger = "signal"
	// Admin is somebody who asked for it.
	Admin Trigger = "admin"
	// Switch is an API that was switched off or on, or sent elsewhere.
	Switch Trigger = "switch"
)

// Event is one reload, which took effect or was refused.
type Event struct {
	// ID is its number, from 1 for the first load.
	ID int64
	// Trigger says why there was one, Who asked for it; "" for nobody in particular. DryRun says that nothing was to be put in force.
	Trigger Trigger
	Who     string
	DryRun  bool
	// Time is when it began, Took how long until it was in force or refused.
	Time time.Time
	Took time.Duration
	// Sources names the sources that were loaded.
	Sources []string
	// Snapshot is what is in force now. After a refusal it is what was before.
	Snapshot *gateway.Snapshot
	// Diagnostics say what is doubtful in what is in force.
	Diagnostics []schema.Diagnostic
	// Concerning are those of them that concern what was given to the source of a Request, or came with it; nil where none was named.
	Concerning []schema.Diagnostic
	// Changes are the settings that changed.
	Changes []config.Change
	// Added and Removed are the routes that came and went, as "GET /v1/books"; Changed are those that lead elsewhere, or by another policy.
	Added, Removed, Changed []string
	// Schema is what changed in the schemas, first what breaks clients.
	Schema []compare.Change
	// Applied says that something new is in force, or would be, if this was no dry run.
	Applied bool
	// Err says why the reload was refused; nil when it took effect. It is a *schema.LoadError where sources are at fault, and a
	// *config.Problems where the configuration is.
	Err error
	// Since is when what is in force was loaded.
	Since time.Time

	sourcesAlone bool // it was refused for its sources: no change of the configuration waits
}

// waits tells whether there is a configuration that was refused, and that what changes in the sources may make right.
func (e *Event) waits() bool { return e.Err != nil && !e.sourcesAlone }

// Bounds of the history.
const (
	// MaxHistory is how many reloads are remembered.
	MaxHistory = 200
	// maxTold is how much of each kind is remembered of one of them.
	maxTold = 200
)

// history remembers reloads.
type history struct {
	mu     sync.Mutex
	events []Event // the newest last; guarded by mu
	last   int64   // the number of the last; guarded by mu

	reports []SourceReport // guarded by mu
}

// SourceReport is how a source of schemas fares.
type SourceReport struct {
	// Name is its name, Watched tells whether it is loaded again when it changes.
	Name    string
	Watched bool
	// Checked is when it was last loaded, well or not; Err why not.
	Checked time.Time
	Err     error
	// InForce is what is served of it, Loaded when that was loaded.
	InForce assemble.Loaded
	Loaded  time.Time
}

// Sources tells how the sources fare, in their order. It is safe for concurrent use.
func (m *Manager) Sources() []SourceReport {
	m.history.mu.Lock()
	defer m.history.mu.Unlock()
	return slices.Clone(m.history.reports)
}

// report takes note of how the sources of the generation in force fare.
func (m *Manager) report() {
	m.history.mu.Lock()
	defer m.history.mu.Unlock()
	before := m.history.reports
	reports := make([]SourceReport, len(m.gen.Sources))
	for i, s := range m.gen.Sources {
		r := SourceReport{Name: s.Name(), Watched: s.Watch, Checked: m.gen.checked[i], Err: m.gen.failed[i], Loaded: m.gen.checked[i]}
		if m.gen.inForce != nil {
			r.InForce = m.gen.inForce[i]
		}
		if j := slices.IndexFunc(before, func(o SourceReport) bool { return o.Name == r.Name && o.InForce == r.InForce }); j >= 0 {
			r.Loaded = before[j].Loaded
			if r.Checked.IsZero() {
				r.Checked, r.Err = before[j].Checked, before[j].Err
			}
		}
		reports[i] = r
	}
	m.history.reports = reports
}

// number gives an event its number and remembers it, unless nothing was new and nobody had asked.
func (h *history) number(e *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	e.ID = h.last
	if e.Err == nil && !e.Applied && e.Who == "" && e.Trigger != Signal && e.Trigger != Admin {
		return
	}
	kept := *e
	kept.Snapshot = nil // it is released when its calls are over, and is large
	kept.Concerning = nil
	kept.Sources, kept.Diagnostics, kept.Changes, kept.Schema = firstOf(e.Sources), firstOf(e.Diagnostics), firstOf(e.Changes), firstOf(e.Schema)
	kept.Added, kept.Removed, kept.Changed = firstOf(e.Added), firstOf(e.Removed), firstOf(e.Changed)
	if len(h.events) == MaxHistory {
		h.events = h.events[1:]
	}
	h.events = append(h.events, kept)
}

func firstOf[T any](list []T) []T { return slices.Clone(list[:min(len(list), maxTold)]) }

// History returns the last reloads, the newest first, without their snapshots: those that did something, were refused, or were asked for.
// It is safe for concurrent use.
func (m *Manager) History() []Event {
	m.history.mu.Lock()
	defer m.history.mu.Unlock()
	events := slices.Clone(m.history.events)
	slices.Reverse(events)
	return events
}
