// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reflection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jhump/protoreflect/grpcreflect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// told is what a backend said.
type told struct {
	services map[string]bool   // those that it serves, reflection and health left out
	files    map[string][]byte // the files that they need, encoded, by import name
}

// fetch asks the backend for all services and the files that they need.
func (s *Source) fetch(ctx context.Context) (*told, error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	guard := newGuard(s.config.Conn, s.config.Limits, s.config.Name)
	client := grpcreflect.NewClientAuto(ctx, guard)
	defer client.Reset()
	// A file that the backend does not have may be built in; whether it is there is seen when everything is linked.
	client.AllowMissingFileDescriptors()
	services, roots, err := ask(client, guard)
	switch {
	case guard.err != nil:
		return nil, guard.err
	case outer.Err() != nil:
		return nil, context.Cause(outer)
	case err != nil:
		return nil, s.explain(ctx, err)
	case len(roots) == 0:
		return nil, s.refuse(schema.CodeEmpty, fmt.Sprintf("backend %s serves no service besides reflection and health", s.config.Name))
	}
	return &told{services: services, files: guard.needed(roots)}, nil
}

// ask returns the services and the names of the files that hold them.
func ask(client *grpcreflect.Client, guard *guard) (services map[string]bool, roots []string, err error) {
	listed, err := client.ListServices()
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(listed)
	services = make(map[string]bool)
	for _, service := range slices.Compact(listed) {
		if schema.IsInfrastructure(protoreflect.FullName(service)) {
			continue
		}
		file, err := client.FileContainingSymbol(service)
		if err != nil {
			return nil, nil, fmt.Errorf("service %s: %w", service, err)
		}
		services[service] = true
		roots = append(roots, file.GetName())
	}
	return services, roots, nil
}

// explain turns an error of the client into one that says what to do.
func (s *Source) explain(ctx context.Context, err error) error {
	code := status.Code(err)
	switch {
	case ctx.Err() != nil || code == codes.DeadlineExceeded: // the backend's clock may be the first to say so
		return s.refuse(schema.CodeUnreachable, fmt.Sprintf("backend %s did not tell its schema in %v", s.config.Name, s.config.Timeout))
	case code == codes.Unimplemented:
		return s.refuse(schema.CodeNoReflection, fmt.Sprintf("backend %s does not serve reflection", s.config.Name),
			"pass a directory of .proto files, or a descriptor set with --descriptor-set",
			"or let the backend register grpc.reflection.v1.ServerReflection")
	case code == codes.Unavailable:
		return s.refuse(schema.CodeUnreachable, fmt.Sprintf("backend %s cannot be asked for its schema: %v", s.config.Name, describe(err)))
	default:
		return s.refuse(schema.CodeInvalid, fmt.Sprintf("backend %s does not tell its schema: %v", s.config.Name, describe(err)))
	}
}

// describe returns the sentence of a status without its wrapping.
func describe(err error) string {
	if s, ok := status.FromError(err); ok && errors.Unwrap(err) == nil {
		return s.Message()
	}
	return err.Error()
}

func (s *Source) refuse(code, message string, help ...string) error {
	return schema.NewLoadError(schema.Diagnostic{
		Code: code, Message: message, Help: help,
		Spans: []schema.Span{{Position: schema.Position{File: s.config.Name}, Primary: true}},
	})
}

// sum is a hash of everything that was told.
func (t *told) sum() string {
	hash := sha256.New()
	for _, service := range slices.Sorted(maps.Keys(t.services)) {
		fmt.Fprintf(hash, "%q", service)
	}
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		one := sha256.Sum256(t.files[name])
		fmt.Fprintf(hash, "%q", name)
		hash.Write(one[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// decode returns the files. Options stay as they are on the wire: which extensions this program knows must not matter.
func (t *told) decode() (map[string]*descriptorpb.FileDescriptorProto, error) {
	protos := make(map[string]*descriptorpb.FileDescriptorProto, len(t.files))
	for name, encoded := range t.files {
		file := new(descriptorpb.FileDescriptorProto)
		if err := (proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}).Unmarshal(encoded, file); err != nil {
			return nil, schema.NewLoadError(schema.Diagnostic{
				Code: schema.CodeInvalid, Message: fmt.Sprintf("%s is not a valid descriptor: %v", name, err),
				Spans: []schema.Span{{Position: schema.Position{File: name}, Primary: true}},
			})
		}
		protos[name] = file
	}
	return protos, nil
}
