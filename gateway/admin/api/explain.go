// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

type explainServer struct {
	adminv1.UnimplementedExplainServiceServer

	api *API
}

// Explain tells what would become of a request.
func (s *explainServer) Explain(ctx context.Context, in *adminv1.ExplainRequest) (*adminv1.ExplainResponse, error) {
	u, err := url.Parse(in.GetPath())
	if err != nil || !strings.HasPrefix(u.EscapedPath(), "/") {
		return nil, status.Errorf(codes.InvalidArgument, "path is %.200q; it must begin with a slash", in.GetPath()) //nolint:wrapcheck // a status
	}
	if !wire.ValidName(strings.ToLower(in.GetVerb())) {
		return nil, status.Errorf(codes.InvalidArgument, "verb is %.40q; it must be a method of HTTP", in.GetVerb()) //nolint:wrapcheck // a status
	}
	assembly := s.api.config.Assembly()
	r := &explain.Request{Method: in.GetVerb(), Path: u.EscapedPath(), Query: u.RawQuery, Authority: u.Host, Body: []byte(in.GetBody()), Listener: in.GetListener()}
	for _, h := range in.GetHeaders() {
		name := strings.ToLower(h.GetName())
		if !wire.ValidName(name) || !wire.ValidValue(h.GetValue()) {
			return nil, status.Errorf(codes.InvalidArgument, "headers has %.64q, which cannot be sent", h.GetName()) //nolint:wrapcheck // a status
		}
		if name == "host" {
			r.Authority = h.GetValue()
			continue
		}
		r.Header.Add(name, h.GetValue())
	}
	if listeners := assembly.Config().Listeners; r.Listener == "" && len(listeners) > 0 {
		r.Listener = listeners[0].Name
	}
	if len(r.Body) > 0 && !r.Header.Has("content-type") {
		r.Header.Add("content-type", "application/json")
	}
	e := assembly.Explain(ctx, r)
	out := explanationOf(e)
	out.Endpoints = endpointsOf(assembly, e)
	return out, nil
}

// endpointsOf tells how the endpoints fare of the backends that a call may go to.
func endpointsOf(assembly *assemble.Assembly, e *explain.Explanation) []*adminv1.ExplainEndpoint {
	if e.Traffic == nil {
		return nil
	}
	wanted := map[string]bool{e.Traffic.Backend: true}
	for _, s := range e.Traffic.Steps {
		wanted[s.Backend] = wanted[s.Backend] || s.Takes
	}
	var all []*adminv1.ExplainEndpoint
	for _, b := range assembly.Backends() {
		for i := range b.Endpoints {
			if wanted[b.Name] {
				all = append(all, &adminv1.ExplainEndpoint{Backend: b.Name, State: b.Endpoints[i].String()})
			}
		}
	}
	return all
}

func explanationOf(e *explain.Explanation) *adminv1.ExplainResponse {
	out := &adminv1.ExplainResponse{
		Request: e.Request, Protocol: e.Protocol, Ok: e.Outcome.OK, Status: number(e.Outcome.Status), Reason: e.Outcome.Reason, Message: e.Outcome.Message,
		Allow: e.Outcome.Allow, Location: e.Outcome.Location, Method: e.Method, Kind: e.Kind, MoreOthers: number(e.MoreOthers), Input: e.Input, Bound: string(e.Message),
	}
	if e.Route != nil {
		out.Route = explainedRoute(e.Route)
	}
	for i := range e.Others {
		o := explainedRoute(&e.Others[i].Route)
		o.Reason, o.Matches = e.Others[i].Reason, e.Others[i].Matches
		out.Others = append(out.Others, o)
	}
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, &adminv1.ExplainField{Path: f.Path, From: f.From, Name: f.Name, Value: f.Value, Note: f.Note})
	}
	for _, p := range e.Policy {
		out.Policy = append(out.Policy, &adminv1.ExplainSetting{Name: p.Name, Value: p.Value, Origin: p.Origin, Place: p.Place})
	}
	if e.Auth != nil {
		out.Auth = &adminv1.ExplainAuth{Any: e.Auth.Any, Everybody: e.Auth.Everybody}
		for _, p := range e.Auth.Providers {
			out.Auth.Providers = append(out.Auth.Providers, &adminv1.ExplainProvider{Name: p.Name, Kind: p.Kind, Field: p.Field, Shown: p.Shown})
		}
	}
	for _, l := range e.Limits {
		out.Limits = append(out.Limits, &adminv1.ExplainLimit{
			Name: l.Name, Key: l.Key, Limit: l.Limit, MaxInFlight: l.InFlight, Weight: l.Weight, Messages: l.Messages, Place: l.Place,
		})
	}
	for _, p := range e.Permits {
		out.Authorization = append(out.Authorization, &adminv1.ExplainPermit{Name: p.Name, Allow: p.Allow, DryRun: p.DryRun, Place: p.Place})
	}
	if t := e.Traffic; t != nil {
		out.Traffic = &adminv1.ExplainTraffic{Entry: t.Entry, Place: t.Place, Backend: t.Backend, Mirror: t.Mirror}
		for _, s := range t.Steps {
			out.Traffic.Steps = append(out.Traffic.Steps, &adminv1.ExplainStep{Rule: s.Rule, Backend: s.Backend, Takes: s.Takes, Percent: s.Percent})
		}
	}
	if c := e.Cache; c != nil {
		out.Cache = &adminv1.ExplainCache{
			Stores: c.Stores, Why: c.Why, Ttl: c.TTL, StaleWhileRevalidate: c.StaleWhileRevalidate, StaleIfError: c.StaleIfError, Shared: c.Shared, Key: c.Key, Notes: c.Notes,
			Origin: c.Origin, Place: c.Place,
		}
	}
	return out
}

func explainedRoute(r *explain.Route) *adminv1.ExplainRoute {
	return &adminv1.ExplainRoute{Rule: r.Rule, Method: r.Method, Body: r.Body, ResponseBody: r.ResponseBody, Origin: r.Origin, Declared: r.Declared}
}
