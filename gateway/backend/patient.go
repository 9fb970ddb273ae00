// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"slices"
	"sync"
	"time"
)

// patient is the context of a call to a backend that does not end when the client's does, but when it is told: so the stream is not reset
// at once. It has the same values and tells the same deadline, so the backend knows it. It is what contexts made from it
// ask for to do without a goroutine: AfterFunc.
type patient struct {
	values context.Context //nolint:containedctx // it stands behind it

	mu    sync.Mutex
	done  chan struct{}
	err   error     // guarded by mu
	after []*ending // guarded by mu
}

// ending is a function that is called when a context ends.
type ending struct {
	call func()
}

var _ context.Context = (*patient)(nil)

func newPatient(ctx context.Context) *patient {
	return &patient{values: ctx, done: make(chan struct{})}
}

// end ends the context with an error; the first time counts.
func (p *patient) end(err error) {
	p.mu.Lock()
	if p.err != nil {
		p.mu.Unlock()
		return
	}
	p.err = err
	close(p.done)
	after := p.after
	p.after = nil
	p.mu.Unlock()
	for _, e := range after {
		go e.call()
	}
}

// Deadline implements context.Context.
func (p *patient) Deadline() (time.Time, bool) { return p.values.Deadline() }

// Done implements context.Context.
func (p *patient) Done() <-chan struct{} { return p.done }

// Err implements context.Context.
func (p *patient) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Value implements context.Context.
func (p *patient) Value(key any) any { return p.values.Value(key) }

// AfterFunc has a function called when the context ends, in a goroutine of its own; stop takes it back.
func (p *patient) AfterFunc(f func()) (stop func() bool) {
	e := &ending{f}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		go f()
		return func() bool { return false }
	}
	p.after = append(p.after, e)
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		i := slices.Index(p.after, e)
		if i < 0 {
			return false
		}
		p.after = slices.Delete(p.after, i, i+1)
		return true
	}
}
