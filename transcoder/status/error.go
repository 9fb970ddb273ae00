// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of every google.rpc.ErrorInfo that the gateway itself makes.
const Domain = "dragoman"

// Error is the gateway's own refusal of a call, or its account of a backend's
// failure. Message is for the client and tells no secret; Cause is for the log.
// An Error is not changed once it is returned.
type Error struct {
	Code    codes.Code
	Reason  Reason
	Message string
	// HTTP replaces the HTTP status that Code maps to; 0 keeps it. Only REST looks at it.
	HTTP int
	// Metadata goes into the ErrorInfo of the answer.
	Metadata map[string]string
	// Violations go into a BadRequest of the answer.
	Violations []Violation
	// Details are further details, sent as they are.
	Details []*anypb.Any
	// RetryAfter is when the client may call again: the RetryInfo of the answer, its Retry-After, and the pushback of gRPC. 0 says nothing.
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate of a REST answer with status 401 (RFC 9110, section 11.6.1); "" for none. It is the
	// gateway's own: nothing that a backend says is put there (T157).
	Challenge string
	// Cause is logged and never sent.
	Cause error
}

// Violation is one field of a request that is wrong.
type Violation struct {
	// Field is the path of the field from the request message, such as "book.tags[3]".
	Field       string
	Description string
	// Reason names the rule that is broken, in upper case with underscores; "" for none.
	Reason string
}

// Errorf makes an Error whose message is formatted.
func Errorf(code codes.Code, reason Reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Error returns the code, the message and the cause.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", Name(e.Code), e.Message, e.Cause)
	}
	return Name(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// GRPCStatus makes an Error a gRPC status to any interceptor.
func (e *Error) GRPCStatus() *grpcstatus.Status { return grpcstatus.FromProto(e.Proto()) }

// Proto returns what the client is told: code, message, an ErrorInfo with the
// reason, a BadRequest where fields are wrong, and the details.
func (e *Error) Proto() *spb.Status { return e.proto(true) }

func (e *Error) proto(info bool) *spb.Status {
	p := &spb.Status{Code: int32(e.Code), Message: e.Message} //nolint:gosec // codes are small
	if info {
		p.Details = appendDetail(p.Details, &errdetails.ErrorInfo{Reason: e.Reason.ErrorInfo(), Domain: Domain, Metadata: e.Metadata})
	}
	if len(e.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range e.Violations {
			bad.FieldViolations = append(bad.FieldViolations,
				&errdetails.BadRequest_FieldViolation{Field: v.Field, Description: v.Description, Reason: v.Reason})
		}
		p.Details = appendDetail(p.Details, bad)
	}
	if e.RetryAfter > 0 {
		p.Details = appendDetail(p.Details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	p.Details = append(p.Details, e.Details...)
	return p
}

func appendDetail(details []*anypb.Any, m proto.Message) []*anypb.Any {
	detail, err := anypb.New(m)
	if err != nil {
		return details // a message of ours that does not encode has nothing to say
	}
	return append(details, detail)
}

// Proto returns the status that an error stands for: nil is OK, an Error and a gRPC
// status speak for themselves, and anything else is INTERNAL with a text that tells nothing.
func Proto(err error) *spb.Status { return statusOf(err, true) }

// ProtoWithoutInfo is Proto without the google.rpc.ErrorInfo that the gateway's own errors have.
func ProtoWithoutInfo(err error) *spb.Status { return statusOf(err, false) }

func statusOf(err error, info bool) *spb.Status {
	if err == nil {
		return &spb.Status{}
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.proto(info)
	}
	if st, ok := grpcstatus.FromError(err); ok {
		return st.Proto()
	}
	return (&Error{Code: codes.Internal, Reason: ReasonInternal, Message: "internal error"}).proto(info)
}

// ReasonOf returns the reason that an error carries; a gRPC status without one is the backend's.
func ReasonOf(err error) Reason {
	if err == nil {
		return ReasonOK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if _, ok := grpcstatus.FromError(err); ok {
		return ReasonBackendError
	}
	return ReasonInternal
}

// HTTPOf returns the HTTP status of an error.
func HTTPOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok && e.HTTP != 0 {
		return e.HTTP
	}
	return HTTP(codes.Code(Proto(err).GetCode())) //nolint:gosec // codes are small
}

// ChallengeOf returns the challenge of an error, or "".
func ChallengeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Challenge
	}
	return ""
}

// Pushback returns in milliseconds, rounded up, when a client may call again that the gateway itself has refused; it is false where
// nothing is said.
func Pushback(err error) (int64, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.RetryAfter <= 0 {
		return 0, false
	}
	return int64((e.RetryAfter + time.Millisecond - 1) / time.Millisecond), true
}

// maxRetryAfter is the longest time in seconds that RetryAfter returns: what is said of next year is no help.
const maxRetryAfter = 7 * 24 * 60 * 60

// RetryAfter returns the delay of an error's google.rpc.RetryInfo in whole seconds, rounded up; it is false where there is
// none, or none that can be read.
func RetryAfter(err error) (int64, bool) {
	for _, detail := range Proto(err).GetDetails() {
		info := &errdetails.RetryInfo{}
		if !detail.MessageIs(info) || detail.UnmarshalTo(info) != nil || !info.GetRetryDelay().IsValid() {
			continue
		}
		delay := info.GetRetryDelay()
		seconds := delay.GetSeconds()
		if delay.GetNanos() > 0 {
			seconds++
		}
		return min(max(seconds, 0), maxRetryAfter), true
	}
	return 0, false
}
