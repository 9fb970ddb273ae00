// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// noteFirst is the interceptor that tells the policies when a stream's first message came: how long
// a stream lives says nothing about its endpoint. gRPC tells a balancer only of a call's end. Unary
// calls do not pass here.
func noteFirst(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if !desc.ServerStreams && !desc.ClientStreams {
		return open(ctx, desc, cc, method, opts...)
	}
	call := picker.CallFrom(ctx)
	if call == nil {
		call = new(picker.Call)
		ctx = picker.WithCall(ctx, call)
	}
	call.Streaming = true
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, err
	}
	return &noted{ClientStream: s, call: call}, nil
}

// noted is a stream whose first message is noted.
type noted struct {
	grpc.ClientStream

	call *picker.Call
	came bool // only RecvMsg touches it, which is called by one goroutine at a time
}

// RecvMsg implements grpc.ClientStream.
func (n *noted) RecvMsg(m any) error {
	err := n.ClientStream.RecvMsg(m)
	if err == nil && !n.came {
		n.came = true
		n.call.Answered(since())
	}
	return err
}
