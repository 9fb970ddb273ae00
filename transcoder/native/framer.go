// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/base64"
	"errors"
	"io"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// framer is one gRPC call.
type framer struct {
	in      wire.Envelopes
	limit   int64
	inflate func(m transcoder.Message, limit int64) (transcoder.Message, error) // nil for identity

	contentType string
	httpStatus  int  // of an answer to a client that does not speak gRPC as it must; all others are 200 (T160)
	started     bool // the head of the answer is written
	prefix      [wire.EnvelopeSize]byte
}

func (f *framer) Push(_ *transcoder.Call, buf mem.Buffer, last bool) error {
	f.in.Push(buf, last)
	return nil
}

func (f *framer) Next(*transcoder.Call) (transcoder.Message, bool, error) {
	data, flags, ok, err := f.in.Next()
	if err != nil {
		return transcoder.Message{}, false, frameError(err)
	}
	if !ok {
		if f.in.Done() {
			err = io.EOF
		}
		return transcoder.Message{}, false, err
	}
	m := transcoder.Message{Data: data}
	switch {
	case flags == 0:
		return m, true, nil
	case flags != wire.FlagCompressed:
		m.Free()
		return m, false, status.Errorf(codes.Internal, status.ReasonBadRequest, "message has flags 0x%02x; only 0x00 and 0x01 are known", flags)
	case f.inflate == nil:
		m.Free()
		return m, false, status.Errorf(codes.Internal, status.ReasonBadRequest, "message is marked as compressed, but there is no grpc-encoding")
	}
	m, err = f.inflate(m, f.limit)
	return m, err == nil, err
}

func frameError(err error) error {
	if large, ok := errors.AsType[*wire.TooLargeError](err); ok {
		return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "%s", large)
	}
	return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "%s", err)
}

func (f *framer) Close() { f.in.Free() }

func (f *framer) Header(c *transcoder.Call, out *transcoder.Out) {
	f.head(c, out)
	out.Flush = true
}

func (f *framer) head(c *transcoder.Call, out *transcoder.Out) {
	if f.started {
		return
	}
	f.started = true
	out.Status = 200
	out.Header.Add("content-type", f.contentType)
	out.Header.Add("grpc-accept-encoding", acceptEncoding)
	out.Header = append(out.Header, c.Header...)
	if c.RequestID != "" {
		out.Header.Set("x-request-id", c.RequestID)
	}
}

func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	f.head(c, out)
	wire.PutEnvelope(f.prefix[:], 0, m.Data.Len())
	out.Data = append(out.Data, mem.SliceBuffer(f.prefix[:]))
	out.Data = append(out.Data, m.Data...)
	out.Flush = c.Method.ServerStreams
	return nil
}

// End writes the trailers, or an answer of trailers only where nothing was written yet (T183).
func (f *framer) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	trailer := &out.Trailer
	if !f.started {
		f.head(c, out)
		if f.httpStatus != 0 {
			out.Status = f.httpStatus
		}
		trailer = &out.Header
	}
	st := status.Proto(c.Err)
	trailer.Add("grpc-status", strconv.Itoa(int(st.GetCode())))
	if st.GetMessage() != "" {
		trailer.Add("grpc-message", string(wire.AppendPercent(nil, st.GetMessage())))
	}
	if len(st.GetDetails()) > 0 {
		if details, err := (proto.MarshalOptions{}).MarshalAppend(nil, st); err == nil {
			trailer.Add("grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(details))
		}
	}
	*trailer = append(*trailer, c.Trailer...)
}
