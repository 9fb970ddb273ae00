// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolvertest

import (
	"slices"
	"sync"
	"testing"
	"time"

	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// ClientConn is a grpc-go resolver.ClientConn that records what a resolver tells it. It is safe for
// concurrent use.
type ClientConn struct {
	grpcresolver.ClientConn // the methods that no resolver here calls

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each change; guarded by mu
	states   []grpcresolver.State
	errs     []error
	failures int
	refuse   error
}

// NewClientConn returns a ClientConn that has been told nothing.
func NewClientConn() *ClientConn { return &ClientConn{changed: make(chan struct{})} }

// UpdateState implements grpc-go's resolver.ClientConn.
func (c *ClientConn) UpdateState(s grpcresolver.State) error {
	defer c.touch()()
	c.states = append(c.states, s)
	return c.refuse
}

// ReportError implements grpc-go's resolver.ClientConn.
func (c *ClientConn) ReportError(err error) {
	defer c.touch()()
	c.errs = append(c.errs, err)
}

// Observe is a resolver.Config's Observe.
func (c *ClientConn) Observe(r resolver.Report) {
	defer c.touch()()
	if r.Err != nil {
		c.failures++
	}
}

// Refuse makes UpdateState return err from now on.
func (c *ClientConn) Refuse(err error) {
	defer c.touch()()
	c.refuse = err
}

// touch locks c; what it returns unlocks it and wakes who waits.
func (c *ClientConn) touch() func() {
	c.mu.Lock()
	return func() {
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
	}
}

// Updates returns how many states were told.
func (c *ClientConn) Updates() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.states)
}

// Errors returns the errors that were reported.
func (c *ClientConn) Errors() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.errs)
}

// Endpoints returns the endpoints of the last state.
func (c *ClientConn) Endpoints() []grpcresolver.Endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastLocked().Endpoints
}

// State returns the last state; zero before the first.
func (c *ClientConn) State() grpcresolver.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastLocked()
}

func (c *ClientConn) lastLocked() grpcresolver.State {
	if len(c.states) == 0 {
		return grpcresolver.State{}
	}
	return c.states[len(c.states)-1]
}

// Addresses returns the preferred address of each endpoint of the last state, sorted.
func (c *ClientConn) Addresses() []string {
	var out []string
	for _, g := range c.Endpoints() {
		out = append(out, endpoint.FromGRPC(g).Address())
	}
	return sorted(out)
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// WaitFor waits until the endpoints' addresses are want, in any order.
func (c *ClientConn) WaitFor(tb testing.TB, want []string) {
	tb.Helper()
	if !c.Until(func() bool { return slices.Equal(c.Addresses(), sorted(want)) }) {
		tb.Fatalf("endpoints are %v after %v, want %v", c.Addresses(), patience, want)
	}
}

// WaitForFailure waits until a failure is observed that comes after the call.
func (c *ClientConn) WaitForFailure(tb testing.TB) {
	tb.Helper()
	failures := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.failures
	}
	// Two: the first may be of a question that was asked before.
	want := failures() + 2
	if !c.Until(func() bool { return failures() >= want }) {
		tb.Fatalf("no failure within %v", patience)
	}
}

// Until waits until cond is true, which it looks at after each change; false when it stays false
// for too long.
func (c *ClientConn) Until(cond func() bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if cond() {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return cond()
		}
	}
}
