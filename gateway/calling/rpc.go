// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// bytesMessage is a message as its bytes.
type bytesMessage struct{ data []byte }

// bytesCodec passes messages on as the bytes that they are. What the client's library itself has to say, such as the status of gRPC with its
// details, is a message of its own.
type bytesCodec struct{}

// Name is the name of the encoding in content types.
func (bytesCodec) Name() string { return "proto" }

// Marshal returns the bytes of a message.
func (bytesCodec) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case *bytesMessage:
		return m.data, nil
	case proto.Message:
		return proto.MarshalOptions{}.Marshal(m)
	default:
		return nil, fmt.Errorf("%T is no message", v)
	}
}

// Unmarshal keeps the bytes of a message.
func (bytesCodec) Unmarshal(data []byte, v any) error {
	switch m := v.(type) {
	case *bytesMessage:
		m.data = append([]byte(nil), data...)
		return nil
	case proto.Message:
		return proto.Unmarshal(data, m)
	default:
		return fmt.Errorf("%T is no message", v)
	}
}

// conversion turns the messages of a method into JSON and back.
type conversion struct{ method *transcoder.Method }

// wire is a message of the request.
func (c *conversion) wire(text []byte) (*bytesMessage, error) {
	data, err := c.method.Codec.Message(c.method.Desc.Input()).AppendWire(nil, text, nil)
	if err != nil {
		return nil, &Failure{Code: codes.InvalidArgument, Message: fmt.Sprintf("the message is no %s: %s", c.method.Desc.Input().FullName(), err)}
	}
	return &bytesMessage{data}, nil
}

// text is a message of the answer as JSON.
func (c *conversion) text(m *bytesMessage) ([]byte, error) {
	return c.method.Codec.Message(c.method.Desc.Output()).AppendJSON(nil, m.data, &codec.EncodeOptions{})
}

// rpc calls by gRPC, gRPC-Web or Connect.
func (c *Caller) rpc(ctx context.Context, call *Call) error {
	if call.Method == nil {
		return fmt.Errorf("a path can be called by REST; %s needs the name of a method", c.via)
	}
	options := []connect.ClientOption{connect.WithCodec(bytesCodec{}), connect.WithReadMaxBytes(maxMessage)}
	switch c.via {
	case ViaGRPC:
		options = append(options, connect.WithGRPC())
	case ViaGRPCWeb:
		options = append(options, connect.WithGRPCWeb())
	default:
	}
	transport := c.http2
	if c.via != ViaGRPC && !call.Method.ClientStreams {
		transport = c.http1
	}
	client := connect.NewClient[bytesMessage, bytesMessage](c.client(transport), c.base.String()+call.Method.Path, options...)
	x := &exchange{call: call, convert: conversion{call.Method}, client: client}
	var err error
	switch {
	case call.Method.ClientStreams && call.Method.ServerStreams:
		err = x.bothWays(ctx)
	case call.Method.ClientStreams:
		err = x.clientStream(ctx)
	case call.Method.ServerStreams:
		err = x.serverStream(ctx)
	default:
		err = x.unary(ctx)
	}
	return x.failure(err)
}

// exchange is a call by one of the protocols that name the method.
type exchange struct {
	call    *Call
	convert conversion
	client  *connect.Client[bytesMessage, bytesMessage]
}

func (x *exchange) unary(ctx context.Context) error {
	request, err := x.request()
	if err != nil {
		return err
	}
	answer, err := x.client.CallUnary(ctx, request)
	if err != nil {
		return err
	}
	return x.receive(answer.Msg)
}

func (x *exchange) serverStream(ctx context.Context) error {
	request, err := x.request()
	if err != nil {
		return err
	}
	stream, err := x.client.CallServerStream(ctx, request)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // what it has to tell, Err has told
	for stream.Receive() {
		if err := x.receive(stream.Msg()); err != nil {
			return err
		}
	}
	return stream.Err()
}

func (x *exchange) clientStream(ctx context.Context) error {
	stream := x.client.CallClientStream(ctx)
	x.call.addHeader(stream.RequestHeader())
	if err := x.sendAll(stream.Send); err != nil {
		return err
	}
	answer, err := stream.CloseAndReceive()
	if err != nil {
		return err
	}
	return x.receive(answer.Msg)
}

func (x *exchange) bothWays(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := x.client.CallBidiStream(ctx)
	x.call.addHeader(stream.RequestHeader())
	sent := make(chan error, 1)
	go func() { // Send may wait for who types; it ends with the process, or when it returns
		err := x.sendAll(stream.Send)
		if err != nil {
			cancel()
		} else {
			err = stream.CloseRequest()
		}
		sent <- err
	}()
	for {
		m, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return stream.CloseResponse()
		}
		if err != nil {
			select {
			case first := <-sent:
				if first != nil && !errors.Is(first, io.EOF) {
					return first
				}
			default:
			}
			return err
		}
		if err := x.receive(m); err != nil {
			return err
		}
	}
}

// sendAll sends all messages. A stream that the server has ended takes no more; what it answers is told by receiving.
func (x *exchange) sendAll(send func(*bytesMessage) error) error {
	for {
		text, err := x.call.Send()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := x.convert.wire(text)
		if err != nil {
			return err
		}
		if err := send(m); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// request is the request of a method whose client does not stream.
func (x *exchange) request() (*connect.Request[bytesMessage], error) {
	text, err := x.call.only()
	if err != nil {
		return nil, err
	}
	m, err := x.convert.wire(text)
	if err != nil {
		return nil, err
	}
	request := connect.NewRequest(m)
	x.call.addHeader(request.Header())
	return request, nil
}

func (x *exchange) receive(m *bytesMessage) error {
	text, err := x.convert.text(m)
	if err != nil {
		return err
	}
	return x.call.Receive(text, false)
}

// failure is the outcome of a call as the server tells it.
func (x *exchange) failure(err error) error {
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return err
	}
	if inner, ok := errors.AsType[*Failure](err); ok {
		return inner
	}
	f := &Failure{Code: codes.Code(e.Code()), Message: e.Message()} //nolint:gosec // the codes are those of gRPC
	if f.Code == codes.DeadlineExceeded && !connect.IsWireError(err) {
		f.Message = late
	}
	for _, d := range e.Details() {
		if text, err := x.detail(d); err == nil {
			f.Details = append(f.Details, text)
		}
	}
	return f
}

// detail is a detail as JSON, of a type that the schema or the program has.
func (x *exchange) detail(d *connect.ErrorDetail) (json.RawMessage, error) {
	data, err := proto.MarshalOptions{}.Marshal(&anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes()})
	if err != nil {
		return nil, err
	}
	for _, types := range []codec.Types{x.call.Method.Schema.Types(), protoregistry.GlobalTypes} {
		if _, err := types.FindMessageByURL(d.Type()); err != nil {
			continue
		}
		convert, err := codec.New(types, codec.Config{})
		if err != nil {
			return nil, err
		}
		return convert.Message((&anypb.Any{}).ProtoReflect().Descriptor()).AppendJSON(nil, data, &codec.EncodeOptions{Defaults: codec.DefaultsOmit})
	}
	return json.Marshal(map[string]string{"@type": "type.googleapis.com/" + d.Type()})
}

var _ connect.HTTPClient = (*http.Client)(nil)
