// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"net/http"
)

var (
	routeOrder = exception{
		name:   "order of routes",
		reason: "T21: the literal is preferred to the variable, and one segment to any number; grpc-gateway tries the routes that were registered last first, and fails where that one does not fit",
		explain: func(c *call, ours, theirs *observed) error {
			if len(theirs.Calls) == 1 && theirs.Calls[0].Method == ours.Calls[0].Method {
				return fmt.Errorf("both call %s", ours.Calls[0].Method)
			}
			return another(c, ours, theirs)
		},
	}
	emptySegment = stricter("empty segments", http.StatusNotFound,
		"T25, T26, T28: an empty segment is none, neither for a variable nor for any number of segments; grpc-gateway calls the backend with an empty id")
	emptyTail    = otherwise("empty tail", "T24: zero segments are nothing, and add no slash to the value of the variable")
	encodedColon = otherwise("encoded colon", "T30: %3A does not separate a verb; grpc-gateway decodes the path before it matches it")
	verbAlone    = exception{
		name:   "verb alone",
		reason: "T31: what is only a verb is data, and does not stop the search; grpc-gateway answers 404 at once",
		explain: func(c *call, ours, theirs *observed) error {
			if theirs.Status != http.StatusNotFound {
				return fmt.Errorf("grpc-gateway answers %d", theirs.Status)
			}
			return another(c, ours, theirs)
		},
	}
	encodedSlash = otherwise("encoded slash",
		"T36, T37: %2F is data in a variable of one segment, and stays as it is in one of several; grpc-gateway decodes the path before it matches it")
	encodedLiteral = stricter("encoded literal", http.StatusNotFound,
		"T33: an encoded reserved character is another one than the character itself; grpc-gateway decodes the path before it matches it")
	notUTF8 = stricter("text that is not UTF-8", http.StatusBadRequest,
		"T39: the client is told that its text is not UTF-8; grpc-gateway fails with 500 when it encodes the message or the answer")
	encodedNUL = stricter("encoded NUL", http.StatusBadRequest, "T38: no path has a NUL, at which other programs would end it")
	rawByte    = stricter("raw byte", http.StatusBadRequest, "T38: a path is ASCII; what is not has to be escaped, so that all who read it read the same")

	preflight = replacing("options",
		"T44: OPTIONS tells the methods of the path; grpc-gateway answers 501, and whoever asks has to be answered before",
		func(ours, theirs *observed) error {
			if ours.Status != http.StatusNoContent || ours.Header.Get("Allow") == "" || theirs.Status != http.StatusNotImplemented {
				return fmt.Errorf("status %d and %d, Allow %q", theirs.Status, ours.Status, ours.Header.Get("Allow"))
			}
			theirs.Header["Allow"] = ours.Header["Allow"]
			return nil
		})
	derivedHead = exception{
		name:   "head",
		reason: "T43: HEAD is answered by the route of GET; grpc-gateway answers 501",
		explain: func(c *call, ours, theirs *observed) error {
			if theirs.Status != http.StatusNotImplemented {
				return fmt.Errorf("grpc-gateway answers %d", theirs.Status)
			}
			return another(c, ours, theirs)
		},
	}
	methodOverride = otherwise("method override",
		"T46: the method of a request is what its first line says; grpc-gateway lets a header of a form change it, which is CVE-2026-37236")
	formForQuery = stricter("form for a query", http.StatusNotImplemented,
		"T46, T70: a form is no query; grpc-gateway answers a form by the route of GET")
	formBesideQuery = otherwise("form beside a query", "T70: a form is not mixed into the query")
)
