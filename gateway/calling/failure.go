// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Failure is the outcome of a call that failed.
type Failure struct {
	// Code is the code of gRPC.
	Code codes.Code
	// Message is what the server says.
	Message string
	// Details are its details as JSON.
	Details []json.RawMessage
}

// Error gives the name of the code and the message.
func (f *Failure) Error() string { return status.Name(f.Code) + ": " + f.Message }

// failureOf reads the failure in the body of an error of REST: that of google.rpc.Status, of Google's APIs or of RFC 9457. What is none of
// them has the code that the status of HTTP stands for.
func failureOf(httpStatus int, body []byte) *Failure {
	var b struct {
		Code    json.RawMessage   `json:"code"`
		Message string            `json:"message"`
		Detail  string            `json:"detail"`
		Details []json.RawMessage `json:"details"`
		Error   *struct {
			Status  string            `json:"status"`
			Message string            `json:"message"`
			Details []json.RawMessage `json:"details"`
		} `json:"error"`
	}
	f := &Failure{Code: codeOf(httpStatus), Message: http.StatusText(httpStatus)}
	if json.Unmarshal(body, &b) != nil {
		if text := strings.TrimSpace(string(body)); text != "" && len(text) < 1000 {
			f.Message = text
		}
		return f
	}
	name, number := "", 0
	switch {
	case b.Error != nil:
		name, f.Message, f.Details = b.Error.Status, b.Error.Message, b.Error.Details
	case json.Unmarshal(b.Code, &number) == nil && number > 0 && number <= int(codes.Unauthenticated):
		f.Code, f.Message, f.Details = codes.Code(number), b.Message, b.Details //nolint:gosec // it has a bound
	case json.Unmarshal(b.Code, &name) == nil:
		f.Message, f.Details = b.Detail+b.Message, b.Details
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if name != "" && status.Name(code) == name {
			f.Code = code
		}
	}
	return f
}

// codeOf is the code that a status of HTTP most likely stands for.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusNotAcceptable, http.StatusRequestURITooLong:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return codes.Unimplemented
	case http.StatusConflict:
		return codes.Aborted
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case status.StatusClientClosedRequest:
		return codes.Canceled
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return codes.Unavailable
	case http.StatusGatewayTimeout:
		return codes.DeadlineExceeded
	default:
		return codes.Unknown
	}
}

// unreachable is the outcome of a call whose server does not answer.
func unreachable(err error) error {
	return &Failure{Code: codes.Unavailable, Message: fmt.Sprint(err)}
}
