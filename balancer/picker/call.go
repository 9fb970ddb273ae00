// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Call is what a caller tells the policies about one call, and what it learns in return: where
// the call went, and how far it came. The caller fills the exported fields before the call and
// attaches the Call with [WithCall]; the methods may be used from any goroutine at any time. A
// Call serves one call; its zero value is ready for use.
type Call struct {
	// Key is what policies that hash go by: calls of the same key go to the same endpoint while
	// it can take them. Empty: the call has none.
	Key string
	// Streaming says that the call's duration is not a latency, so that no policy takes a stream
	// that lives for an hour for a slow endpoint: the time to the first message of the answer counts. A
	// balancer.Channel sets it for every method that streams.
	Streaming bool
	// MaxInFlight is how many calls in flight an endpoint may have at most, this one included; 0: any number. A
	// balancer.Channel refuses the call with RESOURCE_EXHAUSTED when no endpoint has fewer.
	MaxInFlight int64

	tried  []*Stats // of the endpoints that earlier attempts at the same call went to
	chosen atomic.Pointer[Candidate]
	resets atomic.Pointer[Resets]
	paid   atomic.Bool // its reset is counted
	stage  atomic.Int32
	first  atomic.Int64 // when the first message came; 0 before
}

// Stage is how far a call came.
type Stage int32

// The stages, in order. The status code of a failed call does not tell them apart: UNAVAILABLE
// may come from here or from the backend's own code.
const (
	// StageWaiting is a call that no endpoint was found for (yet). It has not left this process.
	StageWaiting Stage = iota
	// StageChosen is a call that has an endpoint, and under way; or one that ended before a
	// stream to the endpoint could be opened, and has not left this process.
	StageChosen
	// StageSent is a call that ended without any answer from the endpoint, after its stream was
	// opened: the endpoint may have seen it.
	StageSent
	// StageAnswered is a call that ended after the endpoint had answered at least header fields
	// or a status: its error, if any, is the backend's word or came after it.
	StageAnswered
)

// String returns the stage in one word.
func (s Stage) String() string {
	switch s {
	case StageWaiting:
		return "waiting"
	case StageChosen:
		return "chosen"
	case StageSent:
		return "sent"
	case StageAnswered:
		return "answered"
	default:
		return "unknown"
	}
}

// Stage returns how far the call came. It is final once the call has returned.
func (c *Call) Stage() Stage { return Stage(c.stage.Load()) }

// Endpoint returns where the call went last; zero while no endpoint was chosen.
func (c *Call) Endpoint() endpoint.Endpoint {
	if chosen := c.chosen.Load(); chosen != nil {
		return chosen.Endpoint
	}
	return endpoint.Endpoint{}
}

// Retry returns the Call of another attempt at the same call, now or beside the ones before: policies prefer endpoints
// that none of those went to.
func (c *Call) Retry() *Call {
	next := &Call{Key: c.Key, Streaming: c.Streaming, MaxInFlight: c.MaxInFlight, tried: c.tried}
	if chosen := c.chosen.Load(); chosen != nil {
		next.tried = append(slices.Clip(c.tried), chosen.Stats)
	}
	return next
}

// Tried returns how many endpoints the attempts before this one went to, those that were tried twice counted twice.
func (c *Call) Tried() int { return len(c.tried) }

// Full says whether an endpoint has as many calls as it may have for this one.
func (c *Call) Full(to *Candidate) bool {
	return c.MaxInFlight > 0 && to.Stats.InFlight() >= c.MaxInFlight
}

// Chose records the endpoint of the call. For the balancer.
func (c *Call) Chose(to *Candidate) {
	c.chosen.Store(to)
	c.stage.Store(int32(StageChosen))
}

// Travels records on which connection the call is, by what counts its resets. For the balancer.
func (c *Call) Travels(on *Resets) { c.resets.Store(on) }

// MayReset says whether the call may be cancelled now, which resets its stream, without too many resets on its connection; that one is
// counted then. A call that has no connection may always be cancelled.
func (c *Call) MayReset() bool {
	r := c.resets.Load()
	if r == nil || c.paid.Load() {
		return true
	}
	if !r.Take() {
		return false
	}
	c.paid.Store(true)
	return true
}

// ResetPaid says whether MayReset has counted the call's reset. For the balancer.
func (c *Call) ResetPaid() bool { return c.paid.Load() }

// Answered records that the first message of a stream's answer has come; now is on the clock of
// [Info]. For the balancer.
func (c *Call) Answered(now time.Duration) { c.first.Store(int64(now)) }

// FirstAfter returns how long after began the first message came; below zero when none did.
func (c *Call) FirstAfter(began time.Duration) time.Duration {
	if first := time.Duration(c.first.Load()); first >= began && first > 0 {
		return first - began
	}
	return -1
}

// Ended records how far the call came. For the balancer.
func (c *Call) Ended(sent, answered bool) {
	switch {
	case answered:
		c.stage.Store(int32(StageAnswered))
	case sent:
		c.stage.Store(int32(StageSent))
	}
}

// callKey is the context key of a *Call.
type callKey struct{}

// WithCall returns a context that carries c to the policies.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns what WithCall attached, or nil.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}
