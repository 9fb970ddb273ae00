// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of lists of calls.
const (
	defaultCalls = 100
	tailBacklog  = 256
)

type trafficServer struct {
	adminv1.UnimplementedTrafficServiceServer

	api *API
}

// ListCalls lists the last calls.
func (s *trafficServer) ListCalls(_ context.Context, in *adminv1.ListCallsRequest) (*adminv1.ListCallsResponse, error) {
	filter, err := filterOf(in.GetFilter())
	if err != nil {
		return nil, err
	}
	limit := int(in.GetLimit())
	if limit < 0 || limit > telemetry.MaxRecent {
		return nil, invalid("limit is %d; it must be 0 to %d", limit, telemetry.MaxRecent)
	}
	if limit == 0 {
		limit = defaultCalls
	}
	out := &adminv1.ListCallsResponse{}
	for _, r := range s.api.config.Feed.Recent(filter, limit) {
		out.Calls = append(out.Calls, s.api.summaryOf(&r))
	}
	return out, nil
}

// GetCall tells all of one call.
func (s *trafficServer) GetCall(_ context.Context, in *adminv1.GetCallRequest) (*adminv1.GetCallResponse, error) {
	r, ok := s.api.config.Feed.Find(in.GetId())
	if !ok {
		return nil, notFound("there is no call %.64q among those that are kept", in.GetId())
	}
	return &adminv1.GetCallResponse{Call: s.api.callOf(&r)}, nil
}

// TailCalls tells of calls as they end.
func (s *trafficServer) TailCalls(in *adminv1.TailCallsRequest, out grpc.ServerStreamingServer[adminv1.TailCallsResponse]) error {
	filter, err := filterOf(in.GetFilter())
	if err != nil {
		return err
	}
	calls, err := s.api.config.Feed.Subscribe(filter, tailBacklog)
	if err != nil {
		return status.Errorf(codes.ResourceExhausted, status.ReasonTooManyInFlight, "%s", err)
	}
	defer calls.Close()
	for {
		r, lost, err := calls.Next(out.Context())
		if err != nil {
			return err
		}
		answer := &adminv1.TailCallsResponse{Call: s.api.summaryOf(&r), Missed: int64(lost)} //nolint:gosec // a count
		if in.GetDetails() {
			answer.Details = s.api.callOf(&r)
		}
		if err := out.Send(answer); err != nil {
			return err
		}
	}
}

// codesByName are the codes of gRPC by their names.
var codesByName = func() map[string]codes.Code {
	all := map[string]codes.Code{}
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		all[codeName(c)] = c
	}
	return all
}()

// codeName is NOT_FOUND.
func codeName(c codes.Code) string {
	var b strings.Builder
	if c == codes.OK {
		return "OK"
	}
	for i, r := range c.String() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

func filterOf(in *adminv1.CallFilter) (telemetry.Filter, error) {
	f := telemetry.Filter{Errors: in.GetErrors(), Subject: in.GetSubject(), Backend: in.GetBackend()}
	switch route := in.GetRoute(); {
	case strings.Contains(route, "*"):
		pattern, err := telemetry.ParsePattern(route)
		if err != nil {
			return f, invalid("route %s", err)
		}
		f.Pattern = &pattern
	default:
		f.Route = route
	}
	if in.GetSlowerThan() != nil {
		if err := in.GetSlowerThan().CheckValid(); err != nil || in.GetSlowerThan().AsDuration() < 0 {
			return f, invalid("slower_than is no duration of 0s or more")
		}
		f.Slower = in.GetSlowerThan().AsDuration()
	}
	for _, name := range in.GetCodes() {
		c, ok := codesByName[name]
		if !ok {
			return f, invalid("codes has %.32q; it must be a code of gRPC, such as NOT_FOUND", name)
		}
		f.Codes = append(f.Codes, c)
	}
	for _, r := range in.GetReasons() {
		f.Reasons = append(f.Reasons, status.Reason(r))
	}
	return f, nil
}

func summaryOf(r *telemetry.Record) *adminv1.CallSummary {
	s := &adminv1.CallSummary{
		Id: r.RequestID, Time: timeOf(r.Time), TraceId: r.TraceID, Protocol: r.Protocol, Listener: r.Listener, Verb: clean(r.HTTPMethod), Path: clean(r.Path), Route: r.Route,
		Code: codeName(r.Code), HttpStatus: number(r.HTTPStatus), Reason: string(r.Reason), Message: clean(r.Message), Backend: r.Backend, Endpoint: r.Endpoint,
		Attempts: number(r.Attempts), Duration: durationpb.New(r.Duration), Gateway: durationpb.New(r.Overhead()), BackendTime: durationpb.New(r.Backed),
		Ttfb: durationpb.New(r.TTFB), Subject: clean(r.Subject), Rule: r.Rule, BytesIn: r.BytesIn, BytesOut: r.BytesOut, MessagesIn: r.MessagesIn, MessagesOut: r.MessagesOut,
		UserAgent: clean(r.UserAgent), Cache: string(r.Cache), TraceSampled: r.Trace().Sampled,
	}
	if r.Client.IsValid() {
		s.Client = r.Client.String()
	}
	if r.Service != "" {
		s.Method = clean(r.Service + "/" + r.RPC)
	}
	return s
}

// clean makes a text of a client's one that can be sent on: of UTF-8, and not longer than what is kept of one.
func clean(s string) string { return strings.ToValidUTF8(cut(s), "\ufffd") }

func (a *API) callOf(r *telemetry.Record) *adminv1.CapturedCall {
	c := &adminv1.CapturedCall{Summary: summaryOf(r), Detail: clean(r.Detail)}
	last := time.Duration(0)
	for _, s := range r.Stops() {
		c.Timeline = append(c.Timeline, &adminv1.Stop{Name: s.Name, Offset: durationpb.New(s.Offset), Took: durationpb.New(s.Took)})
		last = s.Offset + s.Took
	}
	for i, t := range r.Tries() {
		c.Timeline = append(c.Timeline, &adminv1.Stop{
			Name: "attempt", Offset: durationpb.New(t.Offset), Took: durationpb.New(t.Took), Detail: fmt.Sprintf("%d %s %s", i+1, t.Endpoint, codeName(t.Code)),
		})
	}
	a.addCaptured(c)
	if rest := r.Duration - last; rest > 0 {
		c.Timeline = append(c.Timeline, &adminv1.Stop{Name: "answer", Offset: durationpb.New(last), Took: durationpb.New(rest)})
	}
	return c
}
