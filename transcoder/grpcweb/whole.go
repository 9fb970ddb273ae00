// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcweb

import (
	"encoding/base64"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// In gRPC-Web it is bodies that are compressed, as HTTP has it, and not messages: browsers do that by themselves for answers. Streams
// are not compressed so, which would hold their messages back.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-WEB.md, "Compression".

// packedBody is the body of a request that is compressed as a whole.
type packedBody struct {
	encoding *compression.Encoding
	pieces   mem.BufferSlice
	size     int64 // of the pieces
	limit    int64 // in bytes, of the body, compressed or not
}

// unpackBody finds out how the body of a request was compressed (T201). Of streams it cannot be, nor of messages that are compressed
// themselves (T200).
func (f *framer) unpackBody(c *transcoder.Call) error {
	r := c.Request
	name := r.Header.Get("content-encoding")
	if name == "" || name == compression.Identity {
		return nil
	}
	e := compression.Find(name)
	switch {
	case e == nil:
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "content-encoding %.32q is not supported; supported are %s,%s", name, compression.Identity, compression.Known)
	case c.Method.ClientStreams:
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "content-encoding is not supported for streams of messages; compress messages and say so in grpc-encoding")
	case f.in.Compressed():
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "content-encoding and grpc-encoding are not supported together; use one of them")
	}
	limit := r.MaxMessage() + wire.EnvelopeSize
	if f.decoder != nil {
		limit = int64(base64.StdEncoding.EncodedLen(int(limit)))
	}
	f.packed = &packedBody{encoding: e, limit: limit}
	return nil
}

// push takes the next piece of the body and returns all of it, decompressed, after the last.
func (p *packedBody) push(buf mem.Buffer, last bool) (mem.BufferSlice, error) {
	if buf != nil {
		p.pieces = append(p.pieces, buf)
		p.size += int64(buf.Len())
	}
	if p.size > p.limit {
		p.free()
		return nil, status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "%s", (&wire.TooLargeError{Limit: p.limit}).Bound())
	}
	if !last {
		return nil, nil
	}
	all := p.pieces
	p.pieces = nil
	return p.encoding.Decompress(all, p.limit)
}

func (p *packedBody) free() {
	p.pieces.Free()
	p.pieces = nil
}

// packBody finds out whether the body of an answer is to be compressed as a whole: that of one message, for a client that takes it and
// has not said that it takes compressed messages, where the gateway compresses at all.
func (f *framer) packBody(c *transcoder.Call) {
	h := c.Request.Header
	if f.config.CompressFrom == 0 || c.Method.ServerStreams || h.Has("grpc-accept-encoding") {
		return
	}
	f.varies = true
	for e := range compression.Accepted(h.Get("accept-encoding")) {
		f.whole = e
		return
	}
}

// pack compresses the body of an answer, all of which is there, if that makes it smaller. It returns the encoding, "" for none.
func (f *framer) pack(data *mem.BufferSlice) string {
	if data.Len() < f.config.CompressFrom {
		return ""
	}
	packed, err := f.whole.Compress(*data)
	if err != nil || packed.Len() >= data.Len() {
		packed.Free()
		return "" // it goes as it is
	}
	data.Free()
	clear(*data)
	*data = append((*data)[:0], packed...)
	return f.whole.Name()
}
