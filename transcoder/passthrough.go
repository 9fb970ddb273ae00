// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Passthrough says which methods that no schema has are passed on unread (T181). Nothing is known of them but their name: they can be
// called in protobuf by the protocols that name the method in the path, and every one may stream both ways.
type Passthrough struct {
	// Rules name the rules, of which a call obeys one: "acme.legacy.*". What counts calls goes by this name, for clients make up those
	// of the methods.
	Rules []string
	// Rule returns the index of the rule for a method, or -1 where it is not passed on. It is called for each call of a method that no
	// schema has, from any goroutine.
	Rule func(service, method string) int
}

// maxUnknownPath is the length in bytes of the longest path of a method that no schema has.
const maxUnknownPath = 512

// addPassthrough makes a method of each rule, of which those of calls are copies.
func (x *Mux) addPassthrough(p *Passthrough) {
	x.passthrough = p
	for _, name := range p.Rules {
		x.passed = append(x.passed, &Method{ID: len(x.methods) + len(x.passed), Rule: name})
	}
	for _, v := range x.views {
		v.passthrough, v.passed = x.passthrough, x.passed
	}
}

// Passed returns a method for each rule of the Passthrough, which has the ID of the methods that are called by it and no name. Their
// IDs follow those of Methods. The slice is not to be changed.
func (x *Mux) Passed() []*Method { return x.passed }

// Len is how many IDs methods have, those of the Passthrough included.
func (x *Mux) Len() int { return len(x.methods) + len(x.passed) }

// Unknown returns a method that no schema has, if it is one that is passed on, or nil. The arguments say who streams, as far as the
// protocol knows.
func (x *Mux) Unknown(path string, clientStreams, serverStreams bool) *Method {
	if x.passthrough == nil || len(path) > maxUnknownPath || x.byPath[path] != nil {
		return nil
	}
	m := BareMethod(path, clientStreams, serverStreams)
	if !strings.HasPrefix(path, "/") || !protoreflect.FullName(m.Service).IsValid() || !protoreflect.Name(m.Name).IsValid() { // threats A1, A2
		return nil
	}
	if s := x.services[m.Service]; s != nil && s == x.local {
		return nil // the server itself answers the service, and has no such method
	}
	i := x.passthrough.Rule(m.Service, m.Name)
	if i < 0 {
		return nil
	}
	m.ID, m.Rule = x.passed[i].ID, x.passed[i].Rule
	return m
}
