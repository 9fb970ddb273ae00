// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package api provides the admin API: the services of dragoman.admin.v1, as methods that the gateway's own transcoder serves in all protocols.
package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Name is what logs call the backend of the admin API.
const Name = "(admin)"

// Services are services as a gRPC server has them, called in place. What is registered before Schema is asked for is served. They are a
// gateway.Backend and safe for concurrent use once they are served.
type Services struct {
	files    map[string]protoreflect.FileDescriptor
	handlers map[string]func(ss grpc.ServerStream) error // by the path of the method
	errs     []error
}

var (
	_ gateway.Backend       = (*Services)(nil)
	_ grpc.ServiceRegistrar = (*Services)(nil)
)

// NewServices returns no services.
func NewServices() *Services {
	return &Services{files: map[string]protoreflect.FileDescriptor{}, handlers: map[string]func(grpc.ServerStream) error{}}
}

// RegisterService adds a service, as the generated Register functions do. What is wrong with it, Schema tells.
func (s *Services) RegisterService(d *grpc.ServiceDesc, impl any) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(d.ServiceName))
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("service %s: %w", d.ServiceName, err))
		return
	}
	s.files[found.ParentFile().Path()] = found.ParentFile()
	for i := range d.Methods {
		m := &d.Methods[i]
		s.handlers["/"+d.ServiceName+"/"+m.MethodName] = func(ss grpc.ServerStream) error {
			out, err := m.Handler(impl, ss.Context(), ss.RecvMsg, nil)
			if err != nil {
				return err
			}
			return ss.SendMsg(out)
		}
	}
	for i := range d.Streams {
		m := &d.Streams[i]
		s.handlers["/"+d.ServiceName+"/"+m.StreamName] = func(ss grpc.ServerStream) error { return m.Handler(impl, ss) }
	}
}

// Schema describes the services that were registered.
func (s *Services) Schema() (*schema.Schema, error) {
	if err := errors.Join(s.errs...); err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	files := slices.SortedFunc(maps.Values(s.files), func(a, b protoreflect.FileDescriptor) int {
		return slices.Compare([]byte(a.Path()), []byte(b.Path()))
	})
	return schema.New(schema.Config{Source: "the admin API", Files: files})
}

// Forward answers a call.
func (s *Services) Forward(c *transcoder.Call, stream transcoder.Stream) error {
	c.Backend = Name
	serve := s.handlers[c.Method.Path]
	if serve == nil {
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "nothing serves this method")
	}
	return transcoder.Answer(c, stream, func(ss grpc.ServerStream) error {
		return serve(&calledStream{ServerStream: ss, ctx: context.WithValue(ss.Context(), callKey{}, c)})
	})
}

// calledStream is a stream whose context knows its call.
type calledStream struct {
	grpc.ServerStream

	ctx context.Context //nolint:containedctx // as that of any grpc.ServerStream
}

func (s *calledStream) Context() context.Context { return s.ctx }

type callKey struct{}

// callerOf says who calls: the address that the call comes from.
func callerOf(ctx context.Context) string {
	if c, ok := ctx.Value(callKey{}).(*transcoder.Call); ok && c.Client.IsValid() {
		return c.Client.String()
	}
	return "unknown"
}

// ReadOnly refuses methods that change something: all that do not say that they have no side effects.
type ReadOnly struct{}

var _ interceptor.Admitter = ReadOnly{}

// Admit refuses what changes something.
func (ReadOnly) Admit(c *transcoder.Call) error {
	if c.Method.NoSideEffects {
		return nil
	}
	return status.Errorf(codes.PermissionDenied, status.ReasonAuthDenied, "the admin API is read-only here: the configuration says admin: {read_only: true}")
}
