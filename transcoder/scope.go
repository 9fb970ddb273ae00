// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Scope is the context of an exchange. What it needs is made when it is first asked for: a call whose deadline is known by then needs no other one,
// with a place among the children of this. The zero Scope is ready for use. It is safe for concurrent use.
type Scope struct {
	mu       sync.Mutex
	given    bool          // it is somebody's context, and its deadline is settled; guarded by mu
	deadline time.Time     // zero for none; guarded by mu
	timer    *time.Timer   // of the deadline; guarded by mu
	done     chan struct{} // nil until somebody wants it; guarded by mu
	err      error         // nil until it ends; guarded by mu
	after    []*func()     // what is called when it ends; guarded by mu
}

// Context returns the context, which ends with the scope. If it is made now, it ends at a deadline, too; a zero one says that there is none.
func (s *Scope) Context(deadline time.Time) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given {
		return (*scopeContext)(s)
	}
	s.given, s.deadline = true, deadline
	if s.err == nil && !deadline.IsZero() {
		if left := time.Until(deadline); left > 0 {
			s.timer = time.AfterFunc(left, s.expire)
		} else {
			s.end(context.DeadlineExceeded)
		}
	}
	return (*scopeContext)(s)
}

// End ends the context.
func (s *Scope) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(context.Canceled)
}

func (s *Scope) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(context.DeadlineExceeded)
}

// end ends the context because of err. The caller holds mu.
func (s *Scope) end(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.done != nil {
		close(s.done)
	}
	for _, f := range s.after {
		go (*f)()
	}
	s.after = nil
}

// closedChannel is what has ended before anybody wanted to wait for it.
var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// scopeContext is a Scope as a context.
type scopeContext Scope

var _ context.Context = (*scopeContext)(nil)

// Deadline implements context.Context.
func (c *scopeContext) Deadline() (deadline time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deadline, !c.deadline.IsZero()
}

// Done implements context.Context.
func (c *scopeContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done != nil:
	case c.err != nil:
		c.done = closedChannel
	default:
		c.done = make(chan struct{})
	}
	return c.done
}

// Err implements context.Context.
func (c *scopeContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value implements context.Context: there are none.
func (c *scopeContext) Value(any) any { return nil }

// String says what it is, where contexts are printed.
func (c *scopeContext) String() string { return "the context of an exchange" }

// AfterFunc is what the package context asks contexts for that it did not make: without it, each child would have a goroutine that waits. One that
// is made of a context with a value, which is made of this, still has.
func (c *scopeContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	own := &f
	c.after = append(c.after, own)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := slices.Index(c.after, own)
		if at < 0 {
			return false
		}
		c.after = slices.Delete(c.after, at, at+1)
		return true
	}
}

// Scoped is an Exchange that gives its call the Scope.
type Scoped interface {
	// Scope returns what Context is the context of.
	Scope() *Scope
}
