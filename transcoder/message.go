// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Message is one message of a call: protobuf wire bytes, whatever the client
// speaks. It is owned by exactly one stage at a time, which frees it or hands it on.
type Message struct {
	// Data are the bytes. It may be empty: a message of no bytes is a message.
	Data mem.BufferSlice
	// Encoding names the compression of Data; "" for none. Nobody is given a compressed message who has not said that it takes
	// one: see Call.KeepCompressed and Call.AnswerEncoding.
	Encoding string
}

// Free gives the bytes back. The Message is empty afterwards.
func (m *Message) Free() {
	m.Data.Free()
	*m = Message{}
}

// Decompress makes a compressed message a plain one of at most limit bytes; it does nothing to others. The error is a
// *status.Error, and then the message is freed.
func (m *Message) Decompress(limit int64) error {
	if m.Encoding == "" {
		return nil
	}
	e := compression.Find(m.Encoding)
	if e == nil {
		defer m.Free()
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "message is compressed with %.32q; known are %s", m.Encoding, compression.Known)
	}
	data, err := e.Decompress(m.Data, limit)
	*m = Message{Data: data}
	return err
}

// Bytes returns the bytes in one piece, and a function that gives them back.
// Bytes that already are in one piece are not copied.
func (m *Message) Bytes() (data []byte, free func()) {
	switch len(m.Data) {
	case 0:
		return nil, func() {}
	case 1:
		return m.Data[0].ReadOnlyData(), m.Data[0].Free
	}
	b := m.Data.MaterializeToBuffer(buffers.Pool)
	m.Data.Free()
	return b.ReadOnlyData(), b.Free
}

// View returns the bytes in one piece, to be read while the message is not freed. A message in several pieces is made one of one.
func (m *Message) View() []byte {
	switch len(m.Data) {
	case 0:
		return nil
	case 1:
		return m.Data[0].ReadOnlyData()
	}
	b := m.Data.MaterializeToBuffer(buffers.Pool)
	m.Data.Free()
	m.Data = mem.BufferSlice{b}
	return b.ReadOnlyData()
}

// RawCodec is the codec of channels to backends: it passes a *Message through
// untouched. A proto.Message is encoded and decoded, for interceptors that make calls of their own. It
// calls itself "proto", which is what its bytes are.
type RawCodec struct{}

var _ encoding.CodecV2 = RawCodec{}

// Name returns "proto".
func (RawCodec) Name() string { return "proto" }

// Marshal returns the bytes of a *Message or the encoding of a proto.Message.
func (RawCodec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *Message:
		m.Data.Ref() // grpc-go frees what it is given; retries may ask again
		return m.Data, nil
	case proto.Message:
		data, err := proto.MarshalOptions{}.MarshalAppend(nil, m)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	default:
		return nil, fmt.Errorf("message is a %T; it must be a *transcoder.Message or a proto.Message", v)
	}
}

// Unmarshal gives a *Message the bytes or decodes a proto.Message.
func (RawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *Message:
		data.Ref()
		m.Data = data
		return nil
	case proto.Message:
		return proto.Unmarshal(data.Materialize(), m)
	default:
		return fmt.Errorf("message is a %T; it must be a *transcoder.Message or a proto.Message", v)
	}
}
