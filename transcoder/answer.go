// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"errors"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Answer serves a call without a backend: handler is what a gRPC server has for the method, and its stream moves proto.Messages. The
// stream's context ends with the call's deadline, with the client, and when the server closes; handler returns then. It returns
// the outcome, as Forward does, and does not finish the stream.
//
// What streams to the server may be silent for the call's StreamIdle. A server stream may be for ever: it is the server that
// has nothing to say.
func Answer(c *Call, s Stream, handler func(grpc.ServerStream) error) error {
	below := ServerStream(c, s)
	ctx, cancel := context.WithCancel(below.Context())
	if !c.Deadline.IsZero() {
		cancel()
		ctx, cancel = context.WithDeadline(below.Context(), c.Deadline)
	}
	defer cancel()
	limit := c.StreamIdle
	if !c.Method.ClientStreams {
		limit = 0
	}
	idle := newIdleTimer(limit, cancel)
	defer idle.stop()
	var ending atomic.Bool
	if c.Ending != nil {
		defer context.AfterFunc(c.Ending, func() {
			ending.Store(true)
			cancel()
		})()
	}
	defer context.AfterFunc(ctx, s.CloseRecv)()
	err := handler(&answerStream{ServerStream: below, stream: s, ctx: ctx, idle: idle, only: !c.Method.ClientStreams, limit: c.Request.MaxMessage()})
	switch {
	case err == nil:
		return nil
	case idle.fired.Load():
		return status.Errorf(codes.DeadlineExceeded, status.ReasonStreamIdle, "no message moved for %s", c.StreamIdle)
	case ending.Load():
		return endingError(c)
	case c.Context().Err() != nil:
		return contextError(c)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return status.Errorf(codes.DeadlineExceeded, status.ReasonDeadlineExceeded, "the deadline passed before the answer was there")
	}
	if _, ok := errors.AsType[*status.Error](err); ok {
		return err
	}
	if _, ok := grpcstatus.FromError(err); ok {
		return err
	}
	return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: err}
}

// endingError says why a call ended before it was over: for the reason that its Ending has, or because the server closes (T146).
func endingError(c *Call) error {
	if e, ok := errors.AsType[*status.Error](context.Cause(c.Ending)); ok {
		return e
	}
	return status.Errorf(codes.Unavailable, status.ReasonDraining, "the gateway is shutting down; call again")
}

// answerStream is the stream of a call that Answer serves.
type answerStream struct {
	grpc.ServerStream

	stream Stream
	ctx    context.Context //nolint:containedctx // as that of any grpc.ServerStream
	idle   *idleTimer
	only   bool  // the request is one message
	limit  int64 // of a message, decompressed
}

func (s *answerStream) Context() context.Context { return s.ctx }

// RecvMsg receives a proto.Message, and of a request that does not stream the one that it has.
func (s *answerStream) RecvMsg(v any) error {
	var (
		m   Message
		err error
	)
	if s.only {
		m, err = RecvOnly(s.stream)
	} else {
		m, err = s.stream.Recv()
	}
	if err != nil {
		return err
	}
	s.idle.touch()
	if err := m.Decompress(s.limit); err != nil {
		return err
	}
	data, free := m.Bytes()
	defer free()
	into, ok := v.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, status.ReasonInternal, "internal error")
	}
	if err := proto.Unmarshal(data, into); err != nil {
		return &status.Error{
			Code: codes.InvalidArgument, Reason: status.ReasonBadRequest, Cause: err, Message: "the message is not what the schema says",
		}
	}
	return nil
}

func (s *answerStream) SendMsg(v any) error {
	s.idle.touch()
	return s.ServerStream.SendMsg(v)
}
