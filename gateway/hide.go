// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// hideInternal returns the outcome of a call without what an INTERNAL or UNKNOWN says, which may be about the inside of a service: the
// client gets the id of the request, by which the log can be asked (T159).
func hideInternal(c *transcoder.Call, err error) error {
	if err == nil {
		return nil
	}
	code := codes.Code(status.Proto(err).GetCode()) //nolint:gosec // codes are small
	if code != codes.Internal && code != codes.Unknown {
		return err
	}
	hidden := &status.Error{
		Code: code, Reason: status.ReasonOf(err), HTTP: status.HTTPOf(err), Cause: err,
		Message: "internal error; the log has it under the id of the request",
	}
	if info, errInfo := anypb.New(&errdetails.RequestInfo{RequestId: c.RequestID}); errInfo == nil {
		hidden.Details = append(hidden.Details, info)
	}
	return hidden
}
