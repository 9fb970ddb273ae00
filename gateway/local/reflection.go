// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// reflection is grpc.reflection.v1, and v1alpha, which is the same on the wire. That of grpc-go has one schema for as long as a stream
// lasts, and walks imports as often as they are imported, which some schemas make very often.
//
// https://github.com/grpc/grpc-proto/blob/ff0ec09e2b2fa4ee0bb1b14f1ac3da57d4e6e6f8/grpc/reflection/v1/reflection.proto
type reflection struct{ gateway *gateway.Gateway }

// serve answers each request by the schema that is in force then.
func (r *reflection) serve(c *transcoder.Call, s grpc.ServerStream) error {
	var (
		mux  *transcoder.Mux
		sent map[*transcoder.File]bool // which files the client has of this schema
	)
	for {
		in := &reflectionv1.ServerReflectionRequest{}
		if err := s.RecvMsg(in); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		snapshot := r.gateway.Snapshot()
		if snapshot == nil {
			return status.Errorf(codes.Unavailable, status.ReasonDraining, "the gateway is shutting down; call again")
		}
		if now := snapshot.Mux.At(c.Request.Listener); now != mux {
			mux, sent = now, map[*transcoder.File]bool{}
		}
		out := &reflectionv1.ServerReflectionResponse{ValidHost: in.GetHost(), OriginalRequest: in}
		if err := answer(mux, in, out, sent); err != nil {
			return err
		}
		if err := s.SendMsg(out); err != nil {
			return err
		}
	}
}

// answer fills an answer.
func answer(mux *transcoder.Mux, in *reflectionv1.ServerReflectionRequest, out *reflectionv1.ServerReflectionResponse, sent map[*transcoder.File]bool) error {
	var file *transcoder.File
	switch request := in.GetMessageRequest().(type) {
	case *reflectionv1.ServerReflectionRequest_ListServices:
		list := &reflectionv1.ListServiceResponse{}
		for _, name := range mux.Services() {
			list.Service = append(list.Service, &reflectionv1.ServiceResponse{Name: name})
		}
		out.MessageResponse = &reflectionv1.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
		return nil
	case *reflectionv1.ServerReflectionRequest_AllExtensionNumbersOfType:
		name := request.AllExtensionNumbersOfType
		numbers := mux.Extensions(name)
		if len(numbers) == 0 && mux.FileOf(name) == nil {
			notFound(out)
			return nil
		}
		out.MessageResponse = &reflectionv1.ServerReflectionResponse_AllExtensionNumbersResponse{
			AllExtensionNumbersResponse: &reflectionv1.ExtensionNumberResponse{BaseTypeName: name, ExtensionNumber: numbers},
		}
		return nil
	case *reflectionv1.ServerReflectionRequest_FileByFilename:
		file = mux.Files()[request.FileByFilename]
	case *reflectionv1.ServerReflectionRequest_FileContainingSymbol:
		file = mux.FileOf(request.FileContainingSymbol)
	case *reflectionv1.ServerReflectionRequest_FileContainingExtension:
		e := request.FileContainingExtension
		file = mux.FileOfExtension(e.GetContainingType(), e.GetExtensionNumber())
	default:
		return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "the request asks for nothing")
	}
	if file == nil {
		notFound(out)
		return nil
	}
	files, err := closure(file, sent)
	if err != nil {
		return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Cause: err, Message: "internal error"}
	}
	out.MessageResponse = &reflectionv1.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectionv1.FileDescriptorResponse{FileDescriptorProto: files},
	}
	return nil
}

// notFound says that there is no such thing, in the same words whether or not something hidden is (threat H6).
func notFound(out *reflectionv1.ServerReflectionResponse) {
	out.MessageResponse = &reflectionv1.ServerReflectionResponse_ErrorResponse{
		ErrorResponse: &reflectionv1.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: "not found"},
	}
}

// closure returns the bytes of a file and of all that it needs and the client does not have.
func closure(file *transcoder.File, sent map[*transcoder.File]bool) ([][]byte, error) {
	var files [][]byte
	seen := map[*transcoder.File]bool{file: true}
	for queue := []*transcoder.File{file}; len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		if f == file || !sent[f] {
			data, err := f.Bytes()
			if err != nil {
				return nil, err
			}
			files = append(files, data)
			sent[f] = true
		}
		for _, imported := range f.Imports {
			if !seen[imported] {
				seen[imported] = true
				queue = append(queue, imported)
			}
		}
	}
	return files, nil
}
