// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// health is grpc.health.v1. The gateway as a whole, "", serves when something is in force; a service serves when every backend of
// its methods has an endpoint that takes calls. While the gateway drains, nothing does.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/health-checking.md
type health struct {
	gateway  *gateway.Gateway
	draining chan struct{} // closed when the gateway is to be left
	ended    chan struct{} // closed when watchers are to leave

	mu       sync.Mutex
	drains   bool                   // draining is closed; guarded by mu
	ends     bool                   // ended is closed; guarded by mu
	watchers map[chan struct{}]bool // those who have not said yet that the gateway drains, each closed when it has; guarded by mu
}

func newHealth(g *gateway.Gateway) *health {
	return &health{gateway: g, draining: make(chan struct{}), ended: make(chan struct{}), watchers: map[chan struct{}]bool{}}
}

// Drain makes everything NOT_SERVING and returns when all who watch have been told, or with ctx.
func (s *Services) Drain(ctx context.Context) {
	h := s.health
	h.mu.Lock()
	if !h.drains {
		h.drains = true
		close(h.draining)
	}
	var waiting []chan struct{}
	for told := range h.watchers {
		waiting = append(waiting, told)
	}
	h.mu.Unlock()
	for _, told := range waiting {
		select {
		case <-told:
		case <-ctx.Done():
			return
		}
	}
}

// EndWatches ends the calls of those who watch: they would hold up a drain for as long as it may take. It is called after Drain.
func (s *Services) EndWatches() {
	h := s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ends {
		h.ends = true
		close(h.ended)
	}
}

// check answers how one service is.
func (h *health) check(c *transcoder.Call, s grpc.ServerStream) error {
	in := &healthv1.HealthCheckRequest{}
	if err := s.RecvMsg(in); err != nil {
		return err
	}
	is, _ := h.state(c.Request.Listener, in.GetService())
	if is == healthv1.HealthCheckResponse_SERVICE_UNKNOWN {
		return status.Errorf(codes.NotFound, status.ReasonNoRoute, "unknown service") // hidden or not there (threat H6)
	}
	return s.SendMsg(&healthv1.HealthCheckResponse{Status: is})
}

// list answers how all services are.
func (h *health) list(c *transcoder.Call, s grpc.ServerStream) error {
	if err := s.RecvMsg(&healthv1.HealthListRequest{}); err != nil {
		return err
	}
	names := []string{""}
	if snapshot := h.gateway.Snapshot(); snapshot != nil {
		names = append(names, snapshot.Mux.At(c.Request.Listener).Services()...)
	}
	out := &healthv1.HealthListResponse{Statuses: map[string]*healthv1.HealthCheckResponse{}}
	for _, name := range names {
		is, _ := h.state(c.Request.Listener, name)
		out.Statuses[name] = &healthv1.HealthCheckResponse{Status: is}
	}
	return s.SendMsg(out)
}

// watch tells how a service is, and each change at once.
func (h *health) watch(c *transcoder.Call, s grpc.ServerStream) error {
	in := &healthv1.HealthCheckRequest{}
	if err := s.RecvMsg(in); err != nil {
		return err
	}
	told := make(chan struct{})
	tell := sync.OnceFunc(func() { close(told) })
	h.mu.Lock()
	h.watchers[told] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.watchers, told)
		h.mu.Unlock()
		tell() // whoever waits need not any more
	}()
	last := healthv1.HealthCheckResponse_ServingStatus(-1)
	for {
		drains, ends := closed(h.draining), closed(h.ended) // before the state, which says no less
		is, changes := h.state(c.Request.Listener, in.GetService())
		if is != last {
			if err := s.SendMsg(&healthv1.HealthCheckResponse{Status: is}); err != nil {
				return err
			}
			last = is
		}
		if drains {
			tell()
		}
		if ends {
			return status.Errorf(codes.Unavailable, status.ReasonDraining, "the gateway is shutting down; watch another")
		}
		if !drains {
			changes = append(changes, h.draining)
		}
		if !wait(s.Context(), append(changes, h.ended)) {
			return s.Context().Err()
		}
	}
}

// state returns how a service is, SERVICE_UNKNOWN where requests of the listener do not find it, and what is closed when that may
// have changed.
func (h *health) state(listener, service string) (healthv1.HealthCheckResponse_ServingStatus, []<-chan struct{}) {
	changes := []<-chan struct{}{h.gateway.Changed()}
	snapshot := h.gateway.Snapshot()
	ready := snapshot != nil
	if service != "" {
		if snapshot == nil || snapshot.Mux.At(listener).SchemaOf(service) == nil {
			return healthv1.HealthCheckResponse_SERVICE_UNKNOWN, changes
		}
		for _, b := range backends(snapshot, snapshot.Mux.At(listener), service) {
			r, ok := b.(gateway.Readiness)
			if ok {
				changes = append(changes, r.Changes()...)
			}
			ready = ready && b != nil && (!ok || r.Ready())
		}
	}
	if !ready || closed(h.draining) {
		return healthv1.HealthCheckResponse_NOT_SERVING, changes
	}
	return healthv1.HealthCheckResponse_SERVING, changes
}

// backends returns the backends of the methods of a service, each once; nil where a method has none.
func backends(s *gateway.Snapshot, mux *transcoder.Mux, service string) []gateway.Backend {
	var all []gateway.Backend
	d, err := mux.SchemaOf(service).FindDescriptorByName(protoreflect.FullName(service))
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		return all // the schema is where the service comes from
	}
	for i := range sd.Methods().Len() {
		m := mux.Method("/" + service + "/" + string(sd.Methods().Get(i).Name()))
		if m == nil {
			continue // hidden
		}
		if b := s.Route(m).Backend; !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wait returns true when one of the channels is closed, and false when ctx ends first.
func wait(ctx context.Context, channels []<-chan struct{}) bool {
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}}
	for _, c := range channels {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)})
	}
	chosen, _, _ := reflect.Select(cases)
	return chosen != 0
}
