// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// singletons are the fields that decide something and so may come once only (threat B10).
var singletons = [...]string{
	"authorization", "host", "content-type", "content-length", "content-encoding", "x-api-key", "grpc-timeout", "grpc-encoding",
	"connect-protocol-version", "connect-timeout-ms", "connect-content-encoding",
}

// checkHead refuses a head that could be read in two ways, or that no backend should see (spec/security.md section 3).
func checkHead(r *transcoder.Request) error {
	var limits transcoder.Limits
	if r.Limits != nil {
		limits = *r.Limits
	}
	most := limits.MaxFields
	if most == 0 {
		most = transcoder.DefaultMaxFields
	}
	if len(r.Header) > most {
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
		if !wire.ValidValue(f.Value) {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %.64q: the value has bytes that are not printable ASCII", f.Name)
		}
	}
	for _, name := range singletons {
		if r.Header.Count(name) > 1 {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %q: it is given more than once", name)
		}
	}
	return nil
}
