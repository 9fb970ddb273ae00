// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// singletons are the fields that decide something and so may come once only (threat B10).
var singletons = [...]string{
	"authorization", "host", "content-type", "content-length", "content-encoding", "x-api-key", "grpc-timeout", "grpc-encoding",
	"connect-protocol-version", "connect-timeout-ms", "connect-content-encoding",
}

// CheckHead refuses a head that could be read in two ways, or that no backend should see (spec/security.md section 3).
func CheckHead(r *Request) error {
	var limits Limits
	if r.Limits != nil {
		limits = *r.Limits
	}
	if len(r.Header) > limits.Fields() {
		return &status.Error{
			Code: codes.ResourceExhausted, Reason: status.ReasonHeaderTooLarge, HTTP: http.StatusRequestHeaderFieldsTooLarge,
			Message: "the request has more header fields than are allowed",
		}
	}
	for i := range r.Header {
		f := &r.Header[i]
		if !limits.AllowUnderscores && strings.IndexByte(f.Name, '_') >= 0 {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %.64q: names with an underscore are not allowed", f.Name)
		}
		if !wire.ValidValue(f.Value) { // those that are to be dropped are gone already
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %.64q: the value has bytes that are not printable ASCII", f.Name)
		}
	}
	for _, name := range singletons {
		if r.Header.Count(name) > 1 {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %q: it is given more than once", name)
		}
	}
	// HTTP/2 and HTTP/3 have two places for the host (RFC 9113, section 8.3.1).
	if host := r.Header.Get("host"); host != "" && !strings.EqualFold(host, r.Authority) {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header \"host\": it names another host than the request's authority")
	}
	return nil
}

// DropInvalid takes the fields out of a head whose value cannot be passed on, where the listener says so (T165). It comes before
// anything reads the head.
func DropInvalid(r *Request) {
	if r.Limits == nil || !r.Limits.DropInvalidHeaders {
		return
	}
	r.Header = slices.DeleteFunc(r.Header, func(f wire.Field) bool { return !wire.ValidValue(f.Value) })
}
