// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package gateway provides the life of a call: open, intercept, forward, finish.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/recovery"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Gateway serves exchanges by the snapshot that is in force. It is safe for
// concurrent use.
type Gateway struct {
	snapshot atomic.Pointer[Snapshot]
	panicked func(*transcoder.Call, any) error // logs a panic; its error is the outcome that one means
	inFlight atomic.Int64
	flights  flights
	changed  atomic.Pointer[chan struct{}] // closed and replaced by Swap
	tracing  atomic.Pointer[Tracing]       // nil where no traces are kept
	capturer atomic.Pointer[Capturer]      // nil where nothing is captured

	ending     context.Context //nolint:containedctx // it ends when streams are to end
	endStreams context.CancelFunc
}

// New returns a Gateway without a snapshot: it answers UNAVAILABLE until the first Swap.
func New(log *slog.Logger) *Gateway {
	g := &Gateway{panicked: recovery.New(log).Recovered}
	first := make(chan struct{})
	g.changed.Store(&first)
	g.ending, g.endStreams = context.WithCancel(context.Background())
	return g
}

// EndStreams ends all streams that are under way, and those that still begin, with UNAVAILABLE, in the form that their protocol has for it:
// the gateway is about to close (T146).
func (g *Gateway) EndStreams() { g.endStreams() }

// Capturer keeps what calls say.
type Capturer interface {
	// Capture returns the stream that a call is to have instead of one; that one itself where nothing is kept of it. It is called when it is known what
	// is called, before any policy is asked, and must not block.
	Capture(c *transcoder.Call, s transcoder.Stream) transcoder.Stream
}

// SetCapturer has what calls say kept from now on. It may be called at any time.
func (g *Gateway) SetCapturer(k Capturer) { g.capturer.Store(&k) }

// Swap puts a snapshot in force. Calls that are under way keep the one that they began with; the old one is released
// after the last of them.
func (g *Gateway) Swap(s *Snapshot) {
	if s != nil {
		s.plan = g.flights.plan(s)
	}
	old := g.snapshot.Swap(s)
	if s != nil && s.InForce != nil {
		s.InForce()
	}
	next := make(chan struct{})
	close(*g.changed.Swap(&next))
	if old != nil {
		old.done()
	}
}

// Changed returns a channel that is closed by the next Swap. Who asks for it first, and then for the Snapshot, misses none.
func (g *Gateway) Changed() <-chan struct{} { return *g.changed.Load() }

// Snapshot returns what is in force, or nil. It is for looking at, and may be released at any time.
func (g *Gateway) Snapshot() *Snapshot { return g.snapshot.Load() }

// Close takes the snapshot out of force. It is called when no call is under way any more.
func (g *Gateway) Close() { g.Swap(nil) }

// InFlight returns how many calls are under way.
func (g *Gateway) InFlight() int64 { return g.inFlight.Load() }

// acquire returns the snapshot in force, held for one call; nil before the first Swap.
func (g *Gateway) acquire() *Snapshot {
	for {
		s := g.snapshot.Load()
		if s == nil || s.hold() {
			return s
		}
	}
}

// Serve serves one exchange, in the goroutine of the caller, until its answer is complete.
func (g *Gateway) Serve(ex transcoder.Exchange) {
	g.inFlight.Add(1)
	defer g.inFlight.Add(-1)
	s := g.acquire()
	if s == nil {
		notReady(ex)
		return
	}
	defer s.done()

	transcoder.DropInvalid(ex.Request())
	c := transcoder.NewCallOf(ex)
	c.Ending = g.ending
	identify(c, g.tracing.Load())
	c.HideReason, c.Explain = s.HideReason, s.mayAsk(c)
	if cors.Preflight(c.Request) && s.preflight(c, ex, g.panicked) {
		return
	}
	if s.page(c, ex, g.panicked) {
		return
	}
	framer, err := s.open(c)
	c.Stopped(transcoder.StopMatch, 0)
	if framer == nil {
		notReady(ex)
		return
	}
	s.announce(c)
	stream := transcoder.NewStream(c, s.cors(c).Wrap(ex), framer)
	if k := g.capturer.Load(); k != nil {
		stream = (*k).Capture(c, stream)
	}
	flight := s.plan.of(c)
	g.flights.begin(flight, c)
	defer func() { // also of an answer that panicked
		s.finished(c, g.panicked)
		g.flights.end(flight, c)
	}()
	if err == nil {
		err = g.run(s, c, stream)
	} else {
		err = s.nearest(c, err)
	}
	g.finish(c, stream, err)
}

// run takes a call through its chain to its backend. A panic on the way is the call's outcome.
func (g *Gateway) run(s *Snapshot, c *transcoder.Call, stream transcoder.Stream) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = g.panicked(c, r)
		}
	}()
	route := &s.routes[c.Method.ID]
	describe(c)
	err = route.Chain.Run(c, stream, route.last)
	if route.HideInternal {
		err = hideInternal(c, err)
	}
	return err
}

// finish writes the end of the answer, unless nobody is there to read it (T177).
func (g *Gateway) finish(c *transcoder.Call, stream transcoder.Stream, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.Err = g.panicked(c, r)
			c.End = time.Now()
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to say that an answer must not look whole
		}
	}()
	c.Err = err
	sendErr := stream.Finish()
	if gone, ok := errors.AsType[*status.Error](sendErr); ok && c.Context().Err() != nil && err == nil {
		c.Err = gone
	}
	if c.Err != nil && c.Reason() == status.ReasonClientCancelled && c.Context().Err() != nil {
		c.HTTPStatus = status.StatusClientClosedRequest
	}
	c.End = time.Now()
}

// notReady answers before there is anything to serve with.
func notReady(ex transcoder.Exchange) {
	out := &transcoder.Out{Status: status.HTTP(codes.Unavailable), End: transcoder.EndClean}
	out.Header.Add("content-length", "0")
	out.Header.Add(transcoder.ReasonHeader, string(status.ReasonNoReadyBackend))
	_ = ex.Write(out) // the client may have gone: there is nobody else to tell
}
