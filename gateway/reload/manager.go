// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package reload provides what watches the configuration and the sources of schemas and puts a new snapshot in force, or keeps
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
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// pollInterval is how often a source is loaded whose watching failed.
const pollInterval = 2 * time.Second

// Generation is what one configuration is made into.
type Generation struct {
	// Config is the configuration; nil where changes of it are not to be told.
	Config *config.Config
	// Sources are loaded at the start, all of them. One that is, by ==, a source of the generation before is not loaded again for a change
	// of the configuration alone.
	Sources []assemble.Source
	// Build makes a snapshot of what the sources gave, which comes in the same order. The diagnostics say what is
	// doubtful; with an error, *schema.LoadError, nothing is made. Build is called from one goroutine at a time.
	Build func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error)
	// Run does what has to be done beside calls until ctx ends; nil does nothing.
	Run func(ctx context.Context)
	// Close gives back what it holds, when it is out of force or was never in; nil does nothing.
	Close func()
	// InForce is called when it comes into force; nil does nothing.
	InForce func()
	// Lead tells where the calls of a method go, in words, where the configuration is not all that says so; nil for nowhere else.
	Lead func(service, method string) string
}

// Config is what a Manager needs.
type Config struct {
	// Generation is the first.
	Generation
	// Next reads the configuration anew and opens what it names. Where nothing is new and all is not asked for, it returns nil. The error is a
	// *config.Problems or a *schema.LoadError with all that is wrong. nil: there is no configuration to be read.
	Next func(all bool) (*Generation, error)
	// WatchConfig tells of changes of the configuration until ctx ends, as a schema.Watcher does; nil tells of none.
	WatchConfig func(ctx context.Context, changed func()) error
	// Changed is told of each configuration that comes into force after the first, from the goroutine of Run; it should return soon. nil tells nobody.
	Changed func(*config.Config)
	// Swap puts a snapshot in force.
	Swap func(*gateway.Snapshot)
	// Notify is told of every reload, from the goroutine of Run; it should return soon. Nil tells nobody.
	Notify func(Event)
	// Log is told what Notify is not: sources that cannot be watched.
	Log *slog.Logger
}

// Request asks for a reload.
type Request struct {
	// Trigger says why, Who who asks.
	Trigger Trigger
	Who     string
	// All reads the configuration and loads all sources.
	All bool
	// DryRun puts nothing in force.
	DryRun bool
	// AllowBreaking lets changes of schemas pass that break clients, whatever the configuration says of them.
	AllowBreaking bool
	// Apply changes what Build goes by, before it is called. undo takes that back, if the reload is refused; with an error nothing is built.
	// nil changes nothing.
	Apply func() (undo func(), err error)
	// Source names a source that is loaded anew, behind Apply; "" for none. Where the reload is refused, or nothing is put in force, what it
	// gave counts for nothing.
	Source string
	// Keep is called when all is right, before it is put in force; with an error it is refused. nil does nothing.
	Keep func() error

	again bool // what was told to be refused is tried again
}

// ErrStopped is the error of a reload that was asked for when the gateway ends.
var ErrStopped = errors.New("reload: the gateway is shutting down")

// Manager loads and reloads. Load is called first, then Run; both from one goroutine. Reload, Signal and History are safe for concurrent use.
type Manager struct {
	config   Config
	gen      *generation
	current  *gateway.Snapshot
	routes   map[string]string
	since    time.Time
	doubts   []schema.Diagnostic
	asked    chan *asked
	signals  chan struct{} // has an element when somebody wants a reload and waits for nothing
	files    chan struct{} // has one when the configuration may have changed
	stopped  chan struct{} // closed when Run has returned
	history  history
	watchers watchers
	refused  bool // the configuration that was read last; what changes in the sources may make it right
}

// generation is a Generation in use.
type generation struct {
	Generation

	latest  []assemble.Loaded // what each source gave last, whether or not it took effect
	inForce []assemble.Loaded
	failed  []error     // why the last load of each source failed
	checked []time.Time // when each source was last loaded; zero for one that the generation before has loaded
	stop    func()      // ends Run, and waits for it
}

// asked is a reload that somebody waits for.
type asked struct {
	Request

	ctx  context.Context //nolint:containedctx // of who waits
	done chan Event
}

// New returns a Manager.
func New(cfg Config) *Manager {
	if cfg.Notify == nil {
		cfg.Notify = func(Event) {}
	}
	if cfg.Changed == nil {
		cfg.Changed = func(*config.Config) {}
	}
	return &Manager{
		config: cfg, gen: newGeneration(cfg.Generation), asked: make(chan *asked), signals: make(chan struct{}, 1), files: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

func newGeneration(g Generation) *generation {
	n := len(g.Sources)
	return &generation{Generation: g, latest: make([]assemble.Loaded, n), failed: make([]error, n), checked: make([]time.Time, n), stop: func() {}}
}

// start begins what has to be done beside calls.
func (g *generation) start(ctx context.Context) {
	if g.Run == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	g.stop = func() {
		cancel()
		running.Wait()
	}
}

// end ends what start began, and gives back what the generation holds.
func (g *generation) end() {
	g.stop()
	if g.Close != nil {
		g.Close()
	}
}

// Load loads all sources, at the same time, and puts the first snapshot in force. The error holds what is wrong
// with all of them.
func (m *Manager) Load(ctx context.Context) (Event, error) {
	e := m.reload(ctx, Request{Trigger: Start}, m.gen.all())
	return e, e.Err
}

// all are changes of all sources.
func (g *generation) all() []change {
	all := make([]change, len(g.Sources))
	for i := range all {
		all[i] = change{source: i}
	}
	return all
}

// named are changes of the source of a name.
func (g *generation) named(name string) []change {
	for i, s := range g.Sources {
		if name != "" && s.Name() == name {
			return []change{{source: i}}
		}
	}
	return nil
}

// remember returns an undo that also takes back what sources give from now on, and how that went.
func (g *generation) remember(changes []change, undo func()) func() {
	latest, failed, checked := slices.Clone(g.latest), slices.Clone(g.failed), slices.Clone(g.checked)
	return func() {
		if undo != nil {
			undo()
		}
		g.latest = slices.Clone(g.latest) // it may be in force
		for _, c := range changes {
			g.latest[c.source], g.failed[c.source], g.checked[c.source] = latest[c.source], failed[c.source], checked[c.source]
		}
	}
}

// Start begins what the first generation has to do beside calls. It is called before Load, at most once; what begins ends with Run, or with End
// where Run is never called.
func (m *Manager) Start(ctx context.Context) { m.gen.start(ctx) }

// End ends the generation in force. It is called after Run, or after a Load that failed.
func (m *Manager) End() { m.gen.end() }

// Reload does what is asked for and returns what became of it, when it is in force or was refused. The error is that of ctx, or ErrStopped.
func (m *Manager) Reload(ctx context.Context, r Request) (Event, error) {
	a := &asked{Request: r, ctx: ctx, done: make(chan Event, 1)}
	select {
	case m.asked <- a:
	case <-m.stopped:
		return Event{}, ErrStopped
	case <-ctx.Done():
		return Event{}, ctx.Err()
	}
	select {
	case e := <-a.done:
		return e, nil
	case <-m.stopped:
		return Event{}, ErrStopped
	}
}

// Signal asks for a reload of everything and does not wait. Any number of signals during a reload is one reload more (fault 22).
func (m *Manager) Signal() { mark(m.signals) }

func mark(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// Run watches the configuration and the sources until ctx ends. It returns when all is quiet.
func (m *Manager) Run(ctx context.Context) {
	defer close(m.stopped)
	var watching sync.WaitGroup
	defer watching.Wait()
	if m.config.WatchConfig != nil {
		watching.Go(func() { m.watchConfig(ctx) })
	}
	m.watchers.start(ctx, m)
	defer func() { m.watchers.stop() }()
	for {
		var e Event
		select {
		case <-ctx.Done():
			return
		case <-m.watchers.dirty.signal:
			changed := m.watchers.dirty.take()
			if len(changed) == 0 {
				continue
			}
			e = m.take(ctx, changed)
		case <-m.files:
			e = m.configure(ctx, Request{Trigger: ConfigFile})
			if e.Err == nil && !e.Applied {
				continue // somebody saved what was there
			}
			m.refused = e.waits()
		case <-m.signals:
			e = m.configure(ctx, Request{Trigger: Signal, All: true})
			m.refused = e.waits()
		case a := <-m.asked:
			if a.ctx.Err() != nil {
				continue // nobody waits any more, and nobody would know what it did
			}
			e = m.ask(ctx, a.Request)
			a.done <- e
			if e.DryRun {
				continue
			}
		}
		m.config.Notify(e)
	}
}

// ask does what somebody waits for.
func (m *Manager) ask(ctx context.Context, r Request) Event {
	if !r.All {
		changes := m.gen.named(r.Source)
		e := m.reload(ctx, r, changes)
		if m.refused && e.Err == nil && !r.DryRun {
			for _, c := range changes {
				m.watchers.dirty.mark(c) // the configuration may be right with it
			}
		}
		return e
	}
	e := m.configure(ctx, r)
	if !r.DryRun {
		m.refused = e.waits()
	}
	return e
}

// take loads sources that changed. A configuration that was refused may be right with them, as one for a method that comes with its schema.
func (m *Manager) take(ctx context.Context, changed []change) Event {
	if m.refused {
		if e := m.configure(ctx, Request{Trigger: ConfigFile, All: true, again: true}); e.Err == nil {
			m.refused = false
			return e
		}
	}
	return m.reload(ctx, Request{Trigger: Schemas}, changed)
}

// watchConfig tells of changes of the configuration. What cannot be watched is read now and then.
func (m *Manager) watchConfig(ctx context.Context) {
	err := m.config.WatchConfig(ctx, func() { mark(m.files) })
	if ctx.Err() != nil {
		return
	}
	m.config.Log.Warn("the configuration cannot be watched; it is read every so often instead", slog.Duration("every", pollInterval), slog.Any("error", err))
	every(ctx, func() { mark(m.files) })
}

// every calls do now and then, until ctx ends.
func every(ctx context.Context, do func()) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
