// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// guard is what keeps a backend from too much, of all its calls together.
type guard struct {
	budget         *budget
	replays        *memory
	calls, streams *gate // of calls that do not stream, and of those that do
	adaptive       *gradient
	breaker        *breaker
	perEndpoint    int64
	parking        *parking
	counts         counts
}

func newGuard(cfg *Config, channel *balancer.Channel) *guard {
	limits := &cfg.Limits
	g := &guard{
		budget: newBudget(cfg.RetryBudget), replays: newMemory(cfg.RetryBuffer), breaker: newBreaker(cfg.CircuitBreaker),
		perEndpoint: int64(limits.MaxPerEndpoint), parking: newParking(),
	}
	if limits.Adaptive {
		g.adaptive = newGradient(limits.MaxInFlight)
	}
	g.calls = newGate(func() int {
		limit := limits.MaxInFlight
		if limits.MaxPerEndpoint > 0 {
			limit = min(limit, limits.MaxPerEndpoint*max(channel.ReadyEndpoints(), 1))
		}
		if g.adaptive != nil {
			limit = min(limit, g.adaptive.current())
		}
		return limit
	}, limits.perClient(limits.MaxInFlight), limits.Queue, limits.QueueTimeout)
	g.streams = newGate(func() int { return limits.MaxStreams }, limits.perClient(limits.MaxStreams), NoQueue, 0)
	return g
}

// enter lets a call through to the backend, or says to the client why not. leave is to be called then.
func (d *delivery) enter(ctx context.Context) error {
	b := d.backend
	d.gate = b.calls
	if d.call.Streaming {
		d.gate = b.streams
	}
	d.call.MaxInFlight = b.perEndpoint
	probe, err := b.breaker.allow()
	if err != nil {
		b.counts.shut.Add(1)
		return err
	}
	if err := d.gate.enter(ctx, d.client); err != nil {
		b.breaker.ended(probe, picker.Neither)
		return err
	}
	d.inside, d.probe = true, probe
	if b.adaptive != nil {
		d.entered = time.Now()
	}
	b.budget.call()
	return nil
}

// leave is told how the call ended.
func (d *delivery) leave(ctx context.Context, err error) {
	if !d.inside {
		return
	}
	d.inside = false
	b := d.backend
	if b.adaptive != nil && d.gate == b.calls && !errors.Is(ctx.Err(), context.Canceled) {
		b.adaptive.sample(time.Since(d.entered), b.calls.busy())
	}
	if !d.parked {
		d.gate.leave(d.client)
	}
	b.breaker.ended(d.probe, resultOf(ctx, err))
}

// resultOf returns what the end of a call says of the backend.
func resultOf(ctx context.Context, err error) picker.Result {
	if errors.Is(ctx.Err(), context.Canceled) {
		return picker.Neither
	}
	if err == nil {
		return picker.Success
	}
	switch grpcstatus.Code(err) {
	case codes.Canceled:
		return picker.Neither
	default:
		return picker.ResultOf(err)
	}
}
