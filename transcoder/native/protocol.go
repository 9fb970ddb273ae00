// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package native provides gRPC itself: HTTP/2 with enveloped protobuf messages, which pass through untouched.
package native

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// mediaType is gRPC's; a "+" and a codec may follow it.
const mediaType = "application/grpc"

// Protocol is gRPC over HTTP/2.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md
type Protocol struct{}

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol.
func New() *Protocol { return &Protocol{} }

// Name returns "grpc".
func (*Protocol) Name() string { return "grpc" }

// Accepts takes application/grpc and application/grpc+codec, and nothing that only begins like it (T180).
func (*Protocol) Accepts(r *transcoder.Request) bool {
	t := wire.MediaType(r.Header.Get("content-type"))
	return t == mediaType || strings.HasPrefix(t, mediaType+"+")
}

// Open resolves the method by its exact path (threats A1, A2) and reads timeout, encoding and metadata.
func (*Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	r := c.Request
	f := &framer{in: wire.NewEnvelopes(r.MaxMessage()), limit: r.MaxMessage(), contentType: mediaType}
	codec := strings.TrimPrefix(wire.MediaType(r.Header.Get("content-type")), mediaType)
	if codec != "" && codec != "+proto" {
		f.httpStatus = http.StatusUnsupportedMediaType
		return f, status.Errorf(codes.Unimplemented, status.ReasonUnsupportedMediaType, "content-type is not supported; use application/grpc or application/grpc+proto")
	}
	f.contentType += codec
	if r.Major < 2 {
		f.httpStatus = http.StatusHTTPVersionNotSupported
		return f, status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "gRPC needs HTTP/2; over HTTP/1.1 this method can be called as REST")
	}
	if r.Method != http.MethodPost {
		f.httpStatus = http.StatusMethodNotAllowed
		return f, status.Errorf(codes.Unimplemented, status.ReasonMethodNotAllowed, "a gRPC call is a POST")
	}
	if c.Method = m.Method(r.Path); c.Method == nil {
		return f, status.Errorf(codes.Unimplemented, status.ReasonNoRoute, "unknown method")
	}
	if err := f.setEncoding(r.Header.Get("grpc-encoding")); err != nil {
		return f, err
	}
	return f, head(c)
}

// head reads what the fields say: timeout and metadata.
func head(c *transcoder.Call) error {
	h := c.Request.Header
	if v := h.Get("grpc-timeout"); v != "" {
		d, err := wire.ParseGRPCTimeout(v)
		if err != nil {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
		}
		c.Timeout, c.HasTimeout = d, true
	}
	md, err := wire.AppendMetadata(c.Metadata, h, dropped)
	c.Metadata = md
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	return nil
}

// dropped are fields of HTTP that are no metadata of a gRPC client's.
func dropped(name string) bool {
	return name == "accept-encoding" || name == "content-encoding" || name == "forwarded" || strings.HasPrefix(name, "x-forwarded-") || name == "x-real-ip"
}
