// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reflection

import (
	"bytes"
	"context"
	"fmt"

	"google.golang.org/grpc"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
)

const (
	// repeats is how many times its limit a backend may send in all: some send the same imports with every file.
	repeats = 16
	// envelope is what a message may have besides descriptors.
	envelope = 1 << 20
)

// guard is a connection that stands between the reflection client and the backend. It counts every file that passes
// against the limits, keeps it, and hands the client no more of it than the client needs to find the next: the names of
// the file, its imports and its services. So nothing that a backend says is linked by the client; that is done here,
// once, with all checks.
//
// One goroutine uses it at a time, that of the client.
type guard struct {
	grpc.ClientConnInterface
	meter  *link.Meter
	limits link.Limits
	origin string

	files    map[string]file
	received int
	err      error // the first refusal; it is final
}

// file is a file that the backend sent.
type file struct {
	encoded []byte
	imports []string
}

func newGuard(conn grpc.ClientConnInterface, limits link.Limits, origin string) *guard {
	return &guard{
		ClientConnInterface: conn, meter: link.NewMeter(limits), limits: limits, origin: origin,
		files: make(map[string]file),
	}
}

// NewStream implements [grpc.ClientConnInterface].
func (g *guard) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	opts = append(opts, grpc.MaxCallRecvMsgSize(g.limits.Bytes+envelope))
	stream, err := g.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	if err != nil {
		return nil, err
	}
	return &guardedStream{ClientStream: stream, guard: g}, nil
}

type guardedStream struct {
	grpc.ClientStream
	guard *guard
}

// RecvMsg implements [grpc.ClientStream].
func (s *guardedStream) RecvMsg(message any) error {
	if s.guard.err != nil {
		return s.guard.err
	}
	if err := s.ClientStream.RecvMsg(message); err != nil {
		return err
	}
	var files [][]byte
	switch response := message.(type) {
	case *reflectionv1.ServerReflectionResponse:
		files = response.GetFileDescriptorResponse().GetFileDescriptorProto()
	case *reflectionv1alpha.ServerReflectionResponse: //nolint:staticcheck // older servers have nothing else (T6)
		files = response.GetFileDescriptorResponse().GetFileDescriptorProto() //nolint:staticcheck // as above
	}
	for i := range files {
		skeleton, err := s.guard.take(files[i])
		if err != nil {
			s.guard.err = err
			return err
		}
		files[i] = skeleton
	}
	return nil
}

// take keeps a file and returns its skeleton.
func (g *guard) take(encoded []byte) ([]byte, error) {
	if g.received += len(encoded); g.received/repeats > g.limits.Bytes {
		return nil, g.refuse(schema.CodeTooBig, fmt.Sprintf("backend %s sends the same files again and again", g.origin))
	}
	skeleton, err := skeletonOf(encoded)
	if err != nil {
		return nil, g.refuse(schema.CodeInvalid, fmt.Sprintf("backend %s sends what is not a descriptor: %v", g.origin, err))
	}
	name := skeleton.GetName()
	known, again := g.files[name]
	switch {
	case again && !bytes.Equal(known.encoded, encoded):
		return nil, g.refuse(schema.CodeConflict, fmt.Sprintf("backend %s has two different files with the import name %q", g.origin, name))
	case !again:
		if err := g.meter.File(encoded, g.origin); err != nil {
			return nil, err
		}
		g.files[name] = file{encoded: encoded, imports: skeleton.Dependency}
	}
	return proto.MarshalOptions{AllowPartial: true}.Marshal(skeleton)
}

func (g *guard) refuse(code, message string) error {
	return schema.NewLoadError(schema.Diagnostic{
		Code: code, Message: message, Spans: []schema.Span{{Position: schema.Position{File: g.origin}, Primary: true}},
	})
}

// needed returns the files that these files import, directly or not, and they themselves. What else a backend sent,
// under whatever name, is left.
func (g *guard) needed(roots []string) map[string][]byte {
	files := make(map[string][]byte)
	queue := roots
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		f, there := g.files[name]
		if _, taken := files[name]; taken || !there {
			continue
		}
		files[name] = f.encoded
		queue = append(queue, f.imports...)
	}
	return files
}

// Field numbers of descriptor.proto.
const (
	fileName, filePackage, fileDependency, fileService = 1, 2, 3, 6
	serviceName                                        = 1
)

// skeletonOf reads the names that the client needs and passes over all else.
func skeletonOf(encoded []byte) (*descriptorpb.FileDescriptorProto, error) {
	skeleton := new(descriptorpb.FileDescriptorProto)
	err := fields(encoded, func(number protowire.Number, value []byte) error {
		switch number { //nolint:exhaustive // the numbers that protowire names are bounds
		case fileName:
			skeleton.Name = proto.String(string(value))
		case filePackage:
			skeleton.Package = proto.String(string(value))
		case fileDependency:
			skeleton.Dependency = append(skeleton.Dependency, string(value))
		case fileService:
			service := new(descriptorpb.ServiceDescriptorProto)
			skeleton.Service = append(skeleton.Service, service)
			return fields(value, func(number protowire.Number, value []byte) error {
				if number == serviceName {
					service.Name = proto.String(string(value))
				}
				return nil
			})
		}
		return nil
	})
	return skeleton, err
}

// fields calls f for each field that has a length.
func fields(encoded []byte, f func(protowire.Number, []byte) error) error {
	for len(encoded) > 0 {
		number, kind, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, encoded[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(encoded[n : n+size])
			if err := f(number, value); err != nil {
				return err
			}
		}
		encoded = encoded[n+size:]
	}
	return nil
}
