// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"iter"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

type backendServer struct {
	adminv1.UnimplementedBackendServiceServer

	api *API
}

// ListBackends tells how all backends fare.
func (s *backendServer) ListBackends(context.Context, *adminv1.ListBackendsRequest) (*adminv1.ListBackendsResponse, error) {
	return s.api.backends(), nil
}

// GetBackend tells how one fares.
func (s *backendServer) GetBackend(_ context.Context, in *adminv1.GetBackendRequest) (*adminv1.GetBackendResponse, error) {
	b, err := s.api.backend(in.GetName())
	if err != nil {
		return nil, err
	}
	return &adminv1.GetBackendResponse{Backend: b}, nil
}

// DrainEndpoint takes an endpoint out of service.
func (s *backendServer) DrainEndpoint(_ context.Context, in *adminv1.DrainEndpointRequest) (*adminv1.DrainEndpointResponse, error) {
	b, err := s.change(in.GetBackend(), func(b *backend.Backend) error { return b.Drain(in.GetAddress()) })
	if err != nil {
		return nil, err
	}
	return &adminv1.DrainEndpointResponse{Backend: b}, nil
}

// UndrainEndpoint puts it back.
func (s *backendServer) UndrainEndpoint(_ context.Context, in *adminv1.UndrainEndpointRequest) (*adminv1.UndrainEndpointResponse, error) {
	b, err := s.change(in.GetBackend(), func(b *backend.Backend) error { return b.Undrain(in.GetAddress()) })
	if err != nil {
		return nil, err
	}
	return &adminv1.UndrainEndpointResponse{Backend: b}, nil
}

// SetEndpointWeight gives it another weight.
func (s *backendServer) SetEndpointWeight(_ context.Context, in *adminv1.SetEndpointWeightRequest) (*adminv1.SetEndpointWeightResponse, error) {
	b, err := s.change(in.GetBackend(), func(b *backend.Backend) error { return b.SetWeight(in.GetAddress(), in.GetWeight()) })
	if err != nil {
		return nil, err
	}
	return &adminv1.SetEndpointWeightResponse{Backend: b}, nil
}

// change does something to a backend, and tells how it is then.
func (s *backendServer) change(name string, do func(*backend.Backend) error) (*adminv1.Backend, error) {
	b := s.api.config.Assembly().Backend(name)
	if b == nil {
		return nil, notFound("there is no backend %q", name)
	}
	switch err := do(b); {
	case errors.Is(err, backend.ErrNoEndpoint):
		return nil, notFound("%s", err)
	case err != nil:
		return nil, invalid("%s", err)
	}
	return s.api.backend(name)
}

func (a *API) backend(name string) (*adminv1.Backend, error) {
	for _, b := range a.backends().GetBackends() {
		if b.GetName() == name {
			return b, nil
		}
	}
	return nil, notFound("there is no backend %q", name)
}

// backends tells how all backends fare.
func (a *API) backends() *adminv1.ListBackendsResponse {
	assembly := a.config.Assembly()
	states := assembly.Backends()
	routes := a.routesByBackend(assembly)
	out := &adminv1.ListBackendsResponse{}
	for _, o := range overviews(assembly) {
		b := backendOf(&o)
		if own := assembly.Backend(o.Name); own != nil {
			b.Ready = own.Ready()
		}
		if i := slices.IndexFunc(states, func(s assemble.BackendState) bool { return s.Name == o.Name }); i >= 0 {
			b.Calls = callsOf(&states[i])
		}
		b.Routes = routes[o.Name]
		a.addLatencies(b)
		a.sampler.addTo(b)
		out.Backends = append(out.Backends, b)
	}
	return out
}

// addLatencies tells how long attempts took of late at each endpoint. Calls know it by the address that the connection is to.
func (a *API) addLatencies(b *adminv1.Backend) {
	for _, e := range b.GetEndpoints() {
		of := a.config.History.Endpoint(b.GetName(), e.GetConnected())
		if of.Count == 0 {
			of = a.config.History.Endpoint(b.GetName(), e.GetAddress())
		}
		e.Latencies = latencyOf(&of)
	}
}

// routesByBackend counts the routes that lead to each backend.
func (a *API) routesByBackend(assembly *assemble.Assembly) map[string]int32 {
	routes := map[string]int32{}
	for backends := range a.routes(assembly) {
		for _, name := range backends {
			routes[name]++
		}
	}
	return routes
}

// routes returns the backends that each route leads to: none, where it is switched off or nothing is known.
func (a *API) routes(assembly *assemble.Assembly) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		snapshot := a.config.Gateway.Snapshot()
		if snapshot == nil || snapshot.Mux.Routes() == nil {
			return
		}
		for _, b := range snapshot.Mux.Routes().Bindings() {
			var backends []string
			if to, isOff, ok := assembly.Traffic(string(b.Method.Parent().FullName()), string(b.Method.Name())); ok && !isOff {
				backends = to.Backends()
			}
			if !yield(backends) {
				return
			}
		}
	}
}

func backendOf(o *backend.Overview) *adminv1.Backend {
	b := &adminv1.Backend{
		Name: o.Name, Policy: string(o.Policy), Tls: o.TLS,
		Source: &adminv1.EndpointSource{
			Name: o.Source.Name, Endpoints: number(o.Source.Endpoints), Asked: timeOf(o.Source.At), Answered: timeOf(o.Source.Good), Since: timeOf(o.Source.Since),
			Error: o.Source.Error,
		},
	}
	for i := range o.Endpoints {
		e := &o.Endpoints[i]
		b.Endpoints = append(b.Endpoints, &adminv1.Endpoint{
			Address: e.Address, Connected: e.Connected, Connections: number(e.Connections), State: endpointStates[e.State], Reason: e.Reason, Since: timeOf(e.Since),
			Error: e.Error, Tries: number(e.Tries), NextTry: timeOf(e.NextTry), InFlight: e.InFlight, Succeeded: e.Succeeded, Failed: e.Failed,
			Latency: durationpb.New(e.Latency), Success: e.Success, Weight: e.Weight, Zone: e.Zone, Priority: number(e.Priority), Labels: e.Labels,
		})
	}
	return b
}

// endpointStates are the states by the words of backend.EndpointState.
var endpointStates = map[string]adminv1.EndpointState{
	"idle": adminv1.EndpointState_ENDPOINT_STATE_IDLE, "connecting": adminv1.EndpointState_ENDPOINT_STATE_CONNECTING, "ready": adminv1.EndpointState_ENDPOINT_STATE_READY,
	"transient failure": adminv1.EndpointState_ENDPOINT_STATE_FAILING, "draining": adminv1.EndpointState_ENDPOINT_STATE_DRAINING,
	"unhealthy": adminv1.EndpointState_ENDPOINT_STATE_UNHEALTHY, "ejected": adminv1.EndpointState_ENDPOINT_STATE_EJECTED,
}

func callsOf(s *assemble.BackendState) *adminv1.BackendCalls {
	c := &s.Calls
	return &adminv1.BackendCalls{
		InFlight: number(c.InFlight), Streams: number(c.Streams), Queued: number(c.Queued), Limit: number(c.Limit), Refused: c.Refused, Retries: c.Retries,
		RetriesOverBudget: c.OverBudget, Hedges: c.Hedges, HedgesWon: c.HedgesWon, Circuit: c.Breaker.Circuit.String(), CircuitRefused: c.Shut, Mirrored: uint64(max(0, s.Mirrored.Sent)),
	}
}
