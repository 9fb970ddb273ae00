// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// ServerStream shows a call as a grpc.ServerStream, so that any gRPC interceptor works on it.
// RecvMsg and SendMsg move a *Message without looking inside; given a proto.Message they decode and encode.
func ServerStream(c *Call, s Stream) grpc.ServerStream { return &serverStream{call: c, stream: s} }

type serverStream struct {
	call   *Call
	stream Stream
}

// Context has what the context of a gRPC server's stream has: the metadata, the peer, and what grpc.Method and
// grpc.SetHeader look for.
func (s *serverStream) Context() context.Context {
	ctx := s.call.Context()
	if _, ok := metadata.FromIncomingContext(ctx); !ok {
		from := &peer.Peer{Addr: net.TCPAddrFromAddrPort(s.call.Request.Remote)}
		if state := s.call.Request.TLS; state != nil {
			from.AuthInfo = credentials.TLSInfo{
				State: *state, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
			}
		}
		ctx = metadata.NewIncomingContext(ctx, wire.MD(s.call.Metadata))
		ctx = grpc.NewContextWithServerTransportStream(peer.NewContext(ctx, from), transportStream{s})
		s.call.SetContext(ctx)
	}
	return ctx
}

// transportStream is a serverStream as grpc.SetHeader and its like want it.
type transportStream struct{ *serverStream }

func (s transportStream) Method() string { return s.call.Method.Path }

func (s transportStream) SetTrailer(md metadata.MD) error {
	s.serverStream.SetTrailer(md)
	return nil
}

func (s *serverStream) SetHeader(md metadata.MD) error {
	s.call.Header = wire.AppendMD(s.call.Header, md, nil)
	return nil
}

func (s *serverStream) SendHeader(md metadata.MD) error {
	s.call.Header = wire.AppendMD(s.call.Header, md, nil)
	return s.stream.SendHeader()
}

func (s *serverStream) SetTrailer(md metadata.MD) {
	s.call.Trailer = wire.AppendMD(s.call.Trailer, md, nil)
}

func (s *serverStream) RecvMsg(v any) error {
	m, err := s.stream.Recv()
	if err != nil {
		return err
	}
	switch out := v.(type) {
	case *Message:
		*out = m
		return nil
	case proto.Message:
		if err := m.Decompress(s.call.Request.MaxMessage()); err != nil {
			return err
		}
		data, free := m.Bytes()
		defer free()
		return proto.Unmarshal(data, out)
	default:
		m.Free()
		return fmt.Errorf("message is a %T; it must be a *transcoder.Message or a proto.Message", v)
	}
}

func (s *serverStream) SendMsg(v any) error {
	switch in := v.(type) {
	case *Message:
		return s.stream.Send(*in)
	case proto.Message:
		data, err := proto.MarshalOptions{}.MarshalAppend(nil, in)
		if err != nil {
			return err
		}
		return s.stream.Send(Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}})
	default:
		return fmt.Errorf("message is a %T; it must be a *transcoder.Message or a proto.Message", v)
	}
}

// StreamOf shows what an interceptor hands on as a Stream again. An interceptor that did not wrap its
// stream gives back the one below it, at no cost.
func StreamOf(ss grpc.ServerStream, below Stream) Stream {
	if own, ok := ss.(*serverStream); ok && own.stream == below {
		return below
	}
	return &wrapped{ss: ss, below: below}
}

// wrapped is a Stream whose messages pass through an interceptor's grpc.ServerStream.
type wrapped struct {
	ss    grpc.ServerStream
	below Stream
}

func (w *wrapped) Recv() (Message, error) {
	var m Message
	err := w.ss.RecvMsg(&m)
	return m, err
}

func (w *wrapped) CloseRecv() { w.below.CloseRecv() }

func (w *wrapped) SendHeader() error { return w.ss.SendHeader(nil) }

func (w *wrapped) Send(m Message) error { return w.ss.SendMsg(&m) }

func (w *wrapped) Finish() error { return w.below.Finish() }
