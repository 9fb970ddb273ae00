// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import "strings"

// methodID is a small number for an HTTP method within one table.
type methodID uint32

const (
	methodAny methodID = iota // the `*` of a custom rule
	methodGet
	methodPost
	methodPut
	methodPatch
	methodDelete
	methodHead
	methodOptions
	firstCustomMethod

	methodProbe   methodID = 1<<32 - 3 // a search for whether any method matches
	methodUnknown methodID = 1<<32 - 2 // no rule names it: only `*` can match
	methodNever   methodID = 1<<32 - 1 // nothing matches, not even `*`
)

// maxMethodBytes is the longest HTTP method that is matched.
const maxMethodBytes = 64

// standardMethod gives the number of a method that has a fixed one, or methodUnknown.
func standardMethod(method string) methodID {
	switch method {
	case "GET":
		return methodGet
	case "POST":
		return methodPost
	case "PUT":
		return methodPut
	case "PATCH":
		return methodPatch
	case "DELETE":
		return methodDelete
	case "HEAD":
		return methodHead
	case "OPTIONS":
		return methodOptions
	case AnyMethod:
		return methodNever // "*" on the wire is no method; as a rule's kind it never gets here
	}
	return methodUnknown
}

func isStandardMethod(method string) bool { return standardMethod(method) < firstCustomMethod }

// neverMatched reports the methods that mean something else than a request for a resource: CONNECT opens a
// tunnel, TRACE sends the request's secrets back, PRI is the first line of HTTP/2.
func neverMatched(method string) bool {
	return method == "CONNECT" || method == "TRACE" || method == "PRI"
}

// isMethodToken reports whether method is a token of RFC 9110 section 5.6.2, of bearable length.
func isMethodToken(method string) bool {
	if method == "" || len(method) > maxMethodBytes {
		return false
	}
	for i := range len(method) {
		b := method[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return true
}

// methodOf gives the number of an HTTP method as it came from a client.
func (t *Table) methodOf(method string) methodID {
	if id := standardMethod(method); id != methodUnknown {
		return id
	}
	if neverMatched(method) || !isMethodToken(method) {
		return methodNever
	}
	if id, ok := t.methods[method]; ok {
		return id
	}
	return methodUnknown
}
