// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
)

// framer is one gRPC call.
type framer struct {
	config *rpc.Config
	in     rpc.Reader
	out    rpc.Writer

	contentType string
	httpStatus  int  // of an answer to a client that does not speak gRPC as it must; all others are 200 (T160)
	started     bool // the head of the answer is written
}

func (f *framer) Push(_ *transcoder.Call, buf mem.Buffer, last bool) error {
	f.in.Push(buf, last)
	return nil
}

func (f *framer) Next(c *transcoder.Call) (transcoder.Message, bool, error) { return f.in.Next(c) }

func (f *framer) Close() { f.in.Close() }

func (f *framer) Header(c *transcoder.Call, out *transcoder.Out) {
	f.head(c, out, f.out.Encoding(c))
	out.Flush = true
}

// head writes the head of the answer, once.
func (f *framer) head(c *transcoder.Call, out *transcoder.Out, encoding string) {
	if f.started {
		return
	}
	f.started = true
	out.Status = 200
	out.Header.Add("content-type", f.contentType)
	if encoding != "" {
		out.Header.Add("grpc-encoding", encoding)
	}
	out.Header.Add("grpc-accept-encoding", rpc.AcceptEncoding)
	out.Header = append(out.Header, c.Header...)
	if c.RequestID != "" {
		out.Header.Set("x-request-id", c.RequestID)
	}
}

func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
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

// End writes the trailers, or an answer of trailers only where nothing was written yet (T183).
func (f *framer) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	trailer := &out.Trailer
	if !f.started {
		f.head(c, out, "")
		if f.httpStatus != 0 {
			out.Status = f.httpStatus
		}
		trailer = &out.Header
	}
	*trailer = f.config.AppendTrailers(*trailer, c)
}
