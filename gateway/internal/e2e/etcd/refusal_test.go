// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
)

// What both refuse.

var ownWords = exception{
	name: "own words",
	reason: "T88, T89: what is wrong with a request is said in words of the API, and where, with a machine-readable reason; " +
		"etcd's gateway tells what the JSON decoder of Go met",
	explain: func(c *call, ours, theirs *observed) error {
		if err := isRefusal(c, ours); err != nil {
			return err
		}
		if theirs.text("message") == "" {
			return fmt.Errorf("etcd's gateway does not say why: %v", theirs)
		}
		ours.object()["message"] = theirs.text("message")
		delete(ours.object(), "details")
		return nil
	},
}

var plainText = exception{
	name:   "errors in plain text",
	reason: "T40, T42, T148: an unknown path and a wrong method are errors in JSON like all others, and a 405 says what is allowed; etcd's gateway answers with text",
	explain: func(c *call, ours, theirs *observed) error {
		if err := isRefusal(c, ours); err != nil {
			return err
		}
		if theirs.Text != http.StatusText(ours.Status)+"\n" && theirs.Text != http.StatusText(ours.Status) {
			return fmt.Errorf("etcd's gateway says %q", theirs.Text)
		}
		want, allow := codes.NotFound, ""
		if ours.Status == http.StatusMethodNotAllowed {
			want, allow = codes.Unimplemented, "OPTIONS, POST"
		}
		if ours.code() != int64(want) || ours.Allow != allow {
			return fmt.Errorf("code %d, Allow %q; want %d, %q", ours.code(), ours.Allow, want, allow)
		}
		ours.Values, theirs.Text = nil, ""
		return nil
	},
}

var precondition = exception{
	name:   "failed precondition",
	reason: "T147: FAILED_PRECONDITION is 400; early versions of grpc-gateway had 412, which is about If-Match",
	explain: func(_ *call, ours, theirs *observed) error {
		if theirs.Status != http.StatusPreconditionFailed || ours.Status != http.StatusBadRequest || ours.code() != int64(codes.FailedPrecondition) {
			return fmt.Errorf("status %d and %d, code %d", theirs.Status, ours.Status, ours.code())
		}
		theirs.Status = ours.Status
		return nil
	},
}

// What etcd's gateway accepts and Dragoman refuses.

var (
	unknownField = stricter("unknown field", http.StatusBadRequest, codes.InvalidArgument,
		"T96: ProtoJSON refuses fields that the message does not have; etcd's gateway ignores them, and a mistyped option is lost")
	moreData = stricter("data after the message", http.StatusBadRequest, codes.InvalidArgument,
		"T94: a body is one JSON value; etcd's gateway reads the first and ignores what follows, which two readers can understand in two ways")
	duplicateField = stricter("one field twice", http.StatusBadRequest, codes.InvalidArgument,
		"T95: a field that is given twice, by one name or by both, is ambiguous; in etcd's gateway one of them wins")
	oneofTwice = stricter("two members of a oneof", http.StatusBadRequest, codes.InvalidArgument,
		"T56: ProtoJSON has at most one member of a oneof; in etcd's gateway one of them wins, by chance")
	notJSON = stricter("body that is not declared as JSON", http.StatusUnsupportedMediaType, codes.InvalidArgument,
		"T90, T91, T92: only what is declared as JSON in UTF-8 is read as such; a form of a foreign site can send all else without asking")
	queryBeside = stricter("query beside the body", http.StatusBadRequest, codes.InvalidArgument,
		"T52: with body \"*\" the whole message is in the body, and a parameter that names a field of it is refused; etcd's gateway ignores it")
	badText = stricter("text that is not Unicode", http.StatusBadRequest, codes.InvalidArgument,
		"T39, T105: text that is not valid is refused; etcd's gateway puts a replacement character in its place, so that another name is meant")
	paddedNumber = stricter("white space in a number", http.StatusBadRequest, codes.InvalidArgument,
		"T99: a number in a string is the number and nothing else")
	notAnObject = stricter("null for a message", http.StatusBadRequest, codes.InvalidArgument,
		"T93: the body is the JSON of a message, an object; etcd's gateway takes null for an empty one")
	encodedSlash = stricter("encoded slash", http.StatusNotFound, codes.NotFound,
		"T33, T36: %2F is no separator; etcd's gateway decodes the path before it matches it")
	deepMessage = stricter("deep nesting", http.StatusBadRequest, codes.InvalidArgument,
		"T102: JSON nests at most 100 deep, so that no request can use up the stack")
	notInModule = stricter("services outside of the module", http.StatusNotFound, codes.NotFound,
		"lock and election are services of the server whose .proto files are not in the module with the API, so Dragoman was not given them")
)

// stricter is the exception of a call that Dragoman refuses with this status and code, and that etcd's gateway passes on
// to etcd.
func stricter(name string, status int, code codes.Code, reason string) exception {
	return exception{
		name:   name,
		reason: reason,
		explain: func(c *call, ours, theirs *observed) error {
			if ours.Status != status || ours.code() != int64(code) {
				return fmt.Errorf("dragoman answers %d with code %d; want %d with %d: %v", ours.Status, ours.code(), status, code, ours.Values)
			}
			if err := isRefusal(c, ours); err != nil {
				return err
			}
			if theirs.Status == ours.Status {
				return fmt.Errorf("etcd's gateway refuses it, too: %v", theirs.Values)
			}
			*theirs = *ours.clone()
			return nil
		},
	}
}

var noRedirect = exception{
	name:   "path that is not clean",
	reason: "T26, T27: a path is matched as it is and nothing is collapsed; the mux of Go in front of etcd's gateway redirects, and a client that follows makes a GET of it",
	explain: func(c *call, ours, theirs *observed) error {
		if theirs.Status != http.StatusMovedPermanently || ours.Status != http.StatusNotFound {
			return fmt.Errorf("status %d and %d", theirs.Status, ours.Status)
		}
		if err := isRefusal(c, ours); err != nil {
			return err
		}
		*theirs = *ours.clone()
		return nil
	},
}

var plainStream = exception{
	name:   "streams of requests",
	reason: "T19: a body cannot carry a stream of messages both ways; Dragoman says so, while etcd's gateway reads one message and answers as if the client had said all",
	explain: func(c *call, ours, theirs *observed) error {
		if theirs.Status != http.StatusOK || ours.Status != http.StatusNotImplemented || ours.code() != int64(codes.Unimplemented) {
			return fmt.Errorf("status %d and %d, code %d", theirs.Status, ours.Status, ours.code())
		}
		if err := isRefusal(c, ours); err != nil {
			return err
		}
		*theirs = *ours.clone()
		return nil
	},
}

// isRefusal checks that an answer is an error that Dragoman made by itself, that says what it should, and nothing about the
// program that says it.
func isRefusal(c *call, ours *observed) error {
	message := ours.text("message")
	if c.says == "" {
		return errors.New("the call does not tell what the message should say")
	}
	if !strings.Contains(message, c.says) {
		return fmt.Errorf("the message is %q; it should say %q", message, c.says)
	}
	for _, foreign := range []string{"json:", "Go value", "unmarshal", "strconv", "proto:", "base64 data"} {
		if strings.Contains(message, foreign) {
			return fmt.Errorf("the message %q is about the program: %q", message, foreign)
		}
	}
	details, _ := ours.object()["details"].([]any)
	if info := detailOf(details, "ErrorInfo"); info["domain"] != "dragoman" || info["reason"] == "" || info["reason"] == nil {
		return fmt.Errorf("the error has no ErrorInfo of dragoman: %v", details)
	}
	violations, _ := detailOf(details, "BadRequest")["fieldViolations"].([]any)
	if c.field == "" {
		return nil
	}
	for _, violation := range violations {
		if member, ok := violation.(map[string]any); ok && member["field"] == c.field && member["description"] != "" {
			return nil
		}
	}
	return fmt.Errorf("the error has no BadRequest that names the field %s: %v", c.field, details)
}

// detailOf returns the detail of a type of google.rpc, or nil.
func detailOf(details []any, name string) map[string]any {
	for _, detail := range details {
		if member, ok := detail.(map[string]any); ok && member["@type"] == "type.googleapis.com/google.rpc."+name {
			return member
		}
	}
	return nil
}
