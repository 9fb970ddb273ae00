// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// hubKey is the key under which a hub rides on the resolver's state attributes.
type hubKey struct{}

// hub is where a channel and the balancer that gRPC builds for it meet. gRPC makes the balancer, from
// a name, and gives nobody a reference; the hub comes to it with the first resolver state.
type hub struct {
	cfg Config // with its defaults; immutable

	mu      sync.Mutex
	host    *host               // guarded by mu; nil until the first state
	policy  picker.Policy       // guarded by mu
	guarded picker.Policy       // policy, for healthy endpoints alone while there are enough; guarded by mu
	set     map[string]override // by key of the endpoint; guarded by mu, replaced when it changes
	source  SourceState         // guarded by mu
	placing bool                // calls can be placed; guarded by mu
	changed chan struct{}       // closed and replaced when an endpoint's state changes; guarded by mu
	ready   atomic.Int64        // how many endpoints take calls
	careful atomic.Int64        // until when resets are few, on since's clock
}

// override is what an operator has set for one endpoint.
type override struct {
	drained bool
	weight  float64 // 0: the endpoint's own
}

func newHub(cfg Config) *hub {
	return &hub{cfg: cfg, policy: cfg.Policy, guarded: guarded(cfg, cfg.Policy), changed: make(chan struct{})}
}

// guarded returns p for healthy endpoints alone while there are enough. cfg was checked.
func guarded(cfg Config, p picker.Policy) picker.Policy {
	g, err := picker.NewPanic(picker.PanicConfig{Policy: p, Threshold: cfg.PanicThreshold})
	if err != nil {
		panic(err) //nolint:forbidigo // check has refused what NewPanic would
	}
	return g
}

// attach makes h the host of this channel.
func (b *hub) attach(h *host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host = h
}

func (b *hub) currentHost() *host {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.host
}

func (b *hub) currentPolicy() picker.Policy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.policy
}

func (b *hub) guardedPolicy() picker.Policy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.guarded
}

func (b *hub) setPolicy(p picker.Policy) { b.setPlacing(p, guarded(b.cfg, p)) }

// setPlacing puts a policy in force, and the same guarded.
func (b *hub) setPlacing(p, guarded picker.Policy) {
	b.mu.Lock()
	b.policy, b.guarded = p, guarded
	h := b.host
	b.mu.Unlock()
	if h != nil {
		h.refresh()
	}
}

// override changes what is set for one endpoint.
func (b *hub) override(e endpoint.Endpoint, change func(*override)) {
	b.mu.Lock()
	next := maps.Clone(b.set)
	if next == nil {
		next = map[string]override{}
	}
	o := next[e.Key()]
	change(&o)
	if o == (override{}) {
		delete(next, e.Key())
	} else {
		next[e.Key()] = o
	}
	b.set = next
	h := b.host
	b.mu.Unlock()
	if h != nil {
		h.refresh()
	}
}

// overrides returns what is set, by endpoint; the map is not to be changed.
func (b *hub) overrides() map[string]override {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.set
}

// isCareful says whether few resets are left on a connection.
func (b *hub) isCareful() bool { return int64(since()) < b.careful.Load() }

// resetsAreLow is told that few resets are left on a connection.
func (b *hub) resetsAreLow() { b.careful.Store(int64(since() + carefulFor)) }

func (b *hub) observe(r resolver.Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.source
	b.source.Report = r
	if r.Err == nil {
		b.source.Good = r.At
	}
	if was.At.IsZero() || (was.Err == nil) != (r.Err == nil) {
		b.source.Since = r.At
	}
}

func (b *hub) sourceState() SourceState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.source
}

func (b *hub) states() []State {
	if h := b.currentHost(); h != nil {
		return h.states()
	}
	return nil
}

// changes returns a channel that is closed at the next change of an endpoint's state.
func (b *hub) changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// canPlace says whether calls can be placed.
func (b *hub) canPlace() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.placing
}

// touch says that an endpoint's state has changed, and whether calls can be placed now.
func (b *hub) touch(placing bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.placing = placing
	close(b.changed)
	b.changed = make(chan struct{})
}
