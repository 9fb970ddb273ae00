// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectiongrpc "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// TestEveryMethodAnswers calls each method that the schema has, so that none is forgotten when one is added.
func TestEveryMethodAnswers(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	methods := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("dragoman.test.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				methods++
				if err := callOnce(ctx, conn, method); err != nil {
					t.Errorf("%s: %v", method.FullName(), err)
				}
			}
		}
		return true
	})
	if methods < 100 {
		t.Errorf("the schema has %d methods; want 100 or more", methods)
	}
}

// callOnce sends one complete message and wants one of the right type back.
func callOnce(ctx context.Context, conn *grpc.ClientConn, method protoreflect.MethodDescriptor) error {
	request, err := newMessage(method.Input())
	if err != nil {
		return err
	}
	if required, ok := request.(*testv1.Required); ok {
		required.Id, required.Count = proto.String("1"), proto.Int64(1)
	}
	response, err := newMessage(method.Output())
	if err != nil {
		return err
	}
	path := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(response); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(response); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func newMessage(desc protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.FullName())
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}

// TestUnaryCallsHaveOneMessage holds that the backend does not let a gateway get away with none, or with two.
func TestUnaryCallsHaveOneMessage(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	for _, messages := range []int{0, 2} {
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, testv1.EchoService_Echo_FullMethodName)
		if err != nil {
			t.Fatal(err)
		}
		for range messages {
			if err := stream.SendMsg(&testv1.CanaryRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		wantCode(t, stream.RecvMsg(&testv1.CanaryResponse{}), codes.Internal)
	}
}

func TestReflectionKnowsTheServices(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	stream, err := reflectiongrpc.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	request := &reflectiongrpc.ServerReflectionRequest{MessageRequest: &reflectiongrpc.ServerReflectionRequest_FileContainingSymbol{
		FileContainingSymbol: testv1.Proto2Service_ServiceDesc.ServiceName,
	}}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if files := response.GetFileDescriptorResponse().GetFileDescriptorProto(); len(files) == 0 || !strings.Contains(string(files[0]), "EchoRequired") {
		t.Errorf("got %v", response)
	}
}
