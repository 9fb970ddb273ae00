// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/tap"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Counts says how often a method was called.
type Counts struct {
	// Arrived is how many calls came in, those that were refused at once included.
	Arrived int
	// Running is how many are being served now.
	Running int
	// Ended is how many were served to their end, well or not.
	Ended int
	// Cancelled is how many of those that ended were cancelled by the client, or ran into their deadline.
	Cancelled int
}

// calls counts calls by method, and holds them where a test wants it.
type calls struct {
	mu sync.Mutex
	// methods has an entry for each path that was ever called, known or not. Guarded by mu.
	methods map[string]*methodState
	// changed is closed and replaced at each change. Guarded by mu.
	changed chan struct{}
}

type methodState struct {
	counts Counts
	last   *testv1.Seen
	// held is what calls wait for; nil when they need not.
	held chan struct{}
}

func newCalls() calls {
	return calls{methods: make(map[string]*methodState), changed: make(chan struct{})}
}

// Counts returns how often a method was called: /package.Service/Method, as it stood on the wire.
func (b *Backend) Counts(method string) Counts {
	b.calls.mu.Lock()
	defer b.calls.mu.Unlock()
	if state := b.calls.methods[method]; state != nil {
		return state.counts
	}
	return Counts{}
}

// Arrived returns how many calls came in for each path that was ever called, as it stood on the wire.
func (b *Backend) Arrived() map[string]int {
	b.calls.mu.Lock()
	defer b.calls.mu.Unlock()
	arrived := make(map[string]int, len(b.calls.methods))
	for path, state := range b.calls.methods {
		if state.counts.Arrived > 0 {
			arrived[path] = state.counts.Arrived
		}
	}
	return arrived
}

// Last returns what the backend saw of the last message of a method; nil before the first.
func (b *Backend) Last(method string) *testv1.Seen {
	b.calls.mu.Lock()
	defer b.calls.mu.Unlock()
	if state := b.calls.methods[method]; state != nil {
		return state.last
	}
	return nil
}

// Wait waits until the counts of a method are as a test wants them, and returns them. It fails when ctx is done before, with
// the counts as they stand.
func (b *Backend) Wait(ctx context.Context, method string, until func(Counts) bool) (Counts, error) {
	for {
		b.calls.mu.Lock()
		counts, changed := b.calls.stateLocked(method).counts, b.calls.changed
		b.calls.mu.Unlock()
		if until(counts) {
			return counts, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return counts, fmt.Errorf("testbackend: %s has %+v: %w", method, counts, ctx.Err())
		}
	}
}

// Hold makes calls of a method wait, before they read their first message, until release is called, the call is cancelled or
// the backend stops. To call release twice does no harm.
func (b *Backend) Hold(method string) (release func()) {
	b.calls.mu.Lock()
	defer b.calls.mu.Unlock()
	state := b.calls.stateLocked(method)
	if state.held == nil {
		state.held = make(chan struct{})
	}
	held := state.held
	return func() {
		b.calls.mu.Lock()
		defer b.calls.mu.Unlock()
		if state.held == held {
			state.held = nil
			close(held)
		}
	}
}

// arrive counts a stream. It is the server's tap: it runs before the path is looked at, and must not block.
func (c *calls) arrive(ctx context.Context, info *tap.Info) (context.Context, error) {
	c.update(info.FullMethodName, func(state *methodState) { state.counts.Arrived++ })
	return ctx, nil
}

// begin counts a call that is being served, and waits where it is held.
func (c *calls) begin(ctx context.Context, method string) error {
	var held chan struct{}
	c.update(method, func(state *methodState) {
		state.counts.Running++
		held = state.held
	})
	if held == nil {
		return nil
	}
	select {
	case <-held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end counts a call that was served.
func (c *calls) end(ctx context.Context, method string) {
	c.update(method, func(state *methodState) {
		state.counts.Running--
		state.counts.Ended++
		if ctx.Err() != nil {
			state.counts.Cancelled++
		}
	})
}

func (c *calls) saw(method string, seen *testv1.Seen) {
	c.update(method, func(state *methodState) { state.last = seen })
}

func (c *calls) releaseAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.methods {
		if state.held != nil {
			close(state.held)
			state.held = nil
		}
	}
}

func (c *calls) update(method string, change func(*methodState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.stateLocked(method))
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *calls) stateLocked(method string) *methodState {
	state := c.methods[method]
	if state == nil {
		state = &methodState{}
		c.methods[method] = state
	}
	return state
}
