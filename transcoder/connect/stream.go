// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"net/http"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// stream is one call that streams, on either side. Its answer is 200 whatever comes of it (T190).
type stream struct {
	refusal

	protocol *Protocol
	in       rpc.Reader
	out      rpc.Writer

	contentType string
	started     bool // the head of the answer is written
}

func (f *stream) Push(_ *transcoder.Call, buf mem.Buffer, last bool) error {
	f.in.Push(buf, last)
	return nil
}

func (f *stream) Next(c *transcoder.Call) (transcoder.Message, bool, error) { return f.in.Next(c) }

func (f *stream) Close() { f.in.Close() }

func (f *stream) Header(c *transcoder.Call, out *transcoder.Out) {
	if !c.Method.ServerStreams && c.Request.Major == 1 {
		return // clients of HTTP/1.1 look at the answer when they have said all (T143)
	}
	f.head(c, out, f.out.Encoding(c))
	out.Flush = true
}

// head writes the head of the answer, once.
func (f *stream) head(c *transcoder.Call, out *transcoder.Out, encoding string) {
	if f.started {
		return
	}
	f.started = true
	out.Status = http.StatusOK
	out.Header.Add("content-type", f.contentType)
	if encoding != "" {
		out.Header.Add("connect-content-encoding", encoding)
	}
	out.Header.Add("connect-accept-encoding", compression.Known)
	out.Header = rpc.AppendStreamFields(out.Header)
	for _, field := range c.Header {
		if !wire.NotForBrowser(field.Name) {
			out.Header = append(out.Header, field)
		}
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
}

func (f *stream) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	encoding, err := f.out.Append(c, m, &out.Data)
	if err != nil {
		return err
	}
	if c.Method.ServerStreams {
		encoding = f.out.Encoding(c) // later messages may be compressed
	}
	f.head(c, out, encoding)
	out.Flush = c.Method.ServerStreams
	return nil
}

// End writes the last envelope, with the error and the trailers.
func (f *stream) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	if f.httpStatus != 0 {
		f.protocol.refuse(c, c.Err, f.refusal, out)
		return
	}
	f.head(c, out, "")
	end := buffers.Take()
	*end = append(*end, make([]byte, wire.EnvelopeSize)...)
	*end = append(*end, '{')
	if c.Err != nil {
		*end = append(*end, `"error":`...)
		*end = f.protocol.appendError(*end, c, c.Err)
	}
	if len(c.Trailer) > 0 {
		if c.Err != nil {
			*end = append(*end, ',')
		}
		*end = append(*end, `"metadata":`...)
		*end = appendMetadata(*end, c.Trailer)
	}
	*end = append(*end, '}')
	wire.PutEnvelope(*end, wire.FlagEndStream, len(*end)-wire.EnvelopeSize)
	out.Data = append(out.Data, mem.NewBuffer(end, &buffers))
}
