// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// bufferOf makes the bytes of a message.
func bufferOf(data string) mem.BufferSlice { return mem.BufferSlice{mem.SliceBuffer([]byte(data))} }

// anyOf makes an Any of bytes, fit or not.
func anyOf(typeURL, value string) *anypb.Any {
	return &anypb.Any{TypeUrl: typeURL, Value: []byte(value)}
}

// request reads a BindRequest.
func request(t testing.TB, text string) *testv1.BindRequest {
	t.Helper()
	return fromJSON(t, text, &testv1.BindRequest{})
}

func response() *testv1.BindResponse { return &testv1.BindResponse{} }

func grpcCode(err error) codes.Code { return status.Code(err) }
