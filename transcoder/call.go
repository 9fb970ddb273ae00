// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Call is one call, resolved once: policies, limits, logs and metrics read it and never
// look at the raw request to find out what is called.
//
// The goroutine that serves the call owns it. While two pumps move messages, the one that reads from the client writes only
// BytesIn, MessagesIn and DryRun, and the other one everything else.
type Call struct {
	// Request is the head of the request.
	Request *Request
	// Protocol is the name of what the client speaks; "" when nothing accepted the request.
	Protocol string
	// Method is what is called. It is nil when the call was refused before it was known.
	Method *Method
	// Binding is the HTTP rule that matched; nil for protocols that name the method itself.
	Binding *httprule.Binding
	// RequestID identifies the call in logs and in the backend's.
	RequestID string
	// TraceID is the id of the trace that the call belongs to, the client's or that of Trace; "" for none.
	TraceID string
	// Trace is the part that it is of a trace, where traces are kept.
	Trace Trace
	// Client is the address that the call counts as coming from.
	Client netip.Addr
	// Host is the host that the call counts as being for, perhaps with a port: the request's authority, or what a trusted proxy says of
	// it. It is "" before that is known.
	Host string
	// Identity is who calls, as authentication has found; nil for nobody in particular. Authentication alone sets it.
	Identity *Identity
	// Denied names the provider whose credentials were refused; "" where there were none, or none were refused. Authentication alone sets it.
	Denied string

	// Metadata goes to the backend, "-bin" values in canonical base64.
	Metadata wire.Header
	// Timeout is what the client allows for the whole call; meaningful when HasTimeout is set. Zero has expired.
	Timeout    time.Duration
	HasTimeout bool
	// Deadline is when the call ends at the latest; zero for never. The deadline policy sets it.
	Deadline time.Time
	// StreamIdle ends a stream in which no message moved for so long; 0 for never.
	StreamIdle time.Duration

	// Ending ends when streams are to end, because the server closes or for the *status.Error that is its cause; nil for never.
	Ending context.Context //nolint:containedctx // see ctx
	// RequestEncoding names the compression in which messages of the request may come; "" for none. The protocol sets it.
	RequestEncoding string
	// KeepCompressed asks the protocol to hand on compressed messages of the request as they came, once it has seen that they
	// keep to the limit. Forward sets it where the backend can be sent them (T182, decision 9).
	KeepCompressed bool
	// AnswerEncoding names the one compression in which the protocol takes messages of the answer as they are; "" for none.
	AnswerEncoding string

	// AnswerFields are header fields that the gateway itself adds to the head of the answer. They are set before the backend is called.
	AnswerFields wire.Header
	// HideReason sends no x-dragoman-reason.
	HideReason bool
	// Explain tells the client where the time went, and under which id the call is kept: it may know.
	Explain bool
	// Header and Trailer are the backend's metadata, as fields.
	Header, Trailer wire.Header
	// Err is the outcome: nil for OK. It is a *status.Error or a gRPC status.
	Err error
	// HTTPStatus is what was sent; 0 when nothing was.
	HTTPStatus int

	// Backend names the backend; Endpoint is the address of the instance that answered.
	Backend, Endpoint string
	// Split names the rule by which the backend was chosen; "" where there was no choice.
	Split string
	// DryRun names the first rule of authorisation on trial that would have refused the call; "" for none.
	DryRun string
	// Admitted is how many stages of its chain have admitted the call.
	Admitted int
	// Attempts is how often the call was sent to an endpoint.
	Attempts int
	// Cache is what the cache did with the call; CacheNone where none was asked.
	Cache CacheResult
	// Refined is why the call was not tried again, where that says more than Err; "" where Err says it all. The backend sets it.
	Refined status.Reason

	// Peer is the text of the address at the other end of the connection; "" where that is not known.
	Peer string

	// Start is when the head of the request was read. FirstByte is when the head of the answer was written, End when all
	// was; BackendTime is how long the backend had the call.
	Start, FirstByte, End time.Time
	BackendTime           time.Duration
	// BytesIn and BytesOut count the bodies on the client's side, MessagesIn and MessagesOut the messages.
	BytesIn, BytesOut       int64
	MessagesIn, MessagesOut int64

	tries     [MaxTries]Try
	tryCount  int
	stops     [MaxStops]Stop
	stopCount int

	ctx   context.Context //nolint:containedctx // a Call is the call's scope, as grpc.ServerStream is
	scope *Scope          // what ctx is asked of when it is first wanted; nil where it was given
}

// NewCall returns the call of a request; ctx ends when the client goes away.
func NewCall(ctx context.Context, r *Request) *Call {
	c := newCall(r)
	c.ctx = ctx
	return c
}

func newCall(r *Request) *Call {
	return &Call{Request: r, Start: time.Now(), Client: r.Remote.Addr().Unmap()}
}

// NewCallOf returns the call of an exchange.
func NewCallOf(ex Exchange) *Call {
	s, ok := ex.(Scoped)
	if !ok {
		return NewCall(ex.Context(), ex.Request())
	}
	c := newCall(ex.Request())
	c.scope = s.Scope()
	return c
}

// Context ends when the client goes away. It may end at the call's deadline, too.
func (c *Call) Context() context.Context {
	if c.ctx != nil {
		return c.ctx
	}
	return c.scope.Context(c.Deadline)
}

// Gone tells whether the client has left before the deadline.
func (c *Call) Gone() bool { return errors.Is(c.Context().Err(), context.Canceled) }

// SetContext replaces the context; interceptors use it to add values.
func (c *Call) SetContext(ctx context.Context) { c.ctx = ctx }

// ReasonHeader says in an answer of the gateway's own why it is what it is.
const ReasonHeader = "x-dragoman-reason"

// Reason says in one word why the answer is what it is.
func (c *Call) Reason() status.Reason {
	switch {
	case c.Err == nil && (c.Cache == CacheHit || c.Cache == CacheStale || c.Cache == CacheStaleIfError):
		return status.ReasonCacheHit
	case c.Err != nil && c.Refined != "":
		return c.Refined
	}
	return status.ReasonOf(c.Err)
}
