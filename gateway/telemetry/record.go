// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"errors"
	"net/netip"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Record is what is told of a call when it is over. It holds no secret: of the header fields the user agent and those that were asked
// for, no query, no body. It is not changed any more.
type Record struct {
	Time                       time.Time // when it ended
	RequestID, TraceID         string
	Client                     netip.Addr
	Auth, Subject, Tenant      string // who called, and the provider that says so, or refused it
	Rule                       string // the rule, of limits or of authorisation, that refused it
	DryRun                     string // the rule on trial that would have
	Protocol, Listener         string
	HTTPMethod, Path           string
	Route                      string // "GET /v1/shelves/{shelf}"; the match of what is passed on unread; "" for protocols that name the method
	Service, RPC               string
	Known                      bool // the service and the method are in a schema: clients do not make up their names
	Streams                    bool // one of its sides streams
	Code                       codes.Code
	HTTPStatus                 int
	Reason                     status.Reason
	Backend, Endpoint, Split   string
	Attempts                   int
	Probe                      bool // an operator made it, to try something
	Cache                      transcoder.CacheResult
	Duration, Backed, TTFB     time.Duration
	BytesIn, BytesOut          int64
	MessagesIn, MessagesOut    int64
	UserAgent, Message, Detail string       // Detail is the cause, which the client is not told
	Headers                    []wire.Field // those fields of the request that were asked for; what is secret of them is not redacted here

	trace     transcoder.Trace
	tries     [transcoder.MaxTries]transcoder.Try
	tryCount  int
	stops     [transcoder.MaxStops]transcoder.Stop
	stopCount int
}

// Tries are the attempts one by one, in the order in which they began, at most transcoder.MaxTries.
func (r *Record) Tries() []transcoder.Try { return r.tries[:r.tryCount] }

// Trace is the part of a trace that the call is.
func (r *Record) Trace() *transcoder.Trace { return &r.trace }

// Stops are the places that the call came by, in the order in which it left them: match, the stages of its chain, backend. What is left of
// Duration behind the last one is for the answer.
func (r *Record) Stops() []transcoder.Stop { return r.stops[:r.stopCount] }

// fill makes the record of a call of one that held another: field by field, since a record is large and every call has one.
func (r *Record) fill(c *transcoder.Call) {
	request := c.Request
	r.Time, r.Duration, r.Backed = c.End, c.End.Sub(c.Start), c.BackendTime
	r.RequestID, r.TraceID, r.Client = c.RequestID, c.TraceID, c.Client
	r.Protocol, r.Listener, r.HTTPMethod, r.Path, r.Probe = c.Protocol, request.Listener, request.Method, request.Path, request.Probe
	r.HTTPStatus, r.Reason, r.DryRun = c.HTTPStatus, c.Reason(), c.DryRun
	r.Backend, r.Endpoint, r.Split, r.Attempts, r.Cache = c.Backend, c.Endpoint, c.Split, c.Attempts, c.Cache
	r.BytesIn, r.BytesOut, r.MessagesIn, r.MessagesOut = c.BytesIn, c.BytesOut, c.MessagesIn, c.MessagesOut
	r.UserAgent, r.Headers = request.Header.Get("user-agent"), nil
	r.trace = c.Trace
	r.setTries(c.Tries())
	r.setStops(c.Stops())
	r.TTFB = 0
	if !c.FirstByte.IsZero() {
		r.TTFB = c.FirstByte.Sub(c.Start)
	}
	r.Service, r.RPC, r.Route, r.Known, r.Streams = "", "", "", false, false
	if m := c.Method; m != nil {
		r.Service, r.RPC, r.Route, r.Known, r.Streams = m.Service, m.Name, m.Rule, m.Desc != nil, !m.Unary()
	}
	r.Auth, r.Subject, r.Tenant = c.Denied, "", ""
	if id := c.Identity; id != nil {
		r.Auth, r.Subject, r.Tenant = id.Provider, id.Subject, id.Tenant
	}
	if c.Binding != nil {
		r.Route = c.Binding.String()
	}
	r.Code, r.Message, r.Rule, r.Detail = codes.OK, "", "", ""
	if c.Err != nil {
		r.failed(c.Err)
	}
}

// setTries keeps the attempts, and nothing of those that were kept before.
func (r *Record) setTries(all []transcoder.Try) {
	before := r.tryCount
	r.tryCount = copy(r.tries[:], all)
	if before > r.tryCount {
		clear(r.tries[r.tryCount:before])
	}
}

// setStops keeps the stops, and nothing of those that were kept before.
func (r *Record) setStops(all []transcoder.Stop) {
	before := r.stopCount
	r.stopCount = copy(r.stops[:], all)
	if before > r.stopCount {
		clear(r.stops[r.stopCount:before])
	}
}

// failed says what a call ended with.
func (r *Record) failed(err error) {
	st := status.Proto(err)
	r.Code, r.Message = codes.Code(st.GetCode()), st.GetMessage() //nolint:gosec // codes are small
	e, ok := errors.AsType[*status.Error](err)
	if !ok {
		return
	}
	r.Rule = e.Metadata["rule"]
	if e.Cause != nil {
		r.Detail = e.Cause.Error()
	}
}

// Overhead is the time that the call spent in the gateway and not with the backend.
func (r *Record) Overhead() time.Duration { return max(r.Duration-r.Backed, 0) }

// Began is when the head of the request was read.
func (r *Record) Began() time.Time { return r.Time.Add(-r.Duration) }

// Failed tells whether the gateway or the backend failed, and not the client: by the code alone, so that every protocol counts alike.
func (r *Record) Failed() bool {
	switch r.Code {
	case codes.Unknown, codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	default:
		return false
	}
}

// RouteName is under what name calls like this one are counted: its route, or its method; "" where what was called is not known.
func (r *Record) RouteName() string {
	switch {
	case r.Route != "":
		return r.Route
	case r.Known:
		return r.Service + "/" + r.RPC
	}
	return ""
}
