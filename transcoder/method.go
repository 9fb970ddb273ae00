// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Method is one method of a loaded schema. It is immutable and belongs to one Mux.
type Method struct {
	// ID is the index of the method in its Mux, from 0, so that policies can keep tables by method.
	ID int
	// Path is "/package.Service/Method", which is also the key of every policy, log and metric.
	Path string
	// Service and Name are the two parts of Path.
	Service, Name string
	// Desc describes the method.
	Desc protoreflect.MethodDescriptor
	// Schema is where Desc comes from.
	Schema *schema.Schema
	// Codec converts the messages of Schema.
	Codec *codec.Codec
	// ClientStreams and ServerStreams tell the stream kind.
	ClientStreams, ServerStreams bool
	// NoSideEffects tells that idempotency_level is NO_SIDE_EFFECTS; Idempotent is also true for IDEMPOTENT.
	NoSideEffects, Idempotent bool
	// Local tells that the server itself answers the method.
	Local bool
	// Rule is the rule by which the method is passed on although no schema has it: Desc, Schema and Codec are nil then. "" for methods
	// of a schema.
	Rule string
}

func newMethod(id int, s *schema.Schema, c *codec.Codec, md protoreflect.MethodDescriptor) *Method {
	m := &Method{
		ID:            id,
		Path:          "/" + string(md.Parent().FullName()) + "/" + string(md.Name()),
		Service:       string(md.Parent().FullName()),
		Name:          string(md.Name()),
		Desc:          md,
		Schema:        s,
		Codec:         c,
		ClientStreams: md.IsStreamingClient(),
		ServerStreams: md.IsStreamingServer(),
	}
	if o, ok := md.Options().(*descriptorpb.MethodOptions); ok {
		level := o.GetIdempotencyLevel()
		m.NoSideEffects = level == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
		m.Idempotent = m.NoSideEffects || level == descriptorpb.MethodOptions_IDEMPOTENT
	}
	return m
}

// Unary tells whether neither side streams.
func (m *Method) Unary() bool { return !m.ClientStreams && !m.ServerStreams }

// Kind names the stream kind: "unary", "client_stream", "server_stream" or "bidi_stream".
func (m *Method) Kind() string {
	switch {
	case m.ClientStreams && m.ServerStreams:
		return "bidi_stream"
	case m.ClientStreams:
		return "client_stream"
	case m.ServerStreams:
		return "server_stream"
	default:
		return "unary"
	}
}

// BareMethod returns a method of which only the name and the stream kind are known, for policies that run in
// another gRPC server.
func BareMethod(path string, clientStreams, serverStreams bool) *Method {
	m := &Method{Path: path, ClientStreams: clientStreams, ServerStreams: serverStreams}
	m.Service, m.Name, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return m
}
