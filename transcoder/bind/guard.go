// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// guard says what it means that the body names a watched field.
type guard struct {
	chain    []step       // of the field that is set
	variable int          // index of the variable that sets it,
	path     string       // and its name,
	header   *headerField // or the header field that does

	// Where the watched field is not the one that is set but another member of its oneof.
	oneof, member string
	nullable      bool // null is a value of the member
}

func (g *guard) name() string {
	if g.header != nil {
		return g.header.name
	}
	return g.path
}

func (g *guard) by() source {
	if g.header != nil {
		return fromHeader
	}
	return fromPath
}

// compileWatch lists what the body must not name, or only with the same value as the path: the fields
// of the variables and of the header, and their siblings in a oneof.
func (p *Plan) compileWatch() error {
	if p.rawBody != nil || p.bodyMessage() == nil {
		return nil
	}
	var paths [][]protoreflect.FieldDescriptor
	add := func(g guard) {
		path := descriptors(g.chain)
		if p.binding.Body == httprule.BodyField {
			if path[0].Number() != p.binding.BodyField.Number() {
				return
			}
			path = path[1:]
		}
		eachGuarded(path, g, func(path []protoreflect.FieldDescriptor, g guard) {
			paths, p.guarded = append(paths, path), append(p.guarded, g)
		})
	}
	for i := range p.vars {
		add(guard{chain: p.vars[i].chain, variable: i, path: p.vars[i].name})
	}
	for i := range p.headers {
		add(guard{chain: p.headers[i].chain, header: &p.headers[i]})
	}
	if len(paths) == 0 {
		return nil
	}
	var err error
	p.watch, err = codec.NewWatch(paths)
	return err
}

// descriptors are the fields of a chain.
func descriptors(chain []step) []protoreflect.FieldDescriptor {
	path := make([]protoreflect.FieldDescriptor, len(chain))
	for i := range chain {
		path[i] = chain[i].field.Descriptor()
	}
	return path
}

// eachGuarded gives the field at the end of a path, and the siblings of each field on the way.
func eachGuarded(path []protoreflect.FieldDescriptor, g guard, watch func([]protoreflect.FieldDescriptor, guard)) {
	watch(path, g)
	for level, fd := range path {
		oneof := realOneof(fd)
		if oneof == nil {
			continue
		}
		for i := range oneof.Fields().Len() {
			other := oneof.Fields().Get(i)
			if other.Number() == fd.Number() {
				continue
			}
			g.oneof, g.member, g.nullable = string(oneof.Name()), string(other.Name()), nullable(other)
			watch(append(append([]protoreflect.FieldDescriptor{}, path[:level]...), other), g)
		}
	}
}

// nullable tells whether null is a value of a field and does not unset it.
func nullable(fd protoreflect.FieldDescriptor) bool {
	return (fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Value") ||
		(fd.Enum() != nil && fd.Enum().FullName() == "google.protobuf.NullValue")
}

// realOneof is the oneof that fd is in, unless it only stands for "optional".
func realOneof(fd protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		return oneof
	}
	return nil
}
