// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Backend forwards calls. It is safe for concurrent use.
type Backend interface {
	// Forward moves a call's messages until the backend has answered, and returns the outcome.
	Forward(c *transcoder.Call, s transcoder.Stream) error
}

// Readiness is what a Backend may be beside: it knows whether it can be called.
type Readiness interface {
	// Ready tells whether a call would find an endpoint that takes it.
	Ready() bool
	// Changes returns channels of which one is closed when Ready may have changed. Who asks for them first, and then whether it is Ready,
	// misses no change.
	Changes() []<-chan struct{}
}

// Route is what serving one method needs.
type Route struct {
	// Chain are the method's policies.
	Chain *interceptor.Chain
	// Backend is where its calls go; nil where none is configured.
	Backend Backend
	// CORS lets pages of other origins call the method; nil lets none.
	CORS *cors.Policy
	// Announce adds the fields that every answer has, before any policy is asked; nil adds none.
	Announce func(*transcoder.Call)
	// HideInternal keeps what INTERNAL and UNKNOWN say from clients (T159).
	HideInternal bool

	last interceptor.Handler // forward, made once; NewSnapshot sets it
}

func (r *Route) forward(c *transcoder.Call, s transcoder.Stream) error {
	if r.Backend == nil {
		return status.Errorf(codes.Unavailable, status.ReasonNoReadyBackend, "no backend is configured for this method")
	}
	return r.Backend.Forward(c, s)
}

// Observer is told of every call when it is over, whether or not it was resolved. It must not block.
type Observer interface {
	Observe(c *transcoder.Call)
}

// Pages serves documents that belong to no method.
type Pages interface {
	// Serve answers a request if it is for one of them, notes in the call what was answered, and tells whether it did. It is called from the
	// goroutine of the exchange and may take as long as making a document takes.
	Serve(c *transcoder.Call, ex transcoder.Exchange) bool
}

// Snapshot is all that a reload replaces: immutable once made, put in force by Gateway.Swap.
type Snapshot struct {
	// Mux resolves calls.
	Mux *transcoder.Mux
	// Observers are told of every call.
	Observers []Observer
	// CORS is for what belongs to no method; nil lets no page of another origin read it.
	CORS *cors.Policy
	// Pages serves what belongs to no method, such as documentation; nil serves nothing.
	Pages Pages
	// Announce adds the fields that answers to what belongs to no method have; nil adds none.
	Announce func(*transcoder.Call)
	// HideReason sends no x-dragoman-reason.
	HideReason bool
	// DebugToken is what a request says in x-dragoman-debug to be told where its time went, and which route is near; "" tells nobody.
	DebugToken string
	// TellNearest tells everybody who calls what is not there which route is near, and not only those who show the DebugToken.
	TellNearest bool
	// InForce is called when the snapshot is put in force; nil calls nothing.
	InForce func()

	routes  []Route
	plan    *plan // where its calls are counted; nil before it is put in force
	release func()
	refs    atomic.Int64 // calls that use the snapshot, and one while it is in force
}

// NewSnapshot returns a snapshot with a route for each method of the Mux and each rule of its Passthrough, at the index of the method's ID. release
// is called once, when the snapshot is out of force and its last call over; it may be nil.
func NewSnapshot(m *transcoder.Mux, routes []Route, release func()) (*Snapshot, error) {
	if len(routes) != m.Len() {
		return nil, fmt.Errorf("snapshot has %d routes; the mux has %d methods", len(routes), m.Len())
	}
	for i := range routes {
		routes[i].last = routes[i].forward
	}
	s := &Snapshot{Mux: m, routes: routes, release: release}
	s.refs.Store(1)
	return s, nil
}

// Schemas returns the schemas that the methods come from, each once.
func (s *Snapshot) Schemas() []*schema.Schema { return s.Mux.Schemas() }

// Route returns what serves a method of the snapshot's Mux.
func (s *Snapshot) Route(m *transcoder.Method) *Route { return &s.routes[m.ID] }

// Release gives up a snapshot that was never put in force, or Swap's own hold on it.
func (s *Snapshot) Release() { s.done() }

// hold takes a reference, unless the last one is gone.
func (s *Snapshot) hold() bool {
	for n := s.refs.Load(); n > 0; n = s.refs.Load() {
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

func (s *Snapshot) done() {
	if s.refs.Add(-1) == 0 && s.release != nil {
		s.release()
	}
}

// open resolves a call and checks its head. The check comes second so that its error is said in the
// protocol of the client.
func (s *Snapshot) open(c *transcoder.Call) (transcoder.Framer, error) {
	framer, err := s.Mux.Open(c)
	if bad := transcoder.CheckHead(c.Request); bad != nil && framer != nil {
		return framer, bad
	}
	if err == nil {
		err = s.checkOrigin(c)
	}
	return framer, err
}

// announce adds the fields that the answer to a call has whatever becomes of it.
func (s *Snapshot) announce(c *transcoder.Call) {
	add := s.Announce
	if c.Method != nil {
		add = s.routes[c.Method.ID].Announce
	}
	if add != nil {
		add(c)
	}
}

// finished tells policies and observers that a call is over, all of them: panics are given to panicked.
func (s *Snapshot) finished(c *transcoder.Call, panicked func(*transcoder.Call, any) error) {
	if c.Method != nil {
		s.routes[c.Method.ID].Chain.Finish(c, panicked)
	}
	for _, o := range s.Observers {
		observe(o, c, panicked)
	}
}

// page serves a request that is for one of the Pages, and tells observers of it.
func (s *Snapshot) page(c *transcoder.Call, ex transcoder.Exchange, panicked func(*transcoder.Call, any) error) bool {
	if s.Pages == nil || !s.Pages.Serve(c, s.CORS.Wrap(ex)) {
		return false
	}
	for _, o := range s.Observers {
		observe(o, c, panicked)
	}
	return true
}

func observe(o Observer, c *transcoder.Call, panicked func(*transcoder.Call, any) error) {
	defer func() {
		if r := recover(); r != nil {
			_ = panicked(c, r) // the outcome of the call stays
		}
	}()
	o.Observe(c)
}
