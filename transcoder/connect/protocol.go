// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package connect provides the Connect protocol: unary calls as plain HTTP, by POST and GET, and streams of enveloped messages.
package connect

import (
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Media types: one of unary calls, and what those of streams begin with.
const (
	unaryProto   = "application/proto"
	unaryJSON    = "application/json"
	streamPrefix = "application/connect+"
)

// acceptPost says in answers with 415 what would do, for unary calls and for streams.
const (
	acceptUnary  = unaryProto + ", " + unaryJSON
	acceptStream = streamPrefix + "proto, " + streamPrefix + "json"
)

const (
	versionField  = "connect-protocol-version"
	protocolMajor = "1"
)

// Config says how Connect is served. The zero value is ready.
type Config struct {
	rpc.Config

	// RequireVersion refuses calls that do not say the version of the protocol (T192).
	RequireVersion bool
	// Bare tells whether plain JSON that is posted is Connect's although it does not say so (T192). Nil says that it never is;
	// see [Unrouted].
	Bare func(r *transcoder.Request) bool
	// Cache says how answers to calls by GET may be cached; nil says nothing about it. It is called for each such call.
	Cache func(*transcoder.Method) Cache
}

// Protocol is Connect over any version of HTTP.
//
// https://connectrpc.com/docs/protocol
type Protocol struct {
	config Config
	errors *codec.Codec // for errors of calls without a method
}

var _ transcoder.Protocol = (*Protocol)(nil)

// New returns the protocol.
func New(cfg Config) (*Protocol, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	fallback, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		return nil, err
	}
	return &Protocol{config: cfg, errors: fallback}, nil
}

// Name returns "connect".
func (*Protocol) Name() string { return "connect" }

// Accepts takes application/connect+form and application/proto, what clients POST that say that they speak Connect, and GET with a query
// that says so. Other JSON is REST where that serves the same URL (T20), and else Connect as well, which does not ask for a version (T192).
func (p *Protocol) Accepts(r *transcoder.Request) bool {
	t := wire.MediaType(r.Header.Get("content-type"))
	switch {
	case t == unaryProto || strings.HasPrefix(t, streamPrefix):
		return true
	case r.Method == http.MethodPost:
		return r.Header.Has(versionField) || t == unaryJSON && p.config.Bare != nil && p.config.Bare(r)
	case r.Method == http.MethodGet:
		return isCall(r.Query)
	default:
		return false
	}
}

// Open resolves the method by its exact path (threats A1, A2) and reads version, timeout, encodings and metadata.
func (p *Protocol) Open(m *transcoder.Mux, c *transcoder.Call) (transcoder.Framer, error) {
	t := wire.MediaType(c.Request.Header.Get("content-type"))
	if suffix, ok := strings.CutPrefix(t, streamPrefix); ok {
		return p.openStream(m, c, suffix)
	}
	return p.openUnary(m, c, t)
}

func (p *Protocol) openUnary(m *transcoder.Mux, c *transcoder.Call, mediaType string) (transcoder.Framer, error) {
	f := &unary{protocol: p, limit: c.Request.MaxMessage()}
	if c.Method = m.Method(c.Request.Path); c.Method == nil {
		if c.Method = m.Unknown(c.Request.Path, false, false); c.Method == nil {
			return f, f.unknownMethod()
		}
	}
	if !c.Method.Unary() {
		return f, f.unsupported(acceptStream, "this method streams; its content-type is application/connect+proto or application/connect+json")
	}
	if err := f.checkVerb(c); err != nil {
		return f, err
	}
	name := mediaType
	if short, ok := strings.CutPrefix(mediaType, "application/"); ok {
		name = short
	}
	if c.Request.Method == http.MethodGet {
		var err error
		if f.query, err = parseQuery(c.Request.Query); err != nil {
			return f, err
		}
		name = f.query.encoding
	} else if charset := wire.Charset(c.Request.Header.Get("content-type")); charset != "" && charset != "utf-8" && charset != "utf8" {
		return f, f.unsupported(acceptUnary, "charset %.32q is not supported; JSON is in UTF-8", charset)
	}
	form, ok := rpc.FormOf(name)
	if !ok {
		return f, f.unsupported(acceptUnary, "encoding %.32q is not supported; supported are proto and json", name)
	}
	f.contentType = "application/" + name
	f.in, f.out = rpc.NewReader(form, f.limit), rpc.NewWriter(&p.config.Config, form)
	if err := p.open(c, form, f.query); err != nil {
		return f, err
	}
	if err := f.negotiate(c); err != nil {
		return f, err
	}
	if c.Request.ContentLength > f.limit {
		return f, tooLarge(f.limit)
	}
	return f, nil
}

func (p *Protocol) openStream(m *transcoder.Mux, c *transcoder.Call, name string) (transcoder.Framer, error) {
	f := &stream{protocol: p}
	form, ok := rpc.FormOf(name)
	if !ok {
		return f, f.unsupported(acceptStream, "encoding %.32q is not supported; supported are proto and json", name)
	}
	f.contentType = streamPrefix + name
	f.in, f.out = rpc.NewReader(form, c.Request.MaxMessage()), rpc.NewWriter(&p.config.Config, form)
	if c.Method = rpc.Method(m, c.Request.Path); c.Method == nil {
		return f, status.Errorf(codes.Unimplemented, status.ReasonNoRoute, "unknown method")
	}
	if c.Method.Unary() {
		return f, f.unsupported(acceptUnary, "this method does not stream; its content-type is application/proto or application/json")
	}
	if c.Request.Method != http.MethodPost {
		return f, f.notAllowed(http.MethodPost)
	}
	if err := p.open(c, form, nil); err != nil {
		return f, err
	}
	return f, rpc.Negotiate(c, &f.in, &f.out, "connect-content-encoding", "connect-accept-encoding")
}

// open does what is to be done for calls of any kind.
func (p *Protocol) open(c *transcoder.Call, form rpc.Form, q *query) error {
	version, given := c.Request.Header.Get(versionField), c.Request.Header.Has(versionField)
	if q != nil && q.version != "" {
		version, given = strings.TrimPrefix(q.version, "v"), true
	}
	switch {
	case given && version != protocolMajor:
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "version %.32q of Connect is not supported; supported is %s", version, protocolMajor)
	case !given && p.config.RequireVersion:
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "the version of Connect is missing: send the header %s: %s", versionField, protocolMajor)
	}
	if err := form.Readable(c.Method); err != nil {
		return err
	}
	if err := rpc.ReadTimeout(c, "connect-timeout-ms", wire.ParseConnectTimeout); err != nil {
		return err
	}
	return rpc.ReadMetadata(c, wire.NotFromBrowser)
}

func tooLarge(limit int64) error {
	return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "%s", (&wire.TooLargeError{Limit: limit}).Bound())
}
