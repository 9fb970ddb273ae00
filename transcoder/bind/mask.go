// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// fieldMask is the message that says which fields an update is about.
const fieldMask protoreflect.FullName = "google.protobuf.FieldMask"

// autoMask is the field mask that is filled in from the members of the body: for a PATCH whose body is one message field, of a
// request that has exactly one mask, or the one that Config.MaskField names, which neither path nor body sets (T106).
func (p *Plan) autoMask() *codec.Field {
	b := p.binding
	if b.HTTPMethod != http.MethodPatch || !p.bodyIsResource() {
		return nil
	}
	mask := p.maskOf(b.Method.Input())
	if mask == nil || b.Claims([]protoreflect.FieldDescriptor{mask}) != httprule.ClaimNone {
		return nil
	}
	return p.message.Field(mask)
}

// bodyIsResource tells whether the body is one message that has fields.
func (p *Plan) bodyIsResource() bool {
	md := p.bodyMessage()
	return p.binding.Body == httprule.BodyField && md != nil && p.rawBody == nil && !p.codec.Message(md).Custom()
}

// maskOf is the field mask of a request; nil if there is none, or if which of several is meant is not known.
func (p *Plan) maskOf(md protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	var masks []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if fd.Message() == nil || fd.IsList() || fd.IsMap() || fd.Message().FullName() != fieldMask {
			continue
		}
		if p.config.MaskField != "" && (fd.TextName() == p.config.MaskField || fd.JSONName() == p.config.MaskField) {
			return fd
		}
		masks = append(masks, fd)
	}
	if len(masks) != 1 {
		return nil
	}
	return masks[0]
}

// fillMask appends the mask of what the body names, unless the client gave one, which is never added to (T109). An empty
// body names nothing, and backends read an empty mask as "replace all": it is refused (T108).
func (p *Plan) fillMask(s *state, dst, body []byte) ([]byte, error) {
	if s.tree.has(number(p.mask)) {
		return dst, nil
	}
	var paths []string
	if len(body) > 0 && string(body) != "null" {
		var err error
		if paths, err = p.body.Message().MaskPaths(body, &p.config.Decode); err != nil {
			return dst, bodyError(err)
		}
	}
	if len(paths) == 0 {
		if p.config.EmptyMask {
			return dst, nil
		}
		name := string(p.mask.Descriptor().Name())
		e := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON,
			"body: it names no field, and %s is not given: an update of nothing would be read as one of everything", name)
		e.Violations = []status.Violation{{Field: name, Description: "is required when the body names no field"}}
		return dst, e
	}
	s.record = s.record[:0]
	for _, path := range paths {
		s.record = protowire.AppendTag(s.record, 1, protowire.BytesType)
		s.record = protowire.AppendString(s.record, path)
	}
	dst = protowire.AppendTag(dst, p.mask.Descriptor().Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, s.record), nil
}

// maskedField is a field mask that is about the fields of a known message. The zero value is none.
type maskedField struct {
	mask     *codec.Field
	resource *codec.Message
}

// maskedBody is the mask of a request whose body is the resource that it is about (T85).
func (p *Plan) maskedBody() maskedField {
	if p.config.AnyMaskPath || !p.bodyIsResource() {
		return maskedField{}
	}
	mask := p.maskOf(p.binding.Method.Input())
	if mask == nil {
		return maskedField{}
	}
	return maskedField{mask: p.message.Field(mask), resource: p.body.Message()}
}

// appendText appends the mask that a text says, by the proto names of the fields of the resource.
func (m *maskedField) appendText(dst []byte, text string, o *codec.DecodeOptions) ([]byte, error) {
	if out, err := m.mask.AppendText(dst, text, o); err != nil || text == "" {
		return out, err
	}
	dst, at := open(dst, m.mask)
	for path := range strings.SplitSeq(text, ",") {
		dst = append(protowire.AppendTag(dst, 1, protowire.BytesType), 0)
		start := len(dst)
		var err error
		if dst, err = appendMaskPath(dst, m.resource, path); err != nil {
			return dst, err
		}
		dst = closeLength(dst, start)
	}
	return closed(dst, at, m.mask), nil
}

// appendMaskPath appends a path of a mask by the proto names of its fields. It ends in the message, or inside of a list, a map or a
// well-known type, of which no more is known.
func appendMaskPath(dst []byte, m *codec.Message, path string) ([]byte, error) {
	for rest := path; ; {
		name, after, more := strings.Cut(rest, ".")
		fd := maskField(m.Descriptor(), name)
		if fd == nil {
			return dst, &codec.Error{Kind: codec.KindValue, Offset: -1, Message: fmt.Sprintf("%.64q is not a field of %s", path, m.Descriptor().FullName())}
		}
		if dst = append(dst, fd.Name()...); !more {
			return dst, nil
		}
		dst = append(dst, '.')
		inner := m.Field(fd).Message()
		switch {
		case fd.IsList() || fd.IsMap():
			return append(dst, after...), nil
		case inner == nil:
			return dst, &codec.Error{Kind: codec.KindValue, Offset: -1, Message: fmt.Sprintf("%.64q leads into %s, which has no fields", path, fd.FullName())}
		case inner.Custom():
			return append(dst, after...), nil
		}
		m, rest = inner, after
	}
}

// maskField finds a field by its proto name, by that in lowerCamelCase, which is how masks are written in JSON, or by its JSON name.
func maskField(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	fields := md.Fields()
	if fd := fields.ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	var snake strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			snake.WriteByte('_')
			c += 'a' - 'A'
		}
		snake.WriteByte(c)
	}
	if fd := fields.ByName(protoreflect.Name(snake.String())); fd != nil {
		return fd
	}
	return fields.ByJSONName(name)
}
