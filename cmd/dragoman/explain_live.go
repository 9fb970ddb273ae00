// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/explain"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// adminPatience is how long the admin API may take to answer.
const adminPatience = 10 * time.Second

// liveExplanation is an explanation of a running gateway, as JSON has it.
type liveExplanation struct {
	explain.Explanation

	// Endpoints are those of the backends that the call may go to, with their states.
	Endpoints []liveEndpoint `json:"endpoints"`
}

type liveEndpoint struct {
	Backend string `json:"backend"`
	State   string `json:"state"`
}

// explainLive asks a running gateway what would become of a request.
func (t *terminal) explainLive(ctx context.Context, f *explainFlags, r *explain.Request) error {
	f.admin = (&control{address: f.admin}).where()
	conn, err := grpc.NewClient(f.admin, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
	if err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("--admin: %w", err)}
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, adminPatience)
	defer cancel()
	if f.token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+f.token)
	}
	in := &adminv1.ExplainRequest{Verb: r.Method, Path: r.Path, Body: string(r.Body), Listener: r.Listener}
	if r.Query != "" {
		in.Path += "?" + r.Query
	}
	for _, h := range r.Header {
		in.Headers = append(in.Headers, &adminv1.ExplainHeader{Name: h.Name, Value: h.Value})
	}
	if r.Authority != "" {
		in.Headers = append(in.Headers, &adminv1.ExplainHeader{Name: "host", Value: r.Authority})
	}
	out, err := adminv1.NewExplainServiceClient(conn).Explain(ctx, in)
	switch s := status.Convert(err); {
	case err == nil:
	case s.Code() == codes.Unavailable, s.Code() == codes.DeadlineExceeded:
		return &exitError{code: exitUnreachable, err: fmt.Errorf("the admin address %s does not answer: %s", f.admin, s.Message())}
	default:
		return &exitError{code: exitFailed, err: errors.New(s.Message())}
	}
	e := explanationOf(out)
	if f.asJSON {
		err = json.NewEncoder(t.out).Encode(e)
	} else if err = e.Write(t.out); err == nil {
		for _, endpoint := range e.Endpoints {
			t.printf("  %-10s %s   %s\n", "endpoint", endpoint.Backend, endpoint.State)
		}
	}
	if err != nil || !e.Outcome.OK {
		return &exitError{code: exitFailed, err: err}
	}
	return nil
}

func explanationOf(in *adminv1.ExplainResponse) *liveExplanation {
	e := &liveExplanation{Explanation: explain.Explanation{
		Request: in.GetRequest(), Protocol: in.GetProtocol(), Method: in.GetMethod(), Kind: in.GetKind(), MoreOthers: int(in.GetMoreOthers()), Input: in.GetInput(), Message: json.RawMessage(in.GetBound()),
		Outcome: explain.Outcome{OK: in.GetOk(), Status: int(in.GetStatus()), Reason: in.GetReason(), Message: in.GetMessage(), Allow: in.GetAllow(), Location: in.GetLocation()},
	}}
	if len(e.Message) == 0 {
		e.Message = nil
	}
	if in.GetRoute() != nil {
		route := explainedRoute(in.GetRoute())
		e.Route = &route
	}
	for _, o := range in.GetOthers() {
		e.Others = append(e.Others, explain.Other{Route: explainedRoute(o), Reason: o.GetReason(), Matches: o.GetMatches()})
	}
	for _, f := range in.GetFields() {
		e.Fields = append(e.Fields, explain.Field{Path: f.GetPath(), From: f.GetFrom(), Name: f.GetName(), Value: f.GetValue(), Note: f.GetNote()})
	}
	for _, p := range in.GetPolicy() {
		e.Policy = append(e.Policy, explain.Setting{Name: p.GetName(), Value: p.GetValue(), Origin: p.GetOrigin(), Place: p.GetPlace()})
	}
	if a := in.GetAuth(); a != nil {
		e.Auth = &explain.Auth{Any: a.GetAny(), Everybody: a.GetEverybody()}
		for _, p := range a.GetProviders() {
			e.Auth.Providers = append(e.Auth.Providers, explain.Provider{Name: p.GetName(), Kind: p.GetKind(), Field: p.GetField(), Shown: p.GetShown()})
		}
	}
	for _, l := range in.GetLimits() {
		e.Limits = append(e.Limits, explain.Limit{
			Name: l.GetName(), Key: l.GetKey(), Limit: l.GetLimit(), InFlight: l.GetMaxInFlight(), Weight: l.GetWeight(), Messages: l.GetMessages(), Place: l.GetPlace(),
		})
	}
	for _, p := range in.GetAuthorization() {
		e.Permits = append(e.Permits, explain.Permit{Name: p.GetName(), Allow: p.GetAllow(), DryRun: p.GetDryRun(), Place: p.GetPlace()})
	}
	if to := in.GetTraffic(); to != nil {
		e.Traffic = &explain.Traffic{Entry: to.GetEntry(), Place: to.GetPlace(), Backend: to.GetBackend(), Mirror: to.GetMirror()}
		for _, s := range to.GetSteps() {
			e.Traffic.Steps = append(e.Traffic.Steps, explain.Step{Rule: s.GetRule(), Backend: s.GetBackend(), Takes: s.GetTakes(), Percent: s.GetPercent()})
		}
	}
	if c := in.GetCache(); c != nil {
		e.Cache = &explain.Cache{
			Stores: c.GetStores(), Why: c.GetWhy(), TTL: c.GetTtl(), StaleWhileRevalidate: c.GetStaleWhileRevalidate(), StaleIfError: c.GetStaleIfError(), Shared: c.GetShared(), Key: c.GetKey(),
			Notes: c.GetNotes(), Origin: c.GetOrigin(), Place: c.GetPlace(),
		}
	}
	for _, endpoint := range in.GetEndpoints() {
		e.Endpoints = append(e.Endpoints, liveEndpoint{endpoint.GetBackend(), strings.TrimSpace(endpoint.GetState())})
	}
	return e
}

func explainedRoute(r *adminv1.ExplainRoute) explain.Route {
	return explain.Route{Rule: r.GetRule(), Method: r.GetMethod(), Body: r.GetBody(), ResponseBody: r.GetResponseBody(), Origin: r.GetOrigin(), Declared: r.GetDeclared()}
}
