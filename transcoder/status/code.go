// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package status provides the outcome of a call: gRPC codes and their HTTP and Connect
// forms, the machine-readable reason of an answer, and the error that carries them.
package status

import (
	"net/http"

	"google.golang.org/grpc/codes"
)

// httpCodes maps gRPC codes to HTTP (T147); the index is the code.
var httpCodes = [...]int{
	codes.OK:                 http.StatusOK,
	codes.Canceled:           StatusClientClosedRequest,
	codes.Unknown:            http.StatusInternalServerError,
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.Aborted:            http.StatusConflict,
	codes.OutOfRange:         http.StatusBadRequest,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Internal:           http.StatusInternalServerError,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DataLoss:           http.StatusInternalServerError,
	codes.Unauthenticated:    http.StatusUnauthorized,
}

// StatusClientClosedRequest is what logs and REST answers say of a cancelled
// call. It is nobody's standard; nginx introduced it and google/rpc/code.proto adopted it.
const StatusClientClosedRequest = 499

// HTTP returns the HTTP status of a gRPC code; numbers that gRPC does not define are 500 (T147).
//
// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
func HTTP(code codes.Code) int {
	if int(code) < len(httpCodes) {
		return httpCodes[code]
	}
	return http.StatusInternalServerError
}

// names holds the upper-case names of google/rpc/code.proto; the index is the code.
var names = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// connectNames holds the names of Connect; the index is the code.
var connectNames = [...]string{
	"ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
	"permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented",
	"internal", "unavailable", "data_loss", "unauthenticated",
}

// ConnectName returns the name of a code of an error as Connect writes it. Connect has no others than gRPC's sixteen: the rest, and
// OK, which is no error, are "unknown".
//
// https://connectrpc.com/docs/protocol#error-codes
func ConnectName(code codes.Code) string {
	if code != codes.OK && int(code) < len(connectNames) {
		return connectNames[code]
	}
	return "unknown"
}

// Name returns the name of a code as google/rpc/code.proto writes it, or "CODE_n".
func Name(code codes.Code) string {
	if int(code) < len(names) {
		return names[code]
	}
	return "UNKNOWN"
}
