// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// files are those whose services a backend serves.
var files = []protoreflect.FileDescriptor{
	testv1.File_dragoman_test_v1_beyond_proto,
	testv1.File_dragoman_test_v1_bindings_proto,
	testv1.File_dragoman_test_v1_canary_proto,
	testv1.File_dragoman_test_v1_editions_proto,
	testv1.File_dragoman_test_v1_proto2_proto,
	testv1.File_dragoman_test_v1_scalars_proto,
	testv1.File_dragoman_test_v1_streams_proto,
}

// method is one method that a backend serves.
type method struct {
	// path is /package.Service/Method.
	path string
	desc protoreflect.MethodDescriptor
	// request makes an empty request message.
	request func() proto.Message
}

// register registers all services. Every method is a stream to the gRPC server, a unary one too: only so can a backend send
// none or two messages where one is due.
func (b *Backend) register() error {
	for _, file := range files {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			desc := &grpc.ServiceDesc{ServiceName: string(service.FullName()), HandlerType: (*any)(nil), Metadata: file.Path()}
			for j := range service.Methods().Len() {
				m, err := methodFrom(service.Methods().Get(j))
				if err != nil {
					return err
				}
				desc.Streams = append(desc.Streams, grpc.StreamDesc{
					StreamName:    string(m.desc.Name()),
					ServerStreams: true,
					ClientStreams: true,
					Handler:       func(_ any, stream grpc.ServerStream) error { return b.serve(m, stream) },
				})
			}
			b.server.RegisterService(desc, b)
		}
	}
	return nil
}

func methodFrom(desc protoreflect.MethodDescriptor) (method, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.Input().FullName())
	if err != nil {
		return method{}, fmt.Errorf("testbackend: the request of %s is not linked: %w", desc.FullName(), err)
	}
	return method{
		path:    fmt.Sprintf("/%s/%s", desc.Parent().FullName(), desc.Name()),
		desc:    desc,
		request: func() proto.Message { return kind.New().Interface() },
	}, nil
}
