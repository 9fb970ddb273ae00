// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// call is one call under way.
type call struct {
	backend *Backend
	method  method
	stream  grpc.ServerStream
	// seen is what is the same for all messages of the call.
	seen *testv1.Seen
	// received is how many messages have come.
	received int32
	// receivedBytes is how many bytes of HttpBody they had.
	receivedBytes int64
}

// serve serves one call of any kind.
func (b *Backend) serve(m method, stream grpc.ServerStream) error {
	ctx := stream.Context()
	c := &call{backend: b, method: m, stream: stream, seen: seenOf(ctx, b.name, m.path)}
	defer b.calls.end(ctx, m.path)
	if err := b.calls.begin(ctx, m.path); err != nil {
		return status.FromContextError(err).Err()
	}
	err := c.run(ctx)
	if err != nil && ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}

func (c *call) run(ctx context.Context) error {
	switch desc := c.method.desc; {
	case !desc.IsStreamingClient():
		return c.answerOne(ctx)
	case desc.IsStreamingServer():
		return c.answerEach(ctx)
	default:
		return c.answerAll(ctx)
	}
}

// answerOne serves a unary call or a server stream.
func (c *call) answerOne(ctx context.Context) error {
	request, err := c.receive()
	if errors.Is(err, io.EOF) {
		return status.Error(codes.Internal, "the call ended without a message")
	}
	if err != nil {
		return err
	}
	switch _, err := c.receive(); {
	case err == nil:
		return status.Error(codes.Internal, "the call has a second message")
	case !errors.Is(err, io.EOF):
		return err
	}
	c.received = 1
	return c.act(ctx, request, behaviorOf(c.method, request))
}

// answerEach serves a stream in both directions.
func (c *call) answerEach(ctx context.Context) error {
	for {
		request, err := c.receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.act(ctx, request, behaviorOf(c.method, request)); err != nil {
			return err
		}
	}
}

// answerAll serves a client stream: the last message is the one that is told of.
func (c *call) answerAll(ctx context.Context) error {
	last := c.method.request()
	behavior := &testv1.Behavior{}
	for {
		request, err := c.receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		last = request
		if b := behaviorOf(c.method, request); b != nil {
			behavior = proto.CloneOf(b)
		}
		if n := behavior.GetMessages(); n > 0 && c.received >= n {
			break
		}
	}
	// Here the number was that of the messages to read.
	behavior.Messages = 0
	return c.act(ctx, last, behavior)
}

// receive reads a message.
func (c *call) receive() (proto.Message, error) {
	request := c.method.request()
	if err := c.stream.RecvMsg(request); err != nil {
		return nil, err
	}
	c.received++
	c.receivedBytes += int64(len(fileOf(request).GetData()))
	return request, nil
}

// act answers a message as its behavior asks. The error is what the call ends with.
func (c *call) act(ctx context.Context, request proto.Message, behavior *testv1.Behavior) error {
	if err := checkBehavior(behavior); err != nil {
		return err
	}
	seen, err := c.look(request)
	if err != nil {
		return err
	}
	if err := c.sendMetadata(behavior); err != nil {
		return err
	}
	n := answers(behavior)
	for i := range n {
		if err := sleep(ctx, behavior.GetSleep().AsDuration()); err != nil {
			return err
		}
		if err := c.stream.SendMsg(c.response(request, seen, behavior, i, n)); err != nil {
			return err
		}
	}
	if n == 0 {
		if err := sleep(ctx, behavior.GetSleep().AsDuration()); err != nil {
			return err
		}
	}
	return status.FromProto(behavior.GetStatus()).Err()
}

func (c *call) sendMetadata(behavior *testv1.Behavior) error {
	header, err := metadataFrom("header", behavior.GetHeader())
	if err != nil {
		return err
	}
	trailer, err := metadataFrom("trailer", behavior.GetTrailer())
	if err != nil {
		return err
	}
	c.stream.SetTrailer(trailer)
	if behavior.GetHeaderFirst() {
		return c.stream.SendHeader(header)
	}
	if len(header) == 0 {
		return nil
	}
	return c.stream.SetHeader(header)
}
