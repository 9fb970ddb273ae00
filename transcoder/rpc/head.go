// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"errors"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// AcceptEncoding is what answers say of the encodings that requests may have.
const AcceptEncoding = compression.Identity + "," + compression.Known

// Method returns the method of a path, compared exactly (threats A1, A2): that of a schema, or else one that is passed on and of which
// only the name is known (T181), so that both sides of it may stream; or nil.
func Method(m *transcoder.Mux, path string) *transcoder.Method {
	if method := m.Method(path); method != nil {
		return method
	}
	return m.Unknown(path, true, true)
}

// Negotiate settles compression both ways by the fields of the request in which the client says what it sends and what it takes.
func Negotiate(c *transcoder.Call, r *Reader, w *Writer, sends, takes string) error {
	encoding := c.Request.Header.Get(sends)
	if err := r.SetEncoding(c, sends, encoding); err != nil {
		return err
	}
	w.Accept(c, Takes(c, takes, encoding))
	return nil
}

// Takes returns the list of encodings that the client takes. One that has no such field takes what it sends.
func Takes(c *transcoder.Call, field, sends string) string {
	if c.Request.Header.Has(field) {
		return c.Request.Header.Get(field)
	}
	return sends
}

// ReadTimeout reads the field in which the client says how long it waits.
func ReadTimeout(c *transcoder.Call, field string, parse func(string) (time.Duration, error)) error {
	v := c.Request.Header.Get(field)
	if v == "" {
		return nil
	}
	d, err := parse(v)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	c.Timeout, c.HasTimeout = d, true
	return nil
}

// pushback tells clients of gRPC that would call again when to (gRFC A6).
const pushback = "grpc-retry-pushback-ms"

// AppendTrailers adds the end of an answer of gRPC's: the status, when to call again, and the backend's trailers.
func (c *Config) AppendTrailers(dst wire.Header, call *transcoder.Call) wire.Header {
	dst = wire.AppendStatus(dst, c.Status(call.Err))
	if ms, ok := status.Pushback(call.Err); ok {
		dst.Add(pushback, strconv.FormatInt(ms, 10))
	}
	if _, own := errors.AsType[*status.Error](call.Err); own && !call.HideReason {
		dst.Add(transcoder.ReasonHeader, string(call.Reason()))
	}
	return append(dst, call.Trailer...)
}

// ReadMetadata makes metadata of the fields of the request, but of those that drop refuses.
func ReadMetadata(c *transcoder.Call, drop func(name string) bool) error {
	md, err := wire.AppendMetadata(c.Metadata, c.Request.Header, drop)
	c.Metadata = md
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	return nil
}

// AppendStreamFields appends what asks everything between a stream and its reader to keep nothing back: caches, proxies that buffer, and
// those that compress.
func AppendStreamFields(dst wire.Header) wire.Header {
	return append(dst, wire.Field{Name: "cache-control", Value: "no-cache, no-transform"}, wire.Field{Name: "x-accel-buffering", Value: "no"})
}
