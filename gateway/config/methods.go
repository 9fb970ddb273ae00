// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// MethodGlob names methods: a glob of services, and perhaps a slash and a method, of which * stands for any. It is immutable. The zero value
// matches nothing.
type MethodGlob struct {
	services Glob
	method   string // "" for all
}

// AllMethods returns the glob that matches every method.
func AllMethods() MethodGlob { return MethodGlob{services: AllServices()} }

// ParseMethodGlob reads a glob such as acme.users.v1.UserService/Login. The error says what is wrong with it.
func ParseMethodGlob(s string) (MethodGlob, error) {
	services, method, one := strings.Cut(s, "/")
	g, err := ParseGlob(services)
	if err != nil {
		return MethodGlob{}, err
	}
	if one && method != oneSegment && !protoreflect.Name(method).IsValid() {
		return MethodGlob{}, fmt.Errorf("has %.64q behind the slash; it must be the name of a method or *", method)
	}
	if method == oneSegment {
		method = ""
	}
	return MethodGlob{services: g, method: method}, nil
}

// Match says whether the glob matches a method, by the full name of its service and its own.
func (g MethodGlob) Match(service, method string) bool {
	return (g.method == "" || g.method == method) && g.services.Match(service)
}

// String returns the glob as it is written.
func (g MethodGlob) String() string {
	if g.method == "" {
		return g.services.String()
	}
	return g.services.String() + "/" + g.method
}

// Compare orders globs: the more specific comes first, and of two that differ only in the method the one that names it. Of two that are equally
// specific, the texts decide.
func (g MethodGlob) Compare(o MethodGlob) int {
	named := func(m string) int {
		if m == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(g.services.compare(o.services), cmp.Compare(named(g.method), named(o.method)), cmp.Compare(g.String(), o.String()))
}
