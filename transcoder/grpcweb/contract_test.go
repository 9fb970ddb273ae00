// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcweb_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"net/textproto"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/grpcweb"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/grpc-web", "application/grpc-web+json", "application/grpc-web-text+proto", "application/grpc-web-text+json",
	} {
		text, inJSON := strings.Contains(contentType, "text"), strings.HasSuffix(contentType, "json")
		toWire, fromWire := protocoltest.Codec(inJSON)
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			protocoltest.Run(t, protocoltest.Subject{
				New: func(*transcoder.Mux) (transcoder.Protocol, error) { return grpcweb.New(rpc.Config{}) },
				Request: func(t testing.TB, _ *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte) {
					body := protocoltest.Enveloped(fromWire(t, messages)...)
					if text {
						body = units(body)
					}
					return &transcoder.Request{
						Method: "POST", Major: 1, ContentLength: -1,
						Header: wire.Header{{Name: "content-type", Value: contentType}, {Name: "x-grpc-web", Value: "1"}},
					}, body
				},
				Answer: func(t testing.TB, _ *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
					if len(a.Trailer) > 0 {
						t.Error("there are trailers of HTTP") // T186
					}
					body := a.Body
					if text {
						body = decode(t, body)
					}
					o.Trailer = a.Header
					o.Code, o.Text = protocoltest.Status(o.Trailer)
					frames, whole := protocoltest.Frames(t, body)
					for i, f := range frames {
						if f.Flags&wire.FlagTrailer == 0 {
							o.Messages = append(o.Messages, toWire(t, f.Data))
							continue
						}
						if i != len(frames)-1 || a.Header.Has("grpc-status") {
							t.Error("the trailers are not the end") // T184
						}
						o.Trailer = fields(t, f.Data)
						o.Code, o.Text = protocoltest.Status(o.Trailer)
					}
					if a.Aborted || !whole {
						o.Code = codes.Internal
					}
					return o
				},
				Converts: inJSON,
			})
		})
	}
}

// units encodes a body in base64 in pieces of several lengths, so that padding comes in between.
func units(body []byte) (text []byte) {
	for n := 1; len(body) > 0; n = n%5 + 1 {
		n = min(n, len(body))
		text = base64.StdEncoding.AppendEncode(text, body[:n])
		body = body[n:]
	}
	return text
}

// decode reads base64 with padding in its middle.
func decode(t testing.TB, text []byte) (body []byte) {
	t.Helper()
	for ; len(text) >= 4; text = text[4:] {
		var err error
		if body, err = base64.StdEncoding.AppendDecode(body, text[:4]); err != nil {
			t.Fatalf("%q: %v", text[:4], err)
		}
	}
	if len(text) > 0 {
		t.Fatalf("%q is left", text)
	}
	return body
}

// fields reads trailers as they stand in their frame: a block of HTTP/1 without the empty line.
func fields(t testing.TB, block []byte) (h wire.Header) {
	t.Helper()
	read, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.Clone(block), "\r\n"...)))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%q: %v", block, err)
	}
	for name, values := range read {
		for _, v := range values {
			h.Add(strings.ToLower(name), v)
		}
	}
	return h
}
