// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// Policy makes pickers. Its methods are called by the balancer that hosts it: Next from one
// goroutine at a time, never while another Next of the same balancer runs. One Policy value may
// serve several balancers, so it keeps no state of its own; its configuration is all it has.
type Policy interface {
	// Name returns the policy's name in configuration and logs, such as "round_robin".
	Name() string
	// Next returns the picker that takes over from prev, over the endpoints in view. It must not
	// block, nor change view's slices; it may keep them. prev is nil at first, and a picker of
	// another type after a change of policy: either means to start afresh. Calls go on picking
	// from prev for a moment after Next has returned.
	Next(prev Picker, view View) Picker
}

// View is what a policy chooses among. The slices belong to the policies and are never changed.
type View struct {
	// Ready are the endpoints that can take a call now, in the resolver's order. A balancer asks
	// for a picker only while there is at least one.
	Ready []*Candidate
	// All are the endpoints that calls may go to, ready or not, in the resolver's order: what a
	// share of healthy ones is a share of.
	All []*Candidate
	// Now is when the view was made, on the clock that Info and Outcome tell as well.
	Now time.Duration
	// Random are random bits, drawn for this view: with what Info brings, all that policies know of
	// chance, so that a simulation can repeat itself.
	Random uint64
	// Rebuild asks the balancer to call Next again with a fresh view, not before after has passed
	// and not much later. It returns at once, may be called from any goroutine, also after the
	// picker was replaced, and several requests may be served by one Next: of requests that are
	// open at the same time the earliest counts, so a policy that still wants a later one asks again
	// in that Next.
	Rebuild func(after time.Duration)
}

// Candidate is one endpoint as a policy sees it. A candidate is made anew when what is known of
// its endpoint changes; its Stats stay the same for as long as the endpoint is used.
type Candidate struct {
	// Endpoint is the instance. Never zero.
	Endpoint endpoint.Endpoint
	// Stats is how the instance's calls fare. Never nil. Policies read it; the balancer writes.
	// Its address is the identity of the instance for as long as that is used: policies keep what
	// they learn by it.
	Stats *Stats
	// Weight is the instance's share relative to the others', above zero: the endpoint's own, or
	// what an operator or a wrapper has put in its place. It need not be whole.
	Weight float64
	// Since is when the instance began to take calls, without a break since, on View's clock.
	Since time.Duration
	// Unhealthy says why calls had better go elsewhere, in a few words, such as "health check:
	// NOT_SERVING"; empty when nothing is wrong. Only [Panic] reads it: policies within it see
	// healthy candidates, or all of them when too few are.
	Unhealthy string
	// Handle is the balancer's own. Policies leave it alone.
	Handle any
}

// Picker chooses the endpoint of each call. Calls come from many goroutines at once, for each
// call (and each transparent retry of one) at least once.
type Picker interface {
	// Pick returns one of the view's ready candidates, or a copy of one that differs in its weight
	// alone. It must not block, nor allocate. An error
	// is for a policy that refuses a call: a gRPC status error ends the call with that status;
	// any other makes a call that waits for ready endpoints wait for the next picker, and ends
	// the others with UNAVAILABLE.
	Pick(info Info) (*Candidate, error)
}

// Finisher is implemented by a Picker that wants to know how the calls end that it placed.
type Finisher interface {
	// Finish is called once for each call that Pick placed, after its candidate's Stats were
	// updated, from the goroutine that ends the call: it must not block, nor allocate. It may
	// come after the picker was replaced, and for long-lived streams much later.
	Finish(c *Candidate, o Outcome)
}

// Info is what a policy may know of a call when it places it.
type Info struct {
	// Method is the full method name, "/package.Service/Method".
	Method string
	// Context is the call's own, with its deadline and outgoing metadata.
	Context context.Context //nolint:containedctx // handed on within one Pick, as grpc-go's PickInfo does
	// Call is what the caller attached with WithCall; nil when it attached nothing.
	Call *Call
	// Now is the time, on a monotonic clock of the balancer's.
	Now time.Duration
	// Random are random bits, drawn for this pick.
	Random uint64
}

// Avoids says whether the call had better go to another endpoint, if there is one: an earlier attempt at it went there, or
// the endpoint has as many calls as it may have. A policy places the call there only when it finds no other.
func (i *Info) Avoids(c *Candidate) bool {
	return i.Call != nil && (len(i.Call.tried) > 0 && slices.Contains(i.Call.tried, c.Stats) || i.Call.Full(c))
}

// from returns the first endpoint from a position on that the call does not avoid, or the one there if it avoids all.
func (i *Info) from(ready []*Candidate, at int) *Candidate { return ready[i.index(ready, at)] }

// index returns the position of what from returns.
func (i *Info) index(ready []*Candidate, at int) int {
	for k := range ready {
		if other := (at + k) % len(ready); !i.Avoids(ready[other]) {
			return other
		}
	}
	return at
}

// avoided is what the cost of an endpoint grows by that the call avoids: more than any cost.
const avoided = 1e30

// burden returns what is added to the cost of an endpoint.
func (i *Info) burden(c *Candidate) float64 {
	if i.Avoids(c) {
		return avoided
	}
	return 0
}

// Outcome is how a call ended.
type Outcome struct {
	// Method is the full method name.
	Method string
	// Call is what the caller attached with WithCall; nil when it attached nothing.
	Call *Call
	// Now is when the call ended, on the clock of Info.
	Now time.Duration
	// Latency is the time from the pick to the end: for a stream, its life.
	Latency time.Duration
	// First is the time from the pick to the first message of a stream's answer, below zero when
	// none came or the call is no stream.
	First time.Duration
	// Result is what the end says about the endpoint.
	Result Result
	// Err is the call's error; nil on success.
	Err error
	// Trailer is the metadata that the answer ended with; nil when there was none.
	Trailer metadata.MD
	// Load is the load report in the trailer (an *orca LoadReport), when grpc-go parsed one.
	Load any
}
