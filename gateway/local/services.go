// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package local provides the services that the gateway itself answers: reflection and health.
//
// They are methods like all others: every protocol reaches them, and they go through the chain of policies. What they tell is
// what is in force at the moment and what the listener shows by which the call came (decision 14).
package local

import (
	"fmt"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Name is what logs call the backend of local services. No backend of a configuration can have it.
const Name = "(gateway)"

// Reflection are the full names of the reflection services, and Health that of the health service.
var Reflection = []string{"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}

// Health is the full name of the health service.
const Health = "grpc.health.v1.Health"

// Services are the services. They are a gateway.Backend that is always ready, and safe for concurrent use.
type Services struct {
	schema   *schema.Schema
	handlers map[string]handler // by the path of the method
	health   *health
}

// handler serves a call.
type handler func(c *transcoder.Call, s grpc.ServerStream) error

var _ gateway.Backend = (*Services)(nil)

// New returns the services of a gateway.
func New(g *gateway.Gateway) (*Services, error) {
	s, err := schema.New(schema.Config{Source: "the gateway itself", Files: []protoreflect.FileDescriptor{
		healthv1.File_grpc_health_v1_health_proto, reflectionv1.File_grpc_reflection_v1_reflection_proto,
		reflectionv1alpha.File_grpc_reflection_v1alpha_reflection_proto,
	}})
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	r, h := &reflection{gateway: g}, newHealth(g)
	all := &Services{schema: s, health: h, handlers: map[string]handler{
		healthv1.Health_Check_FullMethodName: h.check,
		healthv1.Health_List_FullMethodName:  h.list,
		healthv1.Health_Watch_FullMethodName: h.watch,
	}}
	for _, name := range Reflection { // their messages are the same on the wire
		all.handlers["/"+name+"/ServerReflectionInfo"] = r.serve
	}
	return all, nil
}

// Schema describes the services.
func (s *Services) Schema() *schema.Schema { return s.schema }

// Forward answers a call.
func (s *Services) Forward(c *transcoder.Call, stream transcoder.Stream) error {
	c.Backend = Name
	serve := s.handlers[c.Method.Path]
	return transcoder.Answer(c, stream, func(ss grpc.ServerStream) error { return serve(c, ss) })
}
