// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// AnyMethod is the HTTP method of a `custom{kind: "*"}` rule.
const AnyMethod = "*"

// BodyKind says which part of a request message the HTTP body is.
type BodyKind uint8

const (
	// BodyNone: the request has no body.
	BodyNone BodyKind = iota
	// BodyWhole: `body: "*"`, the body is the whole message but for what the path sets.
	BodyWhole
	// BodyField: the body is one top-level field.
	BodyField
)

// Variable is a path variable bound to a field.
type Variable struct {
	// Name is the field path as written, with dots.
	Name string
	// Path leads from the request message to the field; all but the last are messages.
	Path []protoreflect.FieldDescriptor
	// First and Last are indices of the template's segments: the variable covers First to Last-1.
	First, Last int
	// MultiSegment is true unless the variable covers exactly one segment of every path.
	MultiSegment bool
	// Unescape says how the value is decoded; UnescapeAll for variables of one segment.
	Unescape Unescape
	// Column is the 1-based byte column of the variable's name in the template's source.
	Column int
}

// Field is the field that the variable sets.
func (v *Variable) Field() protoreflect.FieldDescriptor { return v.Path[len(v.Path)-1] }

// Binding maps one HTTP method and path template to a gRPC method. It does not change once made.
type Binding struct {
	// Method is the gRPC method.
	Method protoreflect.MethodDescriptor
	// HTTPMethod is the HTTP method as it is sent, such as "GET", or [AnyMethod].
	HTTPMethod string
	// Template is the path template.
	Template *Template
	// Variables are the path variables from left to right.
	Variables []Variable
	// Body says what the HTTP body is; with BodyField, BodyField names the field.
	Body BodyKind
	// BodyField is the field of the request that the body is, nil unless Body is BodyField.
	BodyField protoreflect.FieldDescriptor
	// ResponseField is the field of the response that is sent, nil for the whole message.
	ResponseField protoreflect.FieldDescriptor
	// Index numbers the bindings of Method from 0, in the order of its rules.
	Index int
	// Place is where the rule is written.
	Place Place

	name string // what String returns; "" until the rule is bound
}

// String is the HTTP method and the template: "GET /v1/users/{id}".
func (b *Binding) String() string {
	if b.name != "" {
		return b.name // every call is logged and counted by it
	}
	return b.HTTPMethod + " " + b.Template.String()
}

// Claim says what part of a request sets a field.
type Claim uint8

const (
	// ClaimNone: neither path nor body; the query may.
	ClaimNone Claim = iota
	// ClaimPath: a path variable.
	ClaimPath
	// ClaimBody: the body.
	ClaimBody
)

// Claims says what sets the field at the end of path, which leads from the request message to it, so that a weaker
// source can be refused. A field inside a claimed one, and a message around one that the path claims, are claimed too. Fields
// are compared by number, so it does not matter by which of its names a field was found.
func (b *Binding) Claims(path []protoreflect.FieldDescriptor) Claim {
	if len(path) == 0 {
		return ClaimNone
	}
	for i := range b.Variables {
		if samePath(b.Variables[i].Path, path) {
			return ClaimPath
		}
	}
	switch b.Body {
	case BodyWhole:
		return ClaimBody
	case BodyField:
		if b.BodyField.Number() == path[0].Number() {
			return ClaimBody
		}
	case BodyNone:
	}
	return ClaimNone
}

// samePath reports whether one path is the other or its beginning.
func samePath(a, b []protoreflect.FieldDescriptor) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i].Number() != b[i].Number() {
			return false
		}
	}
	return true
}
