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
	masked  maskedField
	capture *capture // where parameters go that name no field, or nil (T57)

	watch   *codec.Watch
	guarded []guard // one for each path of watch
}

// variable is a path variable.
type variable struct {
	name  string
	chain []step
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
		p.vars = append(p.vars, variable{name: v.Name, chain: plain(p.fields(v.Path))})
	}
	if b.Body == httprule.BodyField {
		p.body = p.message.Field(b.BodyField)
	}
	if md := p.bodyMessage(); md != nil && md.FullName() == httpBody && (!cfg.JSONHTTPBody || b.Method.IsStreamingClient()) {
		p.rawBody = c.Message(md)
	}
	p.mask, p.masked = p.autoMask(), p.maskedBody()
	if p.capture, err = p.compileCapture(); err != nil {
		return nil, err
	}
	if err := p.compileHeaders(); err != nil {
		return nil, err
	}
	return p, p.compileWatch()
}

// fields gives the converters along a field path.
func (p *Plan) fields(path []protoreflect.FieldDescriptor) []*codec.Field {
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
