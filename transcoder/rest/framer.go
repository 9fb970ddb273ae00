// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
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
	config   *compiled
	match    httprule.Match

	limit  int64
	pieces mem.BufferSlice // of the body, not yet used
	size   int64
	last   bool // all of the body is in pieces
	sent   int  // messages given by Next
	form   *form

	decoder *compression.Encoding // of the request's body; nil for none
	encoder *compression.Encoding // that the answer must have; nil for none
	stream  *elements             // of a client's stream of JSON

	records    *records    // of a stream that is not one of raw bytes
	headerCame bool        // the backend's header metadata is complete
	extra      wire.Header // fields of the head beside the usual ones
	bare       int         // HTTP status of an answer without a body that is no error
	started    bool
	raw        bool // the answer's body is a google.api.HttpBody's

	// Room for what most calls have: one piece of the body, one message, and a field or two.
	room struct {
		piece, message [1]mem.Buffer
		extra          [2]wire.Field
	}
}

func (f *framer) Push(c *transcoder.Call, buf mem.Buffer, last bool) error {
	f.last = last
	if buf == nil {
		return nil
	}
	first := f.size == 0
	f.size += int64(buf.Len())
	switch {
	case f.form != nil:
		f.form.push(buf.ReadOnlyData())
		buf.Free()
	case f.stream != nil:
		f.stream.push(buf.ReadOnlyData())
		buf.Free()
	default:
		f.pieces = append(f.pieces, buf)
	}
	if c.Method.ClientStreams {
		if first && f.size > 0 && f.stream != nil {
			return f.checkContentType(c)
		}
		return nil // what streams is passed on piece by piece
	}
	if f.size > f.limit {
		return tooLarge(f.limit)
	}
	if first && f.size > 0 {
		return f.checkContentType(c)
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
	if err := f.decompress(); err != nil {
		return transcoder.Message{}, false, err
	}
	if f.form != nil {
		return f.wholeForm(c)
	}
	return f.bindPieces(c, true)
}

// nextPiece makes a message of each piece of an upload, as it comes. The first one has what path and query say, and the content type
// (T127); an upload of no bytes is one message too.
func (f *framer) nextPiece(c *transcoder.Call) (transcoder.Message, bool, error) {
	if f.form != nil {
		return f.nextOfForm(c)
	}
	if f.stream != nil {
		return f.nextElement(c)
	}
	if len(f.pieces) == 0 && (!f.last || f.sent > 0) {
		if f.last {
			return transcoder.Message{}, false, io.EOF
		}
		return transcoder.Message{}, false, nil
	}
	return f.bindPieces(c, f.sent == 0)
}

// wholeForm makes the message of a form that is all there.
func (f *framer) wholeForm(c *transcoder.Call) (transcoder.Message, bool, error) {
	var file []byte
	for {
		data, _, end, err := f.form.next(true)
		if err != nil {
			return transcoder.Message{}, false, err
		}
		if end {
			return f.bind(c, file, true)
		}
		file = append(file, data...)
	}
}

// nextOfForm makes a message of each piece of the file of a form, as nextPiece does.
func (f *framer) nextOfForm(c *transcoder.Call) (transcoder.Message, bool, error) {
	data, more, end, err := f.form.next(f.last)
	switch {
	case err != nil || more:
		return transcoder.Message{}, false, err
	case end && f.sent > 0:
		return transcoder.Message{}, false, io.EOF
	}
	return f.bind(c, data, f.sent == 0)
}

// nextElement makes a message of each value of a client's stream, as it comes (T141). An empty stream is one, unless path, query or header
// say something: then there is a message to carry it (T142).
func (f *framer) nextElement(c *transcoder.Call) (transcoder.Message, bool, error) {
	value, more, end, err := f.stream.next(f.last)
	switch {
	case err != nil || more:
		return transcoder.Message{}, false, err
	case end:
		request := bind.Request{Query: c.Request.Query, Header: c.Request.Header}
		if f.sent > 0 || !f.route.plan.Bound(&request) {
			return transcoder.Message{}, false, io.EOF
		}
	}
	return f.bind(c, value, f.sent == 0 || f.config.Streams.BindEvery)
}

// bindPieces makes a message of the pieces of the body that are there.
func (f *framer) bindPieces(c *transcoder.Call, first bool) (transcoder.Message, bool, error) {
	body := transcoder.Message{Data: f.pieces}
	defer body.Free()
	data := body.View()
	f.pieces = nil
	return f.bind(c, data, first)
}

func (f *framer) bind(c *transcoder.Call, data []byte, first bool) (transcoder.Message, bool, error) {
	request := bind.Request{Match: &f.match, Body: data}
	plan := f.route.plan
	var err error
	if first {
		request.Query, request.ContentType = c.Request.Query, c.Request.Header.Get("content-type")
		if f.form != nil {
			request.ContentType, request.Form = f.form.contentType, f.form.fields
		}
		if request.Header, err = f.fields(c); err != nil {
			return transcoder.Message{}, false, err
		}
	}
	out := buffers.Take()
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
	var pieces mem.BufferSlice
	if f.sent == 1 { // later ones may be on their way together
		pieces = f.room.message[:0]
	}
	return transcoder.Message{Data: append(pieces, mem.NewBuffer(out, &buffers))}, true, nil
}

// fields returns the fields of the head for binding: If-Match as the value of the field that it sets (T202).
func (f *framer) fields(c *transcoder.Call) (wire.Header, error) {
	h := c.Request.Header
	if !f.route.ifMatch || !h.Has(ifMatchHeader) {
		return h, nil
	}
	h = slices.Clone(h)
	tag := strings.TrimSpace(h.Get(ifMatchHeader))
	if tag == "*" { // it only says that the resource must be there
		h.Del(ifMatchHeader)
		return h, nil
	}
	value, ok := valueOf(tag)
	if !ok || h.Count(ifMatchHeader) > 1 {
		return nil, status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %q: it must be one entity tag", ifMatchHeader)
	}
	h.Set(ifMatchHeader, value)
	return h, nil
}

func (f *framer) Close() {
	f.pieces.Free()
	f.pieces = nil
}
