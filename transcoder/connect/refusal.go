// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// refusal is how a request is answered that is no call of Connect's: by an HTTP status of its own instead of the one that the code
// maps to. The zero value is for those that are.
//
// The code is "unknown" where Connect's table of HTTP statuses has no other for a client to infer.
type refusal struct {
	httpStatus int
	fields     wire.Header
}

// unsupported says which content types would do.
func (r *refusal) unsupported(acceptPost, format string, args ...any) error {
	r.httpStatus = http.StatusUnsupportedMediaType
	r.fields.Add("accept-post", acceptPost)
	return status.Errorf(codes.Unknown, status.ReasonUnsupportedMediaType, format, args...)
}

// notAllowed says which verbs would do.
func (r *refusal) notAllowed(allow string) error {
	r.httpStatus = http.StatusMethodNotAllowed
	r.fields.Add("allow", allow)
	return status.Errorf(codes.Unknown, status.ReasonMethodNotAllowed, "this method does not take the verb; see the Allow header")
}

// unknownMethod says that nothing is served at a path, in the same words whether or not something hidden is (threat H6).
func (r *refusal) unknownMethod() error {
	r.httpStatus = http.StatusNotFound
	return status.Errorf(codes.Unimplemented, status.ReasonNoRoute, "unknown method")
}
