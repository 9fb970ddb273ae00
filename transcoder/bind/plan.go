// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// httpBody is the message whose data are the bytes of the HTTP body.
const httpBody protoreflect.FullName = "google.api.HttpBody"

// Plan is how requests of one binding become messages. It is compiled once, does not change, and may be
// used by any number of calls at a time.
type Plan struct {
	binding *httprule.Binding
	config  Config
	codec   *codec.Codec
	message *codec.Message
	vars    []variable

	body    *codec.Field   // the body field; nil for none and for the whole message
	rawBody *codec.Message // the HttpBody that the body is, or nil

	headers []headerField // fields that the head sets
	mask    *codec.Field  // the field mask that a PATCH fills in, or nil (T106)

	watch   *codec.Watch
	guarded []guard // one for each path of watch
}

// variable is a path variable.
type variable struct {
	name  string
	chain []*codec.Field
}

// guard says what it means that the body names a watched field.
type guard struct {
	variable int    // index of the variable that sets the field, or
	header   int    // index of the header field that does, plus 1
	sibling  string // the member of the oneof that is set so, when the watched field is another one
}

// Compile makes the plan of a binding whose messages c converts.
func Compile(b *httprule.Binding, c *codec.Codec, cfg Config) (*Plan, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Plan{binding: b, config: cfg, codec: c, message: c.Message(b.Method.Input())}
	if err := p.message.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Method.Input().FullName(), err)
	}
	for i := range b.Variables {
		v := &b.Variables[i]
		p.vars = append(p.vars, variable{name: v.Name, chain: p.chain(v.Path)})
	}
	if b.Body == httprule.BodyField {
		p.body = p.message.Field(b.BodyField)
	}
	if md := p.bodyMessage(); md != nil && md.FullName() == httpBody {
		p.rawBody = c.Message(md)
	}
	p.mask = p.autoMask()
	if err := p.compileHeaders(); err != nil {
		return nil, err
	}
	return p, p.compileWatch()
}

// chain gives the converters along a field path.
func (p *Plan) chain(path []protoreflect.FieldDescriptor) []*codec.Field {
	chain := make([]*codec.Field, len(path))
	at := p.message
	for i, fd := range path {
		chain[i] = at.Field(fd)
		if i < len(path)-1 {
			at = p.codec.Message(fd.Message())
		}
	}
	return chain
}

// bodyMessage is the message that the body is, or nil.
func (p *Plan) bodyMessage() protoreflect.MessageDescriptor {
	switch p.binding.Body {
	case httprule.BodyWhole:
		return p.binding.Method.Input()
	case httprule.BodyField:
		if fd := p.binding.BodyField; fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
			return fd.Message()
		}
	case httprule.BodyNone:
	}
	return nil
}

// compileWatch lists what the body must not name, or only with the same value as the path: the fields
// of the variables, and their siblings in a oneof.
func (p *Plan) compileWatch() error {
	if p.rawBody != nil || p.bodyMessage() == nil {
		return nil
	}
	var paths [][]protoreflect.FieldDescriptor
	add := func(path []protoreflect.FieldDescriptor, g guard) {
		if p.binding.Body == httprule.BodyField {
			if path[0].Number() != p.binding.BodyField.Number() {
				return
			}
			path = path[1:]
		}
		paths, p.guarded = append(paths, path), append(p.guarded, g)
		for level, fd := range path {
			for _, sibling := range siblings(fd) {
				other := append(append([]protoreflect.FieldDescriptor{}, path[:level]...), sibling)
				g.sibling = string(fd.Name())
				paths, p.guarded = append(paths, other), append(p.guarded, g)
			}
		}
	}
	for i := range p.binding.Variables {
		add(p.binding.Variables[i].Path, guard{variable: i})
	}
	for i := range p.headers {
		add(descriptors(p.headers[i].chain), guard{header: i + 1})
	}
	if len(paths) == 0 {
		return nil
	}
	var err error
	p.watch, err = codec.NewWatch(paths)
	return err
}

// descriptors are the fields of a chain.
func descriptors(chain []*codec.Field) []protoreflect.FieldDescriptor {
	path := make([]protoreflect.FieldDescriptor, len(chain))
	for i, f := range chain {
		path[i] = f.Descriptor()
	}
	return path
}

// siblings are the other members of the oneof that fd is in.
func siblings(fd protoreflect.FieldDescriptor) []protoreflect.FieldDescriptor {
	oneof := realOneof(fd)
	if oneof == nil {
		return nil
	}
	var others []protoreflect.FieldDescriptor
	for i := range oneof.Fields().Len() {
		if other := oneof.Fields().Get(i); other.Number() != fd.Number() {
			others = append(others, other)
		}
	}
	return others
}

// realOneof is the oneof that fd is in, unless it only stands for "optional".
func realOneof(fd protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		return oneof
	}
	return nil
}
