// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Descriptor gives the type of the message.
func (m *Message) Descriptor() protoreflect.MessageDescriptor { return m.desc }

// Custom tells that the JSON of the message is not an object of its own fields: it is one of the well-known types such as
// google.protobuf.Timestamp, Any or Value.
func (m *Message) Custom() bool { return m.form.custom() }

// Err tells why the message cannot be converted, as an *Error; nil if it can.
func (m *Message) Err() error {
	if m.err == nil {
		return nil
	}
	return m.err
}

// Field gives the converter of one field of the message, which may be an extension; nil if fd is of another message.
func (m *Message) Field(fd protoreflect.FieldDescriptor) *Field {
	if fd.IsExtension() {
		if x := m.addExtension(fd); x != nil {
			return x.field
		}
		return nil
	}
	if f := m.byNumber(uint64(fd.Number())); f != nil && f.desc.FullName() == fd.FullName() {
		return f
	}
	return nil
}

// FieldByName gives the converter of the field with that JSON name or, if there is none, that name in the .proto file;
// nil if there is neither.
func (m *Message) FieldByName(name string) *Field {
	if i, ok := m.names[name]; ok {
		return &m.fields[i]
	}
	if fd := m.desc.Fields().ByName(protoreflect.Name(name)); fd != nil { // of a group names has the name of its message
		return m.Field(fd)
	}
	return nil
}

// Descriptor gives the field.
func (f *Field) Descriptor() protoreflect.FieldDescriptor { return f.desc }

// Message gives the converter of the field's messages; nil if it has none. For a map see its descriptor.
func (f *Field) Message() *Message { return f.message }

// AppendWire appends the field's records of the parent message for a JSON value: a scalar, list, map or message, as the
// field is. null leaves the field unset, and appends nothing, unless the field is a google.protobuf.Value or NullValue.
func (f *Field) AppendWire(dst, json []byte, o *DecodeOptions) ([]byte, error) {
	c := f.parent.codec
	return decode(c, dst, json, o, func(d *decoder, dst []byte, p int, w *watchNode) ([]byte, int) {
		if d.at(p) == 'n' && !f.takesNull() {
			return dst, d.literal(p, "null")
		}
		dst, p = d.field(dst, p, f, c.maxDepth, w)
		if p < 0 {
			d.within(f.jsonName)
		}
		return dst, p
	})
}

// AppendJSON appends the JSON value of the field, taken from the wire bytes of the parent message. An unset list is [],
// an unset map {}, an unset message or other field with presence null, and any other its default.
func (f *Field) AppendJSON(dst, parentWire []byte, o *EncodeOptions) ([]byte, error) {
	return encode(dst, parentWire, o, func(e *encoder, dst []byte) []byte {
		dst = e.only(dst, f)
		if e.stop {
			e.within(f)
		}
		return dst
	})
}

// only appends the value of a field of the outermost message.
func (e *encoder) only(dst []byte, f *Field) []byte {
	m, depth := f.parent, f.parent.codec.maxDepth
	if m.err != nil {
		e.schema(m)
		return dst
	}
	e.segments = append(e.segments, segment{0, uint32(len(e.in))})
	x := e.scan(m, 0, 1, depth)
	if e.stop {
		return dst
	}
	e.settleOneofs(m, 0)
	order := uint32(f.index)
	if f.index > maxFields {
		order = uint32(len(m.fields) + x.byName[string(f.desc.FullName())].rank)
	}
	lo := 0
	for lo < len(e.spans) && e.spans[lo].order != order {
		lo++
	}
	hi := lo
	for hi < len(e.spans) && e.spans[hi].order == order {
		hi++
	}
	if f.oneof != 0 && lo < hi {
		o := e.oneofs[f.oneof-1]
		if o.winner != order {
			lo = hi
		}
		for lo < hi && e.spans[lo].start < o.bound {
			lo++
		}
	}
	switch {
	case e.drops && f.redacted && e.o.DropRedacted:
		return append(dst, "null"...)
	case lo < hi:
		dst, _ = e.spannedValue(dst, f, lo, hi, depth)
		return dst
	case f.presence:
		return append(dst, "null"...)
	default:
		return e.zero(dst, f)
	}
}
