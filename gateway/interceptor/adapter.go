// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// StreamServerInterceptor turns an Admitter into an interceptor for any gRPC server. The call that it sees has
// method, metadata and peer, but no HTTP request.
func StreamServerInterceptor(a Admitter) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		c := callOf(ss.Context(), info)
		if err := Admit(a, c); err != nil {
			return err
		}
		if f, ok := a.(Finisher); ok {
			defer f.Finish(c)
		}
		ctx := c.Context()
		if !c.Deadline.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, c.Deadline)
			defer cancel()
		}
		stream := &contextStream{ServerStream: ss, ctx: ctx}
		if in, ok := a.(Inspector); ok && in.Inspects(c) {
			stream.inspect = func(m proto.Message) error { stream.number++; return inspectMessage(in, c, stream.number, m) }
		}
		if e, ok := a.(Editor); ok && e.Edits(c) {
			stream.edit = func(m proto.Message) (proto.Message, error) { return editMessage(e, c, m) }
		}
		err := handler(srv, stream)
		if e, ok := a.(Editor); ok && err != nil && stream.edit != nil {
			err = e.EditError(c, err)
		}
		c.Err = err
		return err
	}
}

func callOf(ctx context.Context, info *grpc.StreamServerInfo) *transcoder.Call {
	r := &transcoder.Request{Method: "POST", Path: info.FullMethod, Major: 2, ContentLength: -1}
	if p, ok := peer.FromContext(ctx); ok {
		r.Remote = transcoder.AddrPort(p.Addr)
	}
	c := transcoder.NewCall(ctx, r)
	c.Protocol = "grpc"
	c.Method = transcoder.BareMethod(info.FullMethod, info.IsClientStream, info.IsServerStream)
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		c.Metadata = wire.AppendMD(nil, md, nil)
	}
	return c
}

// contextStream is a stream with another context.
type contextStream struct {
	grpc.ServerStream
	ctx     context.Context //nolint:containedctx // it replaces the stream's own
	inspect func(proto.Message) error
	edit    func(proto.Message) (proto.Message, error)
	number  int64 // of messages
}

func (s *contextStream) Context() context.Context { return s.ctx }

// RecvMsg receives a message, which an Inspector sees first.
func (s *contextStream) RecvMsg(v any) error {
	if err := s.ServerStream.RecvMsg(v); err != nil || s.inspect == nil {
		return err
	}
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("message is a %T; it must be a proto.Message", v)
	}
	return s.inspect(m)
}

// SendMsg sends a message, which an Editor changes first.
func (s *contextStream) SendMsg(v any) error {
	if s.edit == nil {
		return s.ServerStream.SendMsg(v)
	}
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("message is a %T; it must be a proto.Message", v)
	}
	m, err := s.edit(m)
	if err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}

// editMessage returns what an Editor makes of a message, which stays as it is.
func editMessage(e Editor, c *transcoder.Call, m proto.Message) (proto.Message, error) {
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, m)
	if err != nil {
		return nil, err
	}
	raw := &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}
	if err := e.Edit(c, raw); err != nil {
		return nil, err
	}
	out := m.ProtoReflect().New().Interface()
	return out, proto.Unmarshal(raw.View(), out)
}

func inspectMessage(in Inspector, c *transcoder.Call, number int64, m proto.Message) error {
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, m)
	if err != nil {
		return err
	}
	return in.Inspect(c, number, &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}})
}
