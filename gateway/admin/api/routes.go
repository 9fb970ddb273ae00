// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

type routeServer struct {
	adminv1.UnimplementedRouteServiceServer

	api *API
}

// ListRoutes lists the routes in force.
func (s *routeServer) ListRoutes(_ context.Context, in *adminv1.ListRoutesRequest) (*adminv1.ListRoutesResponse, error) {
	out := &adminv1.ListRoutesResponse{}
	snapshot := s.api.config.Gateway.Snapshot()
	if snapshot == nil || snapshot.Mux.Routes() == nil {
		return out, nil
	}
	assembly := s.api.config.Assembly()
	for _, b := range snapshot.Mux.Routes().Bindings() {
		m := snapshot.Mux.Method("/" + fullName(b.Method))
		if m == nil {
			continue // no table has one that the Mux does not find
		}
		if !contains(in.GetMatch(), b.Template.String(), fullName(b.Method)) || in.GetMethod() != "" && in.GetMethod() != fullName(b.Method) {
			continue
		}
		r := s.api.routeOf(b, m, assembly, in.GetHeat())
		r.Declared = positionOf(assembly.Declared(b))
		if in.GetPolicies() {
			r.Policy = policyOf(assembly.Config(), m)
		}
		out.Routes = append(out.Routes, r)
	}
	return out, nil
}

// contains says whether one of some texts has another in it, in any case.
func contains(part string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), strings.ToLower(part)) {
			return true
		}
	}
	return false
}

// fullName is acme.v1.Users/Get.
func fullName(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

func (a *API) routeOf(b *httprule.Binding, m *transcoder.Method, assembly *assemble.Assembly, heat bool) *adminv1.Route {
	cfg := assembly.Config()
	r := &adminv1.Route{
		Verb: b.HTTPMethod, Path: b.Template.String(), Method: fullName(b.Method), Service: m.Service, Kind: m.Kind(), Body: bodyOf(b), Origin: b.Place.Origin.String(),
		Source: m.Schema.Source(), Comment: commentOf(m.Desc), Deprecated: deprecated(m.Desc), Variables: variablesOf(b),
	}
	if b.ResponseField != nil {
		r.ResponseBody = string(b.ResponseField.Name())
	}
	to, isOff, ok := assembly.Traffic(m.Service, m.Name)
	if r.SwitchedOff = isOff; ok {
		r.Backends = to.Backends()
	}
	r.Stats, r.RpcStats = a.statsOf(b.String(), heat), a.statsOf(m.Service+"/"+m.Name, heat)
	policy, _ := cfg.PolicyFor(m.Service, m.Name)
	if r.Auth = policy.Auth; len(r.Auth) == 1 && r.Auth[0] == config.Everybody {
		r.Auth = nil
	}
	if m.Unary() {
		r.Timeout = durationpb.New(policy.Deadline.Timeout)
	}
	return r
}

func bodyOf(b *httprule.Binding) string {
	switch b.Body {
	case httprule.BodyWhole:
		return "*"
	case httprule.BodyField:
		return string(b.BodyField.Name())
	case httprule.BodyNone:
	}
	return ""
}

// variablesOf returns the fields that the path of a route sets.
func variablesOf(b *httprule.Binding) []string {
	var names []string
	for i := range b.Variables {
		names = append(names, b.Variables[i].Name)
	}
	return names
}

// policyOf returns the values of the policy of a method.
func policyOf(cfg *config.Config, m *transcoder.Method) []*adminv1.PolicyValue {
	var all []*adminv1.PolicyValue
	for _, v := range cfg.PolicyValues(m.Service, m.Name) {
		out := &adminv1.PolicyValue{Name: v.Name, Value: v.Value, Origin: string(v.Origin)}
		if v.Line > 0 {
			out.Position = &adminv1.Position{File: cfg.File, Line: number(v.Line), Column: number(v.Column)}
		}
		all = append(all, out)
	}
	return all
}

// commentOf returns the comment that stands before something in its file.
func commentOf(d protoreflect.Descriptor) string {
	at := d.ParentFile().SourceLocations().ByDescriptor(d)
	lines := strings.Split(strings.TrimSpace(at.LeadingComments), "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// deprecated says whether something says so of itself.
func deprecated(d protoreflect.Descriptor) bool {
	switch o := d.Options().(type) {
	case *descriptorpb.MethodOptions:
		return o.GetDeprecated()
	case *descriptorpb.ServiceOptions:
		return o.GetDeprecated()
	case *descriptorpb.MessageOptions:
		return o.GetDeprecated()
	case *descriptorpb.FieldOptions:
		return o.GetDeprecated()
	case *descriptorpb.EnumValueOptions:
		return o.GetDeprecated()
	default:
		return false
	}
}
