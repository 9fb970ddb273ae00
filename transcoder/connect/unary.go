// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// trailerPrefix is how trailers are told from other fields of the head (T193).
const trailerPrefix = "trailer-"

// unary is one unary call. Its answer is held until the end, since trailers and status stand in the head (T152).
type unary struct {
	refusal

	protocol *Protocol
	in       rpc.Reader
	out      rpc.Writer

	query  *query // nil for a POST
	limit  int64
	pieces mem.BufferSlice // of the body
	size   int64
	last   bool // all of the body is in pieces
	taken  bool // Next has given the message

	contentType string
	answer      *transcoder.Message // in the client's form; nil before it comes
}

// checkVerb lets POST through, and GET for what has no side effects (T188).
func (f *unary) checkVerb(c *transcoder.Call) error {
	switch {
	case c.Request.Method == http.MethodPost, c.Request.Method == http.MethodGet && c.Method.NoSideEffects:
		return nil
	case c.Method.NoSideEffects:
		return f.notAllowed("GET, POST")
	default:
		return f.notAllowed(http.MethodPost)
	}
}

// negotiate settles compression.
func (f *unary) negotiate(c *transcoder.Call) error {
	if f.query == nil {
		return rpc.Negotiate(c, &f.in, &f.out, "content-encoding", "accept-encoding")
	}
	if err := f.in.SetEncoding(c, "compression", f.query.compression); err != nil {
		return err
	}
	f.out.Accept(c, rpc.Takes(c, "accept-encoding", f.query.compression))
	return nil
}

func (f *unary) Push(_ *transcoder.Call, buf mem.Buffer, last bool) error {
	f.last = last
	if buf == nil {
		return nil
	}
	f.pieces = append(f.pieces, buf)
	if f.size += int64(buf.Len()); f.size > f.limit {
		return tooLarge(f.limit)
	}
	return nil
}

func (f *unary) Next(c *transcoder.Call) (transcoder.Message, bool, error) {
	if f.taken {
		return transcoder.Message{}, false, io.EOF
	}
	data := f.pieces
	switch {
	case f.query != nil:
		if int64(len(f.query.message)) > f.limit {
			return transcoder.Message{}, false, tooLarge(f.limit)
		}
		data = mem.BufferSlice{mem.SliceBuffer(f.query.message)}
	case !f.last:
		return transcoder.Message{}, false, nil
	}
	f.taken, f.pieces = true, nil
	m, err := f.in.Message(c, data, f.in.Compressed())
	return m, err == nil, err
}

func (f *unary) Close() {
	f.pieces.Free()
	f.pieces = nil
}

// Header does nothing: the head waits for the end.
func (f *unary) Header(*transcoder.Call, *transcoder.Out) {}

func (f *unary) Message(c *transcoder.Call, m transcoder.Message, _ *transcoder.Out) error {
	m, err := f.out.Encode(c, m)
	if err != nil {
		return err
	}
	if f.answer != nil {
		m.Free()
		return status.Errorf(codes.Internal, status.ReasonBackendError, "the backend answered with more than one message")
	}
	f.answer = &m
	return nil
}

func (f *unary) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	switch {
	case c.Err != nil:
		f.fail(c, c.Err, out)
	case f.answer == nil: // T153
		f.fail(c, status.Errorf(codes.Internal, status.ReasonInternal, "the call ended without a message"), out)
	default:
		f.succeed(c, out)
	}
}

func (f *unary) succeed(c *transcoder.Call, out *transcoder.Out) {
	m := *f.answer
	f.answer = nil
	out.Status = http.StatusOK
	out.Header.Add("content-type", f.contentType)
	if m.Encoding != "" {
		out.Header.Add("content-encoding", m.Encoding)
	}
	if f.query != nil && f.protocol.config.Cache != nil && f.protocol.config.Cache(c.Method).apply(c.Request, m, out) {
		out.Status = http.StatusNotModified
		m.Free()
	} else {
		out.Header.Add("content-length", strconv.Itoa(m.Data.Len()))
		out.Data = append(out.Data, m.Data...)
	}
	f.fields(c, out)
}

// fail writes an error, which is JSON whatever the form of messages (T187).
func (f *unary) fail(c *transcoder.Call, err error, out *transcoder.Out) {
	if f.answer != nil {
		f.answer.Free() // T152: a message that a status other than OK follows is none
		f.answer = nil
	}
	f.protocol.refuse(c, err, f.refusal, out)
	f.fields(c, out)
}

// fields adds the metadata of the answer to its head.
func (f *unary) fields(c *transcoder.Call, out *transcoder.Out) {
	out.Header.Add("accept-encoding", compression.Known)
	for _, field := range c.Header {
		if !wire.NotForBrowser(field.Name) && !strings.HasPrefix(field.Name, trailerPrefix) {
			out.Header = append(out.Header, field)
		}
	}
	for _, field := range c.Trailer {
		out.Header.Add(trailerPrefix+field.Name, field.Value)
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
}
