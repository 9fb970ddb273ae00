// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package grpcweb provides gRPC-Web: gRPC for clients that have no trailers, in bytes and in base64.
package grpcweb

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

// The media types, which a "+" and the form of the messages may follow.
const (
	binaryType = "application/grpc-web"
	textType   = "application/grpc-web-text"
)

// Protocol is gRPC-Web over any version of HTTP (T186).
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-WEB.md
type Protocol struct{ config rpc.Config }

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol.
func New(cfg rpc.Config) (*Protocol, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("grpc-web: %w", err)
	}
	return &Protocol{config: cfg}, nil
}

// Name returns "grpc-web".
func (*Protocol) Name() string { return "grpc-web" }

// Accepts takes the two media types, and nothing that only begins like them (T180).
func (*Protocol) Accepts(r *transcoder.Request) bool {
	t, _, _ := strings.Cut(wire.MediaType(r.Header.Get("content-type")), "+")
	return t == binaryType || t == textType
}

// Open resolves the method by its exact path (threats A1, A2) and reads timeout, encodings and metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	r := c.Request
	base, name, suffixed := strings.Cut(wire.MediaType(r.Header.Get("content-type")), "+")
	form, known := rpc.FormOf(name)
	f := &framer{config: &p.config, in: rpc.NewReader(form, r.MaxMessage()), out: rpc.NewWriter(&p.config, form), contentType: base}
	if base == textType {
		f.decoder = &decoder{}
	}
	f.text = answersText(r.Header.Get("accept"), base == textType)
	if !known && suffixed {
		f.httpStatus = http.StatusUnsupportedMediaType
		return f, status.Errorf(codes.Unimplemented, status.ReasonUnsupportedMediaType, "content-type is not supported; use %s+proto or %s+json", base, base)
	}
	f.contentType = binaryType
	if f.text {
		f.contentType = textType
	}
	if suffixed {
		f.contentType += "+" + name
	}
	if r.Method != http.MethodPost {
		f.httpStatus = http.StatusMethodNotAllowed
		return f, status.Errorf(codes.Unimplemented, status.ReasonMethodNotAllowed, "a gRPC-Web call is a POST")
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
	if err := f.unpackBody(c); err != nil {
		return f, err
	}
	f.packBody(c)
	if err := rpc.ReadTimeout(c, "grpc-timeout", wire.ParseGRPCTimeout); err != nil {
		return f, err
	}
	return f, rpc.ReadMetadata(c, dropped)
}

// answersText tells by the Accept field whether the answer is in base64 (T185). What a client sends it also takes, unless it names the
// other kind and not that one.
func answersText(accept string, sendsText bool) bool {
	var binary, text bool
	for item := range strings.SplitSeq(accept, ",") {
		switch t, _, _ := strings.Cut(wire.MediaType(item), "+"); t {
		case binaryType:
			binary = true
		case textType:
			text = true
		}
	}
	if binary == text {
		return sendsText
	}
	return text
}

// dropped are fields that are no metadata of a browser's. X-User-Agent, which stands for the User-Agent that scripts cannot set, is
// metadata.
func dropped(name string) bool { return name == "x-grpc-web" || wire.NotFromBrowser(name) }
