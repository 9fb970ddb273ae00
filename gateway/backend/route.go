// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Route is a backend as the calls of some methods see it: with the policy that they are held to. It is safe for concurrent use.
type Route struct {
	backend *Backend
	policy  *Policy
	hedger  *hedger // nil without hedging
}

// Route returns the way to the backend for calls that are held to p. Where calls are hedged, each method needs a route of its own: what
// its calls take is compared with each other.
func (b *Backend) Route(p *Policy) *Route {
	r := &Route{backend: b, policy: p}
	if p.hedge != nil {
		r.hedger = newHedger(*p.hedge)
	}
	return r
}

// Forward moves a call's messages to the backend and back.
func (r *Route) Forward(c *transcoder.Call, s transcoder.Stream) error {
	return r.forward(c, s, "", nil)
}

// forward is Forward for calls that have a key, or of which a Keyer finds it in the first message.
func (r *Route) forward(c *transcoder.Call, s transcoder.Stream, key string, keyer *Keyer) error {
	c.Backend = r.backend.name
	d := &delivery{backend: r.backend, policy: r.policy, repeatable: c.Method.Idempotent || r.policy.retries.assumed, client: c.Client, trace: &c.Trace, start: c.Start}
	if c.Method.NoSideEffects && c.Method.Unary() {
		d.hedger = r.hedger
	}
	d.call.Key = key
	var conn grpc.ClientConnInterface = d
	if keyer != nil {
		conn = &keyedConn{delivery: d, of: c, keyer: keyer}
	}
	over := false
	defer func() {
		if !over { // a panic
			d.end(c.Context(), context.Canceled)
		}
	}()
	err := transcoder.Forward(c, s, conn)
	over = true
	d.end(c.Context(), err)
	c.Attempts += d.retried + d.hedges
	c.SetTries(d.tries.all())
	if d.dry && err != nil && status.ReasonOf(err) == status.ReasonBackendError {
		c.Refined = status.ReasonRetryBudgetEmpty
	}
	return err
}

// Ready tells whether an endpoint takes calls.
func (r *Route) Ready() bool { return r.backend.Ready() }

// Changes returns what is closed when Ready may have changed.
func (r *Route) Changes() []<-chan struct{} { return r.backend.Changes() }

// end gives back what a call holds, however it ended.
func (d *delivery) end(ctx context.Context, err error) {
	if d.stream != nil {
		d.stream.commit()
		d.ended(d.stream.stream(), err)
		if d.stream.current != nil {
			d.stream.giveUp(d.stream.stream())
		}
	}
	d.leave(ctx, err)
}
