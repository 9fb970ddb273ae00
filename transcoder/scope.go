// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"sync"
	"time"
)

// Scope is the context of an exchange. It is made when it is first asked for: a call whose deadline is known by then needs no other one, with a
// timer and a place among the children of this. The zero Scope is ready for use. It is safe for concurrent use.
type Scope struct {
	mu     sync.Mutex
	ctx    context.Context    //nolint:containedctx // that is what it is; guarded by mu
	cancel context.CancelFunc // guarded by mu
	over   bool               // guarded by mu
}

// Context returns the context, which ends with the scope. If it is made now, it ends at a deadline, too; a zero one says that there is none.
func (s *Scope) Context(deadline time.Time) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx != nil:
		return s.ctx
	case deadline.IsZero():
		s.ctx, s.cancel = context.WithCancel(context.Background())
	default:
		s.ctx, s.cancel = context.WithDeadline(context.Background(), deadline)
	}
	if s.over {
		s.cancel()
	}
	return s.ctx
}

// End ends the context.
func (s *Scope) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.cancel != nil {
		s.cancel()
	}
}

// Scoped is an Exchange that gives its call the Scope.
type Scoped interface {
	// Scope returns what Context is the context of.
	Scope() *Scope
}
