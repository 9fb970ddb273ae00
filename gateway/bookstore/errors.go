// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// domain is the domain of the reasons in error details.
const domain = "bookstore.example"

const (
	shelfType = "bookstore.example/Shelf"
	bookType  = "bookstore.example/Book"
	coverType = "bookstore.example/Cover"
)

// problems collects what is wrong with a request, so that all of it is told at once.
type problems []*errdetails.BadRequest_FieldViolation

// add notes a problem of the field at path.
func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, &errdetails.BadRequest_FieldViolation{Field: path, Description: fmt.Sprintf(format, args...)})
}

// err returns INVALID_ARGUMENT with all problems, or nil when there is none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	message := p[0].GetField() + ": " + p[0].GetDescription()
	if more := len(p) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	return statusError(codes.InvalidArgument, message, &errdetails.BadRequest{FieldViolations: p})
}

// statusError makes an error with a code, a message for the client and details.
func statusError(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		// Only a message that cannot be encoded gets here; the code and the words still stand.
		return status.Error(code, message)
	}
	return s.Err()
}

// reason makes the detail that programs tell errors apart by.
func reason(name string, metadata map[string]string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: name, Domain: domain, Metadata: metadata}
}

// resource makes the detail that says which resource an error is about.
func resource(kind, name, description string) *errdetails.ResourceInfo {
	return &errdetails.ResourceInfo{ResourceType: kind, ResourceName: name, Description: description}
}

func notFound(kind, name string) error {
	return statusError(codes.NotFound, name+" does not exist",
		reason("NOT_FOUND", nil), resource(kind, name, "it does not exist"))
}

func alreadyExists(kind, name string) error {
	return statusError(codes.AlreadyExists, name+" exists already",
		reason("ALREADY_EXISTS", nil), resource(kind, name, "it exists already"))
}

func wrongEtag(name, got, want string) error {
	return statusError(codes.Aborted, fmt.Sprintf("%s has etag %s, not %s: it was changed in between", name, want, got),
		reason("ETAG_MISMATCH", map[string]string{"etag": want}), resource(bookType, name, "it was changed in between"))
}

func exhausted(subject, description string) error {
	return statusError(codes.ResourceExhausted, description,
		reason("LIMIT_REACHED", nil),
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: subject, Description: description}}})
}
