// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// appendRefusal appends the body of an answer that is an error and nothing else. Where messages are wrapped, a backend's error is
// as well, though none came before it; what the gateway refuses by itself is not (T134).
func (f *framer) appendRefusal(dst []byte, c *transcoder.Call) []byte {
	body := func(dst []byte) []byte { return f.config.errors.append(dst, f, c) }
	if _, own := errors.AsType[*status.Error](c.Err); own || f.config.Streams.Format != StreamWrapped || c.Method == nil || !c.Method.ServerStreams {
		return body(dst)
	}
	dst, _ = (&records{format: StreamWrapped}).fail(dst, body)
	return dst
}

// methodNotAllowed says that a path does not take the method; with Allow or, as grpc-gateway does, without it (T40).
func (p *Protocol) methodNotAllowed(f *framer, allow string) error {
	e := &status.Error{
		Code: codes.Unimplemented, Reason: status.ReasonMethodNotAllowed, HTTP: http.StatusMethodNotAllowed,
		Message: "this path does not take the method; see the Allow header",
	}
	if p.config.NotImplemented {
		e.HTTP, e.Message = http.StatusNotImplemented, "this path does not take the method"
		return e
	}
	f.extra.Add("allow", allow)
	return e
}
