// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Form is what messages are on the client's side.
type Form uint8

// The forms, as content types name them.
const (
	Proto Form = iota
	JSON
)

// FormOf returns the form of a name: "proto" or "json".
func FormOf(name string) (Form, bool) {
	switch name {
	case "proto":
		return Proto, true
	case "json":
		return JSON, true
	default:
		return Proto, false
	}
}

// buffers holds what JSON and messages are appended to.
var buffers wire.Buffers //nolint:gochecknoglobals // a pool

// decode says that fields which the message does not have are ignored (T194): clients of these protocols are generated from a schema,
// perhaps a newer one.
var decode = codec.DecodeOptions{DiscardUnknown: true} //nolint:gochecknoglobals // a constant

// Readable tells whether messages of a method can be in a form. The error is a *status.Error.
func (f Form) Readable(m *transcoder.Method) error {
	if f == Proto {
		return nil
	}
	if m.Desc == nil {
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "no schema has this method; it can be called in protobuf alone")
	}
	if err := errors.Join(m.Codec.Message(m.Desc.Input()).Err(), m.Codec.Message(m.Desc.Output()).Err()); err != nil {
		return &status.Error{
			Code: codes.Unimplemented, Reason: status.ReasonUnsupported, Cause: err, Message: "the messages of this method have no JSON form",
		}
	}
	return nil
}

// toWire makes protobuf of a plain message of a client.
func (f Form) toWire(m *transcoder.Method, in transcoder.Message) (transcoder.Message, error) {
	if f == Proto {
		return in, nil
	}
	data, free := in.Bytes()
	defer free()
	out := buffers.Take()
	var err error
	if *out, err = m.Codec.Message(m.Desc.Input()).AppendWire(*out, data, &decode); err != nil {
		buffers.Put(out)
		return transcoder.Message{}, requestError(err)
	}
	return transcoder.Message{Data: mem.BufferSlice{mem.NewBuffer(out, &buffers)}}, nil
}

// fromWire makes a message for a client of plain protobuf.
func (f Form) fromWire(m *transcoder.Method, in transcoder.Message, o *codec.EncodeOptions) (transcoder.Message, error) {
	if f == Proto {
		return in, nil
	}
	data, free := in.Bytes()
	defer free()
	out := buffers.Take()
	var err error
	if *out, err = m.Codec.Message(m.Desc.Output()).AppendJSON(*out, data, o); err != nil {
		buffers.Put(out)
		return transcoder.Message{}, answerError(err)
	}
	return transcoder.Message{Data: mem.BufferSlice{mem.NewBuffer(out, &buffers)}}, nil
}

// requestError says what is wrong with a client's JSON.
func requestError(err error) error {
	e, ok := errors.AsType[*codec.Error](err)
	if !ok {
		return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: err}
	}
	out := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "message: %s", e.Message)
	if path := clip(e.Path); path != "" {
		out.Message = "message: " + path + ": " + e.Message
		out.Violations = []status.Violation{{Field: path, Description: e.Message}}
	}
	return out
}

// clip cuts a field path that a client has made long.
func clip(path string) string {
	const most = 200
	if len(path) <= most {
		return path
	}
	return path[:most] + "…"
}

// answerError says that a backend's message is not what its schema says (T120).
func answerError(err error) error {
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonSchemaMismatch, HTTP: http.StatusBadGateway, Cause: err,
		Message: "the backend's answer does not fit its schema",
	}
}
