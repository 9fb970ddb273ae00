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
)

// Record is what is told of a call. It holds no secret: no header but the user agent, no query, no body.
type Record struct {
	Time                       time.Time
	RequestID, TraceID         string
	Client                     netip.Addr
	Auth, Subject, Tenant      string // who called, and the provider that says so
	Rule                       string // the limit that refused it
	Protocol, Listener         string
	HTTPMethod, Path           string
	Route                      string // "GET /v1/shelves/{shelf}"; the match of what is passed on unread; "" for protocols that name the method
	Service, RPC               string
	Code                       codes.Code
	HTTPStatus                 int
	Reason                     status.Reason
	Backend, Endpoint, Split   string
	Attempts                   int
	Duration, Backed, TTFB     time.Duration
	BytesIn, BytesOut          int64
	MessagesIn, MessagesOut    int64
	UserAgent, Message, Detail string // Detail is the cause, which the client is not told
}

func recordOf(c *transcoder.Call) Record {
	st := status.Proto(c.Err)
	r := Record{
		Time: c.End, RequestID: c.RequestID, TraceID: c.TraceID, Client: c.Client, Protocol: c.Protocol, Listener: c.Request.Listener,
		HTTPMethod: c.Request.Method, Path: c.Request.Path, Code: codes.Code(st.GetCode()), //nolint:gosec // codes are small
		HTTPStatus: c.HTTPStatus, Reason: c.Reason(), Backend: c.Backend, Endpoint: c.Endpoint, Split: c.Split, Attempts: c.Attempts,
		Duration: c.End.Sub(c.Start), Backed: c.BackendTime, BytesIn: c.BytesIn, BytesOut: c.BytesOut,
		MessagesIn: c.MessagesIn, MessagesOut: c.MessagesOut, UserAgent: c.Request.Header.Get("user-agent"), Message: st.GetMessage(),
	}
	if !c.FirstByte.IsZero() {
		r.TTFB = c.FirstByte.Sub(c.Start)
	}
	if c.Method != nil {
		r.Service, r.RPC, r.Route = c.Method.Service, c.Method.Name, c.Method.Rule
	}
	if id := c.Identity; id != nil {
		r.Auth, r.Subject, r.Tenant = id.Provider, id.Subject, id.Tenant
	}
	if c.Binding != nil {
		r.Route = c.Binding.String()
	}
	if e, ok := errors.AsType[*status.Error](c.Err); ok {
		r.Rule = e.Metadata["rule"]
		if e.Cause != nil {
			r.Detail = e.Cause.Error()
		}
	}
	return r
}

// Overhead is the time that the call spent in the gateway and not with the backend.
func (r *Record) Overhead() time.Duration { return max(r.Duration-r.Backed, 0) }
