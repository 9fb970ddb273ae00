// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcweb

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// buffers holds what text and trailers are appended to.
var buffers wire.Buffers //nolint:gochecknoglobals // a pool

// framer is one call.
type framer struct {
	config *rpc.Config
	in     rpc.Reader
	out    rpc.Writer

	packed  *packedBody // of a request that is compressed as a whole; nil for others
	decoder *decoder    // of a request in base64; nil for bytes
	text    bool        // the answer is in base64

	whole  *compression.Encoding // of the body of an answer that may be compressed; nil for none
	held   mem.BufferSlice       // the message of such an answer
	varies bool                  // whether the answer is compressed depends on Accept-Encoding

	contentType string
	httpStatus  int  // of an answer to a client that does not speak gRPC-Web as it must; all others are 200
	started     bool // the head of the answer is written
}

func (f *framer) Push(_ *transcoder.Call, buf mem.Buffer, last bool) error {
	if f.packed == nil {
		return f.push(buf, last)
	}
	plain, err := f.packed.push(buf, last)
	if err != nil || !last {
		return err
	}
	for i, b := range plain {
		if err := f.push(b, i == len(plain)-1); err != nil {
			plain[i+1:].Free()
			return err
		}
	}
	if len(plain) == 0 {
		return f.push(nil, true)
	}
	return nil
}

// push takes a piece of the body as it was before it was compressed.
func (f *framer) push(buf mem.Buffer, last bool) error {
	if f.decoder != nil {
		var err error
		if buf, err = f.decoder.decode(buf, last); err != nil {
			return err
		}
	}
	f.in.Push(buf, last)
	return nil
}

func (f *framer) Next(c *transcoder.Call) (transcoder.Message, bool, error) { return f.in.Next(c) }

func (f *framer) Close() {
	f.in.Close()
	if f.packed != nil {
		f.packed.free()
	}
}

func (f *framer) Header(c *transcoder.Call, out *transcoder.Out) {
	if !c.Method.ServerStreams && c.Request.Major == 1 {
		return // clients of HTTP/1.1 look at the answer when they have said all (T143)
	}
	if f.whole != nil {
		return // the head says how the body is compressed
	}
	f.head(c, out, f.out.Encoding(c))
	out.Flush = true
}

// head writes the head of the answer, once.
func (f *framer) head(c *transcoder.Call, out *transcoder.Out, encoding string) {
	if f.started {
		return
	}
	f.started = true
	out.Status = http.StatusOK
	out.Header.Add("content-type", f.contentType)
	if encoding != "" {
		out.Header.Add("grpc-encoding", encoding)
	}
	out.Header.Add("grpc-accept-encoding", rpc.AcceptEncoding)
	out.Header = rpc.AppendStreamFields(out.Header)
	if f.varies {
		out.Header.Add("vary", "Accept-Encoding")
	}
	for _, field := range c.Header {
		if !wire.NotForBrowser(field.Name) {
			out.Header = append(out.Header, field)
		}
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
}

func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	encoding, err := f.out.Append(c, m, &out.Data)
	if err != nil {
		return err
	}
	if f.whole != nil {
		f.held = append(f.held, out.Data...)
		clear(out.Data)
		out.Data = out.Data[:0]
		return nil
	}
	if c.Method.ServerStreams {
		encoding = f.out.Encoding(c) // later messages may be compressed
	}
	f.head(c, out, encoding)
	f.encode(out)
	out.Flush = c.Method.ServerStreams
	return nil
}

// End writes the trailers as the last frame (T184), or into the head where nothing was written yet (T183).
func (f *framer) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	if !f.started && len(f.held) == 0 {
		f.head(c, out, "")
		if f.httpStatus != 0 {
			out.Status = f.httpStatus
		}
		for _, field := range f.config.AppendTrailers(nil, c) {
			if !wire.NotForBrowser(field.Name) || strings.HasPrefix(field.Name, "grpc-") {
				out.Header = append(out.Header, field)
			}
		}
		return
	}
	frame := buffers.Take()
	*frame = append(*frame, make([]byte, wire.EnvelopeSize)...)
	for _, field := range f.config.AppendTrailers(nil, c) {
		*frame = append(*frame, field.Name...)
		*frame = append(*frame, ": "...)
		*frame = append(*frame, field.Value...)
		*frame = append(*frame, "\r\n"...)
	}
	wire.PutEnvelope(*frame, wire.FlagTrailer, len(*frame)-wire.EnvelopeSize)
	out.Data = append(append(out.Data, f.held...), mem.NewBuffer(frame, &buffers))
	f.held = nil
	f.encode(out)
	if f.whole == nil {
		return
	}
	if encoding := f.pack(&out.Data); encoding != "" {
		out.Header.Add("content-encoding", encoding)
	}
	f.head(c, out, "")
}

// encode puts what is to be written into base64, if it is to be. Each piece is whole, with its padding, so that whatever leaves can
// be decoded (T185).
func (f *framer) encode(out *transcoder.Out) {
	if !f.text {
		return
	}
	text := encodeText(out.Data)
	out.Data.Free()
	clear(out.Data)
	out.Data = append(out.Data[:0], text)
}
