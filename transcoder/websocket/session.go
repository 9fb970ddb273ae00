// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websocket

import (
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// session is one call. As a Framer it says errors as HTTP, while the connection is no WebSocket yet.
type session struct {
	protocol    *Protocol
	config      *Config
	match       httprule.Match
	plan        *bind.Plan // of a route; nil where the path names the method
	subprotocol string
	token       bool
}

var (
	_ transcoder.Framer   = (*session)(nil)
	_ transcoder.Streamer = (*session)(nil)
)

// Stream returns the client's side of the call.
func (s *session) Stream(c *transcoder.Call, ex transcoder.Exchange) transcoder.Stream {
	return newStream(s, c, ex)
}

// A request for an upgrade has no body, and no answer but an error.

func (*session) Push(_ *transcoder.Call, buf mem.Buffer, _ bool) error {
	if buf != nil {
		buf.Free()
	}
	return nil
}

func (*session) Next(*transcoder.Call) (transcoder.Message, bool, error) {
	return transcoder.Message{}, false, io.EOF
}

func (*session) Close() {}

func (*session) Header(*transcoder.Call, *transcoder.Out) {}

func (*session) Message(_ *transcoder.Call, m transcoder.Message, _ *transcoder.Out) error {
	m.Free()
	return nil
}

// End writes an error.
func (s *session) End(c *transcoder.Call, out *transcoder.Out) {
	body := s.errorBody(c)
	out.Status, out.End = status.HTTPOf(c.Err), transcoder.EndClean
	if c.Err == nil {
		out.Status = http.StatusNoContent
	}
	out.Header.Add("content-type", "application/json")
	out.Header.Add("content-length", strconv.Itoa(len(body)))
	out.Header.Add("cache-control", "no-store")
	out.Header.Add("x-content-type-options", "nosniff")
	if !c.HideReason {
		out.Header.Add(transcoder.ReasonHeader, string(c.Reason()))
	}
	if challenge := status.ChallengeOf(c.Err); challenge != "" && out.Status == http.StatusUnauthorized {
		out.Header.Add("www-authenticate", challenge)
	}
	if after, ok := status.RetryAfter(c.Err); ok && (out.Status == http.StatusTooManyRequests || out.Status == http.StatusServiceUnavailable) {
		out.Header.Add("retry-after", strconv.FormatInt(after, 10)) // T158
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
	out.Data = append(out.Data, mem.SliceBuffer(body))
}

// errorBody is the google.rpc.Status of the call's error as JSON.
func (s *session) errorBody(c *transcoder.Call) []byte {
	convert := s.protocol.errors
	if c.Method != nil {
		convert = c.Method.Codec
	}
	st := status.Proto(c.Err)
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, st)
	if err == nil {
		var body []byte
		if body, err = convert.Message(st.ProtoReflect().Descriptor()).AppendJSON(nil, data, &codec.EncodeOptions{Defaults: codec.DefaultsOmit}); err == nil {
			return body
		}
	}
	// A detail that cannot be written must not hide the rest.
	body := append([]byte(`{"code":`), strconv.Itoa(int(st.GetCode()))...)
	body = append(body, `,"message":`...)
	return append(codec.AppendString(body, st.GetMessage()), '}')
}

// buffers holds what JSON and messages are appended to.
var buffers wire.Buffers //nolint:gochecknoglobals // a pool
