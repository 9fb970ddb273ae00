// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// stale is after how long of waiting the others no longer wait for the first to have its turn. Where calls wait that long there are too
// many, and in their order each would wait so long; the last to come is served at once, and in time.
const stale = 100 * time.Millisecond

// gate lets calls through up to a limit, and keeps some waiting for their turn, in their order while that is short. It is safe for
// concurrent use.
type gate struct {
	limit     func() int // read at each call; at least 1
	perClient int
	queue     int
	patience  time.Duration

	mu       sync.Mutex
	inFlight int
	waiting  []*waiter
	clients  map[netip.Addr]int // calls in flight and waiting, of clients that have any
	refused  uint64
}

// waiter is a call that waits. It is let through when ready is closed.
type waiter struct {
	ready chan struct{}
	since time.Time
}

func newGate(limit func() int, perClient, queue int, patience time.Duration) *gate {
	return &gate{limit: limit, perClient: perClient, queue: max(queue, 0), patience: patience, clients: map[netip.Addr]int{}}
}

// enter lets a call of a client through, or waits until it can; leave is to be called then. The error says to the client why not.
func (g *gate) enter(ctx context.Context, client netip.Addr) error {
	w, err := g.arrive(client)
	if w == nil {
		return err
	}
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case <-w.ready:
		return nil
	case <-timer.C:
		return g.giveUp(w, client, overloaded("the backend has too many calls, and none ended in time"))
	case <-ctx.Done():
		return g.giveUp(w, client, ctx.Err())
	}
}

// arrive returns what a call is to wait on; nil when it is let through or, with an error, refused.
func (g *gate) arrive(client netip.Addr) (*waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := g.clients[client]
	if own >= g.perClient {
		g.refused++
		return nil, overloaded("the client has too many calls at a time")
	}
	if len(g.waiting) == 0 && g.inFlight < g.limit() {
		g.inFlight++
		g.clients[client] = own + 1
		return nil, nil //nolint:nilnil // let through
	}
	if len(g.waiting) >= g.queue {
		g.refused++
		return nil, overloaded("the backend has too many calls")
	}
	w := &waiter{ready: make(chan struct{}), since: time.Now()}
	g.waiting = append(g.waiting, w)
	g.clients[client] = own + 1
	return w, nil
}

// giveUp takes back a call that waits no longer, unless it has been let through in the meantime.
func (g *gate) giveUp(w *waiter, client netip.Addr, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, w)
	if i < 0 {
		return nil
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	g.forgetLocked(client)
	g.refused++
	return err
}

// leave is told of the end of a call that was let through.
func (g *gate) leave(client netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.forgetLocked(client)
	for limit := g.limit(); len(g.waiting) > 0 && g.inFlight < limit; g.inFlight++ {
		next := 0
		if time.Since(g.waiting[0].since) > stale {
			next = len(g.waiting) - 1
		}
		close(g.waiting[next].ready)
		g.waiting = slices.Delete(g.waiting, next, next+1)
	}
}

// busy returns how many calls are in flight.
func (g *gate) busy() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight
}

func (g *gate) forgetLocked(client netip.Addr) {
	if g.clients[client]--; g.clients[client] == 0 {
		delete(g.clients, client)
	}
}

// comeBackAfter is what a client that is refused is told to wait.
const comeBackAfter = time.Second

// overloaded is a call that is refused because there are too many.
func overloaded(message string) *status.Error {
	return &status.Error{
		Code: codes.ResourceExhausted, Reason: status.ReasonOverloaded, HTTP: 503, Message: message, Details: retryInfo(comeBackAfter),
	}
}

// retryInfo tells a client when to come back; over REST it is Retry-After.
func retryInfo(after time.Duration) []*anypb.Any {
	detail, err := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	if err != nil {
		return nil // a message of ours that does not encode has nothing to say
	}
	return []*anypb.Any{detail}
}
