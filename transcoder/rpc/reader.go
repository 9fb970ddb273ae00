// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Reader makes messages of the body of a request. It does no I/O and holds at most one incomplete message beside what was pushed. It
// is used by one goroutine at a time.
type Reader struct {
	form      Form
	limit     int64
	encoding  *compression.Encoding // of messages that are compressed; nil for none
	envelopes wire.Envelopes
}

// NewReader returns a Reader of messages of at most limit bytes, compressed or not.
func NewReader(form Form, limit int64) Reader {
	return Reader{form: form, limit: limit, envelopes: wire.NewEnvelopes(limit)}
}

// SetEncoding says what compressed messages are compressed with. field is where the client has said so. What is not known is
// refused with the list of what is (T191).
func (r *Reader) SetEncoding(c *transcoder.Call, field, name string) error {
	if name == "" || name == compression.Identity {
		return nil
	}
	if r.encoding = compression.Find(name); r.encoding == nil {
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "%s %.32q is not supported; supported are %s,%s",
			field, name, compression.Identity, compression.Known)
	}
	if r.form == Proto {
		c.RequestEncoding = name
	}
	return nil
}

// Compressed tells whether SetEncoding was given an encoding.
func (r *Reader) Compressed() bool { return r.encoding != nil }

// Push takes the next piece of an enveloped body, and says whether it was the last; buf may be nil.
func (r *Reader) Push(buf mem.Buffer, last bool) { r.envelopes.Push(buf, last) }

// Next returns the next message of an enveloped body, as Framer.Next does.
func (r *Reader) Next(c *transcoder.Call) (transcoder.Message, bool, error) {
	data, flags, ok, err := r.envelopes.Next()
	if err != nil {
		return transcoder.Message{}, false, envelopeError(err)
	}
	if !ok {
		if r.envelopes.Done() {
			err = io.EOF
		}
		return transcoder.Message{}, false, err
	}
	if flags&^wire.FlagCompressed != 0 {
		data.Free()
		return transcoder.Message{}, false, status.Errorf(codes.Internal, status.ReasonBadRequest,
			"message has flags 0x%02x; only 0x00 and 0x01 are known", flags)
	}
	m, err := r.Message(c, data, flags != 0)
	return m, err == nil, err
}

// Message makes a message of the bytes of one, which it takes the ownership of.
func (r *Reader) Message(c *transcoder.Call, data mem.BufferSlice, compressed bool) (transcoder.Message, error) {
	m := transcoder.Message{Data: data}
	if compressed && r.encoding == nil {
		m.Free()
		return m, status.Errorf(codes.Internal, status.ReasonBadRequest, "message is marked as compressed, but no encoding is given")
	}
	if compressed && m.Data.Len() > 0 { // T191: a message of no bytes is not decompressed
		m.Encoding = r.encoding.Name()
		if c.KeepCompressed && m.Encoding == c.RequestEncoding {
			if err := r.encoding.Check(m.Data, r.limit); err != nil {
				m.Free()
				return m, err
			}
			return m, nil
		}
		if err := m.Decompress(r.limit); err != nil {
			return m, err
		}
	}
	return r.form.toWire(c.Method, m)
}

// Close gives back what was pushed and not taken.
func (r *Reader) Close() { r.envelopes.Free() }

func envelopeError(err error) error {
	if large, ok := errors.AsType[*wire.TooLargeError](err); ok {
		return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "%s", large)
	}
	return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "%s", err)
}
