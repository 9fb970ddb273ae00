// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// defaultType is the media type of what has none.
const defaultType = "application/octet-stream"

// response makes the message of number i of n that answers a request.
func (c *call) response(request proto.Message, seen *testv1.Seen, behavior *testv1.Behavior, i, n int) proto.Message {
	output := c.method.desc.Output().FullName()
	if output == c.method.desc.Input().FullName() {
		return request
	}
	seen = proto.CloneOf(seen)
	if c.method.desc.IsStreamingServer() && !c.method.desc.IsStreamingClient() {
		// One request, many answers: their number is what tells them apart.
		seen.Sequence = int32(i) + 1
	}
	switch output {
	case (*testv1.CanaryResponse)(nil).ProtoReflect().Descriptor().FullName():
		return &testv1.CanaryResponse{Seen: seen, Payload: payload(behavior.GetPayloadSize())}
	case (*httpbody.HttpBody)(nil).ProtoReflect().Descriptor().FullName():
		return fileResponse(request, behavior, i, n)
	default:
		return c.bindResponse(request, seen, behavior, i, n)
	}
}

// bindResponse copies what requests and responses of bindings have in common.
func (c *call) bindResponse(request proto.Message, seen *testv1.Seen, behavior *testv1.Behavior, i, n int) proto.Message {
	r, ok := request.(*testv1.BindRequest)
	if !ok {
		// An upload: how much came.
		return &testv1.BindResponse{Seen: seen, Count: c.receivedBytes, File: fileOf(request)}
	}
	response := &testv1.BindResponse{
		Seen:    seen,
		Thing:   r.GetThing(),
		Text:    r.GetText(),
		Tags:    r.GetTags(),
		Labels:  r.GetLabels(),
		Color:   r.GetColor(),
		Count:   r.GetCount(),
		Data:    r.GetData(),
		File:    r.GetFile(),
		Time:    r.GetTime(),
		Things:  r.GetThings(),
		Flag:    r.Flag,
		Object:  r.GetObject(),
		Value:   r.GetValue(),
		Payload: payload(behavior.GetPayloadSize()),
	}
	switch c.method.path {
	case testv1.StreamService_DownloadField_FullMethodName:
		response.File, response.Payload = fileResponse(request, behavior, i, n), nil
	case testv1.StreamService_UploadField_FullMethodName, testv1.BeyondStreamService_UploadNamed_FullMethodName:
		response.Count = c.receivedBytes
	}
	return response
}

// fileResponse makes piece i of n of a file: the one of the request, or else the payload.
func fileResponse(request proto.Message, behavior *testv1.Behavior, i, n int) *httpbody.HttpBody {
	file := fileOf(request)
	contentType, data := file.GetContentType(), file.GetData()
	if file == nil {
		contentType, data = defaultType, payload(behavior.GetPayloadSize())
	}
	piece := &httpbody.HttpBody{Data: data[len(data)*i/n : len(data)*(i+1)/n]}
	if i == 0 {
		piece.ContentType = contentType
	}
	return piece
}

// fileOf returns the body of a request that is one or has one; nil when there is none.
func fileOf(request proto.Message) *httpbody.HttpBody {
	switch request := request.(type) {
	case *httpbody.HttpBody:
		return request
	case *testv1.BindRequest:
		return request.GetFile()
	default:
		return nil
	}
}
