// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"math/rand/v2"
	"sync"
	"time"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// host is the balancer that gRPC builds for a channel: it keeps a member for every endpoint, and
// has the policy place calls on those that are ready. gRPC calls it from one goroutine; alarms and
// the channel's own methods come from others, hence the lock.
//
// Lock order: host.mu before hub.mu and before gRPC's own locks. gRPC calls no method of a balancer
// while it holds a lock that UpdateState or NewSubConn take.
type host struct {
	cc     grpcbalancer.ClientConn
	alarms alarms

	mu      sync.Mutex
	hub     *hub                 // settings and the way to the Channel; guarded by mu
	members map[string]*member   // by endpoint key; guarded by mu
	order   []*member            // in the resolver's order; guarded by mu
	leaving map[*member]struct{} // gone from the resolver, calls not yet ended; guarded by mu
	picker  picker.Picker        // what the policy last made; guarded by mu
	err     error                // why there is no list of endpoints; guarded by mu
	closed  bool                 // guarded by mu

	rebuilds rebuilds
	wire     *wire          // makes connections callable for checks
	checks   sync.WaitGroup // health checks that run
}

// newHost returns a host with the defaults, which serve when the channel is none of ours; name is
// how it then calls the backend.
func newHost(cc grpcbalancer.ClientConn, name string) *host {
	cfg := Config{Name: name}.withDefaults()
	h := &host{
		cc: cc, hub: newHub(cfg), wire: new(wire),
		members: map[string]*member{}, leaving: map[*member]struct{}{},
	}
	h.rebuilds = rebuilds{alarms: &h.alarms, do: h.refresh}
	return h
}

// UpdateClientConnState implements grpc-go's balancer.Balancer.
func (h *host) UpdateClientConnState(s grpcbalancer.ClientConnState) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if hub, ok := s.ResolverState.Attributes.Value(hubKey{}).(*hub); ok && hub != h.hub {
		h.hub = hub
		hub.attach(h)
	}
	if len(s.ResolverState.Endpoints) == 0 {
		// Our own resolver never says so; with another the last good list is kept as well.
		if len(h.order) == 0 {
			h.err = errNoEndpoints
			h.publishLocked()
		}
		return grpcbalancer.ErrBadResolverState
	}
	h.err = nil
	h.forgetLocked()
	gone := h.members
	h.members = make(map[string]*member, len(s.ResolverState.Endpoints))
	h.order = h.order[:0:0]
	var fresh []*member
	for _, g := range s.ResolverState.Endpoints {
		e := endpoint.FromGRPC(g)
		if e.IsZero() || h.members[e.Key()] != nil {
			continue
		}
		m := gone[e.Key()]
		if m != nil {
			delete(gone, e.Key())
			m.describeLocked(e, g)
		} else {
			m = h.newMemberLocked(e, g)
			fresh = append(fresh, m)
		}
		h.members[e.Key()] = m
		h.order = append(h.order, m)
	}
	for _, m := range fresh {
		m.connectLocked()
	}
	// The picker without them first: no call shall choose a connection that is being closed.
	h.publishLocked()
	for _, m := range gone {
		m.leaveLocked()
	}
	return nil
}

// newMemberLocked returns a member for e. One that has just left and still has calls hands on its
// statistics: it is the same instance.
func (h *host) newMemberLocked(e endpoint.Endpoint, g grpcEndpoint) *member {
	m := &member{host: h, stats: new(picker.Stats), since: time.Now(), condition: Idle}
	for l := range h.leaving {
		if l.endpoint.Key() == e.Key() {
			m.stats = l.stats
			delete(h.leaving, l)
		}
	}
	m.describeLocked(e, g)
	return m
}

// ResolverError implements grpc-go's balancer.Balancer. Endpoints that were once known stay in use.
func (h *host) ResolverError(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.order) > 0 {
		return
	}
	h.err = err
	h.publishLocked()
}

// UpdateSubConnState implements grpc-go's balancer.Balancer; every connection has a listener
// of its own instead.
func (h *host) UpdateSubConnState(grpcbalancer.SubConn, grpcbalancer.SubConnState) {}

// ExitIdle implements grpc-go's balancer.Balancer. The host is never idle: a member whose
// connection is lost connects again by itself.
func (h *host) ExitIdle() {}

// Close implements grpc-go's balancer.Balancer. It returns when no alarm can ring and no check runs any more.
func (h *host) Close() {
	h.mu.Lock()
	h.closed = true
	for _, m := range h.order {
		m.leaveLocked()
	}
	h.hub.touch(false)
	h.mu.Unlock()
	h.rebuilds.close()
	h.alarms.wait()
	h.checks.Wait()
}

// refresh takes over a change of policy or of what is drained.
func (h *host) refresh() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.publishLocked()
	}
}

// publishLocked tells gRPC what calls shall do now: be placed on a ready endpoint, wait, or fail.
func (h *host) publishLocked() {
	var ready, all []*picker.Candidate
	hope := false
	set := h.hub.overrides()
	for _, m := range h.order {
		m.overrideLocked(set[m.endpoint.Key()])
		if m.override.drained {
			continue
		}
		all = append(all, m.candidate)
		if m.links != nil && m.standingLocked() != Connecting {
			ready = append(ready, m.candidate)
		}
		hope = hope || m.hopefulLocked()
	}
	state := grpcbalancer.State{ConnectivityState: connectivity.TransientFailure}
	switch {
	case len(ready) > 0:
		h.picker = h.hub.guardedPolicy().Next(h.picker, picker.View{
			Ready: ready, All: all, Now: since(), Random: rand.Uint64(), Rebuild: h.rebuilds.ask,
		})
		state = grpcbalancer.State{ConnectivityState: connectivity.Ready, Picker: newPlacer(h.picker)}
	case hope:
		state = grpcbalancer.State{ConnectivityState: connectivity.Connecting, Picker: refusal{grpcbalancer.ErrNoSubConnAvailable}}
	default:
		state.Picker = refusal{h.unreadyLocked()}
	}
	h.hub.ready.Store(int64(len(ready)))
	h.cc.UpdateState(state)
	h.hub.touch(len(ready) > 0)
}

// forgetLocked drops the members that have left and whose last call has ended.
func (h *host) forgetLocked() {
	for m := range h.leaving {
		if m.stats.InFlight() == 0 {
			delete(h.leaving, m)
		}
	}
}
