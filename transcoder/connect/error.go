// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// buffers holds what errors are appended to.
var buffers wire.Buffers //nolint:gochecknoglobals // a pool

// debugOptions say how the details of errors are shown to people.
var debugOptions = codec.EncodeOptions{Defaults: codec.DefaultsOmit} //nolint:gochecknoglobals // a constant

// refuse writes an answer that is an error and nothing else.
func (p *Protocol) refuse(c *transcoder.Call, err error, r refusal, out *transcoder.Out) {
	body := buffers.Take()
	*body = p.appendError(*body, c, err)
	out.Status = r.httpStatus
	if out.Status == 0 {
		out.Status = status.HTTP(codes.Code(p.config.Status(err).GetCode())) //nolint:gosec // codes are small
	}
	out.Header.Add("content-type", "application/json")
	out.Header.Add("content-length", strconv.Itoa(len(*body)))
	out.Header.Add("cache-control", "no-store") // T203
	out.Header.Add("x-content-type-options", "nosniff")
	if !c.HideReason {
		out.Header.Add(transcoder.ReasonHeader, string(status.ReasonOf(err)))
	}
	if challenge := status.ChallengeOf(err); challenge != "" && out.Status == http.StatusUnauthorized {
		out.Header.Add("www-authenticate", challenge) // T157
	}
	if after, ok := status.RetryAfter(err); ok && (out.Status == http.StatusTooManyRequests || out.Status == http.StatusServiceUnavailable) {
		out.Header.Add("retry-after", strconv.FormatInt(after, 10)) // T158
	}
	out.Header = append(out.Header, r.fields...)
	out.Data = append(out.Data, mem.NewBuffer(body, &buffers))
}

// appendError appends an error as JSON: a code, and a message and details where there are any (T187).
//
// https://connectrpc.com/docs/protocol#error-end-stream
func (p *Protocol) appendError(dst []byte, c *transcoder.Call, err error) []byte {
	st := p.config.Status(err)
	dst = append(dst, `{"code":"`...)
	dst = append(dst, status.ConnectName(codes.Code(st.GetCode()))...) //nolint:gosec // codes are small
	dst = append(dst, '"')
	if st.GetMessage() != "" {
		dst = append(dst, `,"message":`...)
		dst = codec.AppendString(dst, st.GetMessage())
	}
	if len(st.GetDetails()) == 0 {
		return append(dst, '}')
	}
	convert := p.errors
	if c.Method != nil && c.Method.Codec != nil {
		convert = c.Method.Codec
	}
	dst = append(dst, `,"details":[`...)
	for i, detail := range st.GetDetails() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendDetail(dst, convert, detail)
	}
	return append(dst, "]}"...)
}

// appendDetail appends a detail: its type, its bytes, and for people what they say, if the schema has the type.
func appendDetail(dst []byte, convert *codec.Codec, detail *anypb.Any) []byte {
	url := detail.GetTypeUrl()
	dst = append(dst, `{"type":`...)
	dst = codec.AppendString(dst, url[strings.LastIndexByte(url, '/')+1:])
	dst = append(dst, `,"value":"`...)
	dst = base64.RawStdEncoding.AppendEncode(dst, detail.GetValue())
	dst = append(dst, '"')
	if m := convert.ByURL(url); m != nil {
		before := len(dst)
		dst = append(dst, `,"debug":`...)
		out, err := m.AppendJSON(dst, detail.GetValue(), &debugOptions)
		if err != nil {
			out = dst[:before]
		}
		dst = out
	}
	return append(dst, '}')
}

// appendMetadata appends fields as JSON: each name once, with its values in their order.
func appendMetadata(dst []byte, fields wire.Header) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if slices.ContainsFunc(fields[:i], func(g wire.Field) bool { return g.Name == f.Name }) {
			continue
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = codec.AppendString(dst, f.Name)
		dst = append(dst, ":["...)
		dst = codec.AppendString(dst, f.Value)
		for _, g := range fields[i+1:] {
			if g.Name == f.Name {
				dst = append(dst, ',')
				dst = codec.AppendString(dst, g.Value)
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
