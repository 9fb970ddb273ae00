// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Forwarder forwards calls. It is safe for concurrent use.
type Forwarder interface {
	// Forward moves a call's messages until the backend has answered, and returns the outcome.
	Forward(c *transcoder.Call, s transcoder.Stream) error
	// Ready tells whether a call would find an endpoint that takes it.
	Ready() bool
	// Changes returns channels of which one is closed when Ready may have changed.
	Changes() []<-chan struct{}
}

// method is a method whose answers are cached.
type method struct {
	of      *transcoder.Method
	policy  *Policy
	request *shape
	scope   [sha256.Size]byte
	callers []string // fields that tell backends who calls
}

// Generation is the methods of one snapshot whose answers are cached. It is filled by Add, and then safe for concurrent use.
type Generation struct {
	cache   *Cache
	methods []*method // by the ID; nil for those that are not cached
	shapes  shapes

	ctx    context.Context //nolint:containedctx // of what is fetched beside calls
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool // guarded by mu
	running sync.WaitGroup
}

// Generation returns a generation without methods, for those of a Mux that has so many.
func (k *Cache) Generation(methods int) *Generation {
	g := &Generation{cache: k, methods: make([]*method, methods), shapes: shapes{}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Sent is what the configuration says of the fields that backends are sent.
type Sent struct {
	// Rules are all that it says: an answer is used as long as they stay the same.
	Rules string
	// OfCallers are the names of fields by which backends are told who calls, beside those of providers. They are part of auth.subject.
	OfCallers []string
}

// Add has the answers of a method cached. The error says why they cannot be.
func (g *Generation) Add(m *transcoder.Method, p *Policy, sent Sent) error {
	if err := p.config.Fits(m); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	g.methods[m.ID] = &method{of: m, policy: p, request: g.shapes.of(m.Desc.Input()), scope: scopeOf(m, &p.config, sent.Rules), callers: sent.OfCallers}
	return nil
}

// InForce is called when the snapshot is put in force: answers of methods that are not the same any more are dropped.
func (g *Generation) InForce() {
	kept := map[[sha256.Size]byte]bool{}
	for _, m := range g.methods {
		if m != nil {
			kept[m.scope] = true
		}
	}
	g.cache.memory.purge(func(e *entry) bool { return !kept[e.scope] })
}

// Close ends what is fetched beside calls, and waits for it. It is called when the snapshot is released, and its backends with it.
func (g *Generation) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.running.Wait()
}

// hold keeps Close waiting, if it was not called yet.
func (g *Generation) hold() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running.Add(1)
	return true
}

// Route is a Forwarder that answers calls by itself where it can.
type Route struct {
	generation *Generation
	backend    string
	next       Forwarder
}

var _ Forwarder = (*Route)(nil)

// Route returns what answers calls to a backend, of that name, that next forwards to. Answers of one backend are not those of another: a
// canary's are its own.
func (g *Generation) Route(backend string, next Forwarder) *Route {
	return &Route{generation: g, backend: backend, next: next}
}

// Ready tells whether a call would find an endpoint, whatever is stored.
func (r *Route) Ready() bool { return r.next.Ready() }

// Changes returns what is closed when Ready may have changed.
func (r *Route) Changes() []<-chan struct{} { return r.next.Changes() }
