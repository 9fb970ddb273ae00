// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
)

// FieldError is a message that has no field which can be a key.
type FieldError struct {
	// Field is its path.
	Field string
	// Message says what is wrong, without the field.
	Message string
}

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("hash_key: field %s %s", e.Field, e.Message) }

// field is a field of a message, to be found in its bytes.
type field struct {
	path []protowire.Number
	kind protoreflect.Kind
}

// newField finds a field by its path, names in either form.
func newField(path string, message protoreflect.MessageDescriptor) (*field, error) {
	f := &field{}
	refuse := func(format string, args ...any) (*field, error) {
		return nil, &FieldError{Field: path, Message: fmt.Sprintf(format, args...)}
	}
	names := strings.Split(path, ".")
	for i, name := range names {
		d := message.Fields().ByName(protoreflect.Name(name))
		if d == nil {
			d = message.Fields().ByJSONName(name)
		}
		switch last := i == len(names)-1; {
		case d == nil:
			return refuse("is not in %s", message.FullName())
		case d.IsList(), d.IsMap():
			return refuse("is repeated in %s; a key is one value", message.FullName())
		case last && (d.Message() != nil || d.Kind() == protoreflect.FloatKind || d.Kind() == protoreflect.DoubleKind):
			return refuse("is a %s in %s; a key is a text, bytes, an integer, an enum or a bool", d.Kind(), message.FullName())
		case !last && d.Kind() != protoreflect.MessageKind:
			return refuse("goes through %s, which is no message in %s", name, message.FullName())
		case !last:
			message = d.Message()
		}
		f.path, f.kind = append(f.path, d.Number()), d.Kind()
	}
	return f, nil
}

// of returns the value in a message; "" when it has none, or an empty or zero one. Bytes that are no message have none: the
// backend will say so.
func (f *field) of(data mem.BufferSlice) string {
	switch len(data) {
	case 0:
		return ""
	case 1:
		value, _ := f.find(data[0].ReadOnlyData(), f.path)
		return f.text(value)
	}
	whole := data.MaterializeToBuffer(buffers.Pool)
	defer whole.Free()
	value, _ := f.find(whole.ReadOnlyData(), f.path)
	return f.text(value)
}

// find returns the bytes of the value at a path: of several occurrences the last counts, and messages that occur several times are
// one.
//
// https://protobuf.dev/programming-guides/encoding/#last-one-wins
func (f *field) find(b []byte, path []protowire.Number) (value []byte, found bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return nil, false
		}
		whole := b[:n]
		b = b[n:]
		if number != path[0] || kind != f.wireType(len(path) > 1) {
			continue
		}
		if kind == protowire.BytesType {
			whole, _ = protowire.ConsumeBytes(whole)
		}
		if len(path) == 1 {
			value, found = whole, true
			continue
		}
		if inner, ok := f.find(whole, path[1:]); ok {
			value, found = inner, true
		}
	}
	return value, found
}

// wireType is the wire type of a field of the path, or of the value itself.
func (f *field) wireType(message bool) protowire.Type {
	switch {
	case message, f.kind == protoreflect.StringKind, f.kind == protoreflect.BytesKind:
		return protowire.BytesType
	case f.kind == protoreflect.Fixed32Kind, f.kind == protoreflect.Sfixed32Kind:
		return protowire.Fixed32Type
	case f.kind == protoreflect.Fixed64Kind, f.kind == protoreflect.Sfixed64Kind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// text returns a value as a key.
func (f *field) text(value []byte) string {
	var n uint64
	switch f.wireType(false) {
	case protowire.BytesType:
		return string(value)
	case protowire.Fixed32Type:
		if len(value) == 4 {
			n = uint64(binary.LittleEndian.Uint32(value))
		}
	case protowire.Fixed64Type:
		if len(value) == 8 {
			n = binary.LittleEndian.Uint64(value)
		}
	default:
		n, _ = protowire.ConsumeVarint(value)
	}
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
