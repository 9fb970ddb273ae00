// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// contextError says how a call's own context ended.
func contextError(c *Call) error {
	if errors.Is(c.Context().Err(), context.DeadlineExceeded) {
		return deadlineError()
	}
	return status.Errorf(codes.Canceled, status.ReasonClientCancelled, "the client went away")
}

// Ended returns the outcome of a call that is over before it has an answer: its client has left, or its time is up.
func Ended(c *Call) error {
	if c.Context().Err() != nil {
		return contextError(c)
	}
	return deadlineError()
}

func deadlineError() error {
	return status.Errorf(codes.DeadlineExceeded, status.ReasonDeadlineExceeded, "the deadline passed before the backend answered")
}

// backendError turns what a channel returned into the outcome of the call. A
// status that the backend itself sent stays as it is. What grpc-go made up, because the connection
// failed, gets a text of ours: its own names addresses and sockets (threat H5).
func backendError(ctx context.Context, c *Call, err error) error {
	if e, ok := errors.AsType[*status.Error](err); ok {
		return e
	}
	if c.Context().Err() != nil {
		return contextError(c)
	}
	if !c.Deadline.IsZero() && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return deadlineError()
	}
	st, ok := grpcstatus.FromError(err)
	if !ok {
		return &status.Error{Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: err}
	}
	if !c.Deadline.IsZero() && st.Code() == codes.DeadlineExceeded && time.Now().After(c.Deadline) {
		return deadlineError()
	}
	if tooLarge(st, c.Request.MaxAnswer()) {
		return answerTooLarge(c, err)
	}
	if own := ownStatus(st); own != nil {
		return own.Err()
	}
	if local := localFailure(st); local != nil {
		local.Cause = err
		return local
	}
	return err
}

// answerError says that a backend's compressed message cannot be read, with the code that is the backend's fault and not the client's.
func answerError(c *Call, err error) error {
	if e, ok := errors.AsType[*status.Error](err); ok && e.Code == codes.ResourceExhausted {
		return answerTooLarge(c, err)
	}
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonBackendError, HTTP: http.StatusBadGateway, Cause: err, Message: "the backend's answer cannot be read",
	}
}

func answerTooLarge(c *Call, cause error) error {
	return &status.Error{
		Code: codes.ResourceExhausted, Reason: status.ReasonMessageTooLarge, Cause: cause,
		Message: fmt.Sprintf("the backend's answer is larger than the limit of %d bytes", c.Request.MaxAnswer()),
	}
}

// localFailures are how the texts of grpc-go, and of our own connections, begin, and what stands for them. A
// backend that begins its message with the same words loses the message and nothing else.
//
// google.golang.org/grpc v1.85.0: clientconn.go, stream.go, rpc_util.go, internal/transport/http2_client.go.
var localFailures = []struct {
	code    codes.Code
	prefix  string
	reason  status.Reason
	message string
}{
	{codes.Unavailable, "no ready endpoint", status.ReasonNoReadyBackend, "no endpoint of the backend is ready"},
	{codes.Unavailable, "connection error: ", status.ReasonBackendConnectFailed, "no endpoint of the backend can be reached"},
	{codes.Unavailable, "last connection error: ", status.ReasonBackendConnectFailed, "no endpoint of the backend can be reached"},
	{codes.Unavailable, "last resolver error: ", status.ReasonNoReadyBackend, "no endpoint of the backend is known"},
	{codes.Unavailable, "name resolver error: ", status.ReasonNoReadyBackend, "no endpoint of the backend is known"},
	{codes.Unavailable, "no children to pick from", status.ReasonNoReadyBackend, "no endpoint of the backend is ready"},
	{codes.Unavailable, "error reading from server: ", status.ReasonBackendReset, "the backend closed the connection"},
	{codes.Unavailable, "closing transport due to: ", status.ReasonBackendReset, "the backend closed the connection"},
	{codes.Unavailable, "transport is closing", status.ReasonBackendReset, "the backend closed the connection"},
	{codes.Unavailable, "the connection is draining", status.ReasonBackendReset, "the backend closed the connection"},
	{codes.Unavailable, "error writing to server: ", status.ReasonBackendReset, "the backend closed the connection"},
	{codes.Unavailable, "the server breaks the rules of HTTP/2: ", status.ReasonBackendReset, "the backend does not keep to the rules of HTTP/2"},
	{codes.Internal, "the server breaks the rules of HTTP/2: ", status.ReasonBackendReset, "the backend does not keep to the rules of HTTP/2"},
	{codes.Unavailable, "keepalive ping failed", status.ReasonBackendReset, "the backend closed the connection"},
	// The status that the backend sent is not to be had then.
	{codes.Internal, "transport: malformed grpc-status-details-bin: ", status.ReasonBackendError, "the details of the backend's status cannot be read"},
	{codes.Internal, "server closed the stream without sending trailers", status.ReasonBackendError, "the backend ended its answer without a status"},
	{codes.Internal, "cardinality violation", status.ReasonBackendError, "the backend answered a unary call with no message or with more than one"},
	{codes.Internal, "grpc: failed to unmarshal", status.ReasonSchemaMismatch, "the backend's answer cannot be read"},
}

// tooLarge is how grpc-go says that it refused an answer of more than limit bytes. A backend that refuses a request says the
// same of its own limit.
func tooLarge(st *grpcstatus.Status, limit int) bool {
	text, ok := strings.CutPrefix(st.Message(), "grpc: ")
	if !ok || st.Code() != codes.ResourceExhausted || !strings.Contains(text, "larger than max") {
		return false
	}
	bound := strconv.Itoa(limit)
	return strings.HasSuffix(text, " vs. "+bound+")") || strings.HasSuffix(text, " max "+bound)
}

// localFailure returns what stands for a status that grpc-go made up, or nil for a backend's own.
func localFailure(st *grpcstatus.Status) *status.Error {
	text := st.Message()
	for _, f := range localFailures {
		if st.Code() == f.code && strings.HasPrefix(text, f.prefix) {
			return status.Errorf(f.code, f.reason, "%s", f.message)
		}
	}
	switch {
	case st.Code() == codes.Internal && strings.HasPrefix(text, "header list size to send violates "): // threat B8: the backend has seen nothing of it
		return &status.Error{
			Code: codes.ResourceExhausted, Reason: status.ReasonHeaderTooLarge, HTTP: http.StatusRequestHeaderFieldsTooLarge,
			Message: "the request has a larger head than the backend takes",
		}
	case strings.HasPrefix(text, "stream terminated by RST_STREAM"):
		return status.Errorf(st.Code(), status.ReasonBackendReset, "the backend reset the stream")
	case strings.HasPrefix(text, "unexpected HTTP status code received from server: "),
		strings.HasPrefix(text, "transport: received unexpected content-type "), strings.HasPrefix(text, "malformed header: "):
		return &status.Error{
			Code: st.Code(), Reason: status.ReasonBackendError, HTTP: 502, Message: "the backend's answer is not gRPC",
		}
	}
	return nil
}

// ownStatus returns the status that a backend sent with details of another code, or nil. grpc-go makes an INTERNAL of it; what
// grpc-status says decides, and the details are dropped (T150).
//
// google.golang.org/grpc v1.85.0: internal/status/status.go, NewWithProto.
func ownStatus(st *grpcstatus.Status) *grpcstatus.Status {
	text, ok := strings.CutPrefix(st.Message(), "grpc-status-details-bin mismatch: grpc-status=")
	if !ok || st.Code() != codes.Internal {
		return nil
	}
	name, text, _ := strings.Cut(text, ", grpc-message=")
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return nil
	}
	message, err := strconv.Unquote(quoted)
	if err != nil {
		return nil
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if code.String() == name && code != codes.OK {
			return grpcstatus.New(code, message)
		}
	}
	return nil
}
