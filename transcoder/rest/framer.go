// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// buffers holds what JSON and messages are appended to.
var buffers wire.Buffers //nolint:gochecknoglobals // a pool

// framer is one REST call.
type framer struct {
	protocol *Protocol
	route    *route
	match    httprule.Match

	limit  int64
	pieces mem.BufferSlice // of the body, not yet used
	size   int64
	last   bool // all of the body is in pieces
	sent   int  // messages given by Next

	extra   wire.Header // fields of the head beside the usual ones
	bare    int         // HTTP status of an answer without a body that is no error
	started bool
	raw     bool // the answer's body is a google.api.HttpBody's
}

func (f *framer) Push(c *transcoder.Call, buf mem.Buffer, last bool) error {
	f.last = last
	if buf == nil {
		return nil
	}
	first := f.size == 0
	f.pieces = append(f.pieces, buf)
	f.size += int64(buf.Len())
	if c.Method.ClientStreams {
		return nil // an upload is passed on piece by piece
	}
	if f.size > f.limit {
		return tooLarge(f.limit)
	}
	if first && f.size > 0 {
		return f.protocol.checkContentType(c, f)
	}
	return nil
}

func (f *framer) Next(c *transcoder.Call) (transcoder.Message, bool, error) {
	if c.Method.ClientStreams {
		return f.nextPiece(c)
	}
	if !f.last {
		return transcoder.Message{}, false, nil
	}
	if f.sent > 0 {
		return transcoder.Message{}, false, io.EOF
	}
	return f.bind(c, true)
}

// nextPiece makes a message of each piece of an upload, as it comes. The first one has what path and query say, and the content type
// (T127); an upload of no bytes is one message too.
func (f *framer) nextPiece(c *transcoder.Call) (transcoder.Message, bool, error) {
	if len(f.pieces) == 0 && (!f.last || f.sent > 0) {
		if f.last {
			return transcoder.Message{}, false, io.EOF
		}
		return transcoder.Message{}, false, nil
	}
	return f.bind(c, f.sent == 0)
}

func (f *framer) bind(c *transcoder.Call, first bool) (transcoder.Message, bool, error) {
	body := transcoder.Message{Data: f.pieces}
	data, free := body.Bytes()
	defer free()
	f.pieces = nil
	request := bind.Request{Match: &f.match, Body: data}
	plan := f.route.plan
	if first {
		request.Query, request.ContentType = c.Request.Query, c.Request.Header.Get("content-type")
	}
	out := buffers.Take()
	var err error
	if first {
		*out, err = plan.Bind(*out, &request)
	} else {
		*out, err = plan.BindMore(*out, &request)
	}
	if err != nil {
		buffers.Put(out)
		return transcoder.Message{}, false, err
	}
	f.sent++
	return transcoder.Message{Data: mem.BufferSlice{mem.NewBuffer(out, &buffers)}}, true, nil
}

func (f *framer) Close() {
	f.pieces.Free()
	f.pieces = nil
}

// Header does nothing: the head waits for the first message or the end, so that an error before it has its
// proper status (T134).
func (f *framer) Header(*transcoder.Call, *transcoder.Out) {}

func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	data, free := m.Bytes()
	defer free()
	body := buffers.Take()
	contentType, err := f.encode(body, data)
	if err != nil {
		buffers.Put(body)
		return backendMessageError(err)
	}
	f.raw = f.raw || contentType != ""
	if c.Method.ServerStreams && !f.raw {
		*body = append(*body, '\n')
	}
	if !f.started {
		f.head(c, out, http.StatusOK, f.answerType(c, contentType))
		if !c.Method.ServerStreams {
			out.Header.Add("content-length", strconv.Itoa(len(*body)))
		}
	}
	out.Flush = c.Method.ServerStreams
	if c.Request.Method == http.MethodHead {
		buffers.Put(body)
		return nil
	}
	out.Data = append(out.Data, mem.NewBuffer(body, &buffers))
	return nil
}

func (f *framer) answerType(c *transcoder.Call, fromBody string) string {
	switch {
	case fromBody != "":
		return fromBody
	case c.Method.ServerStreams:
		return "application/x-ndjson"
	default:
		return "application/json"
	}
}

// head writes the head of an answer, once.
func (f *framer) head(c *transcoder.Call, out *transcoder.Out, code int, contentType string) {
	f.started = true
	out.Status = code
	if contentType != "" {
		out.Header.Add("content-type", contentType)
		out.Header.Add("x-content-type-options", "nosniff") // T118, threat E12
	}
	out.Header = append(out.Header, f.extra...)
	for _, field := range c.Header {
		if !droppedAnswer(field.Name) {
			out.Header = append(out.Header, field)
		}
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
}

// backendMessageError says that a backend's message cannot be said in JSON (T120).
func backendMessageError(err error) error {
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonSchemaMismatch, HTTP: http.StatusBadGateway, Cause: err,
		Message: "the backend's answer does not fit its schema",
	}
}
