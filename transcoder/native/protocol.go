// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package native provides gRPC itself: HTTP/2 with enveloped messages; protobuf passes through untouched, JSON is converted.
package native

import (
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// mediaType is gRPC's; a "+" and the form of the messages may follow it.
const mediaType = "application/grpc"

// Protocol is gRPC over HTTP/2.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md
type Protocol struct{ config rpc.Config }

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol.
func New(cfg rpc.Config) (*Protocol, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("grpc: %w", err)
	}
	return &Protocol{config: cfg}, nil
}

// Name returns "grpc".
func (*Protocol) Name() string { return "grpc" }

// Accepts takes application/grpc and application/grpc+form, and nothing that only begins like it (T180).
func (*Protocol) Accepts(r *transcoder.Request) bool {
	t := wire.MediaType(r.Header.Get("content-type"))
	return t == mediaType || strings.HasPrefix(t, mediaType+"+")
}

// Open resolves the method by its exact path (threats A1, A2) and reads timeout, encodings and metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	r := c.Request
	suffix := strings.TrimPrefix(wire.MediaType(r.Header.Get("content-type")), mediaType)
	form, known := rpc.FormOf(strings.TrimPrefix(suffix, "+"))
	f := &framer{config: &p.config, in: rpc.NewReader(form, r.MaxMessage()), out: rpc.NewWriter(&p.config, form), contentType: mediaType}
	if !known && suffix != "" {
		f.httpStatus = http.StatusUnsupportedMediaType
		return f, status.Errorf(codes.Unimplemented, status.ReasonUnsupportedMediaType,
			"content-type is not supported; use application/grpc, application/grpc+proto or application/grpc+json")
	}
	f.contentType += suffix
	if r.Major < 2 {
		f.httpStatus = http.StatusHTTPVersionNotSupported
		return f, status.Errorf(codes.Unimplemented, status.ReasonUnsupported,
			"gRPC needs HTTP/2; over HTTP/1.1 this method can be called by gRPC-Web, Connect or REST")
	}
	if r.Method != http.MethodPost {
		f.httpStatus = http.StatusMethodNotAllowed
		return f, status.Errorf(codes.Unimplemented, status.ReasonMethodNotAllowed, "a gRPC call is a POST")
	}
	if c.Method = rpc.Method(m, r.Path); c.Method == nil {
		return f, status.Errorf(codes.Unimplemented, status.ReasonNoRoute, "unknown method")
	}
	if err := form.Readable(c.Method); err != nil {
		return f, err
	}
	if err := rpc.Negotiate(c, &f.in, &f.out, "grpc-encoding", "grpc-accept-encoding"); err != nil {
		return f, err
	}
	if err := rpc.ReadTimeout(c, "grpc-timeout", wire.ParseGRPCTimeout); err != nil {
		return f, err
	}
	return f, rpc.ReadMetadata(c, dropped)
}

// dropped are fields of HTTP that are no metadata of a gRPC client's.
func dropped(name string) bool {
	return name == "accept-encoding" || name == "content-encoding" || name == "forwarded" || strings.HasPrefix(name, "x-forwarded-") || name == "x-real-ip"
}
