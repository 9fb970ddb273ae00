// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// field finds a field of a message in its wire bytes, without building the message.
type field struct {
	path    string
	numbers []protowire.Number
	kind    protoreflect.Kind
	zero    bool // the field may hold its zero value; else that is the same as not being there
}

// newField finds a path of fields in a message. The last must hold one value, and those before it one message each.
func newField(d protoreflect.MessageDescriptor, path string) (*field, error) {
	f := &field{path: path}
	names := strings.Split(path, ".")
	for i, name := range names {
		fd := d.Fields().ByName(protoreflect.Name(name))
		switch {
		case fd == nil:
			return nil, fmt.Errorf("%s has no field %q", d.FullName(), name)
		case fd.IsList() || fd.IsMap():
			return nil, fmt.Errorf("field %s of %s has more than one value", name, d.FullName())
		case i < len(names)-1 && (fd.Message() == nil || fd.Kind() == protoreflect.GroupKind):
			return nil, fmt.Errorf("field %s of %s is no message", name, d.FullName())
		case i == len(names)-1 && fd.Message() != nil:
			return nil, fmt.Errorf("field %s of %s is a message; a field of it must be named", name, d.FullName())
		}
		f.numbers = append(f.numbers, fd.Number())
		f.kind, f.zero = fd.Kind(), fd.HasPresence()
		d = fd.Message()
	}
	return f, nil
}

// append adds the value, with its length before it; it is false where the message does not have the field, or is broken, which is told
// elsewhere. One value has one form, however it stands on the wire: the key of a call cannot be split by how numbers are written.
func (f *field) append(dst, message []byte) ([]byte, bool) {
	value, number, ok := find(message, f.numbers, f.kind)
	if !ok || !f.zero && len(value) == 0 && number == 0 {
		return dst, false
	}
	if f.kind == protoreflect.StringKind || f.kind == protoreflect.BytesKind {
		return appendBytes(dst, value), true
	}
	return binary.BigEndian.AppendUint64(append(dst, 8), number), true
}

// find returns the last value of a field: where a message has a field twice, the last counts, and messages are merged.
func find(message []byte, numbers []protowire.Number, kind protoreflect.Kind) (value []byte, number uint64, ok bool) {
	for len(message) > 0 {
		num, t, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, 0, false
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(num, t, message)
		if size < 0 {
			return nil, 0, false
		}
		data := message[:size]
		message = message[size:]
		if num != numbers[0] {
			continue
		}
		if len(numbers) > 1 {
			if t != protowire.BytesType {
				continue
			}
			inner, _ := protowire.ConsumeBytes(data)
			if v, w, found := find(inner, numbers[1:], kind); found {
				value, number, ok = v, w, true
			}
			continue
		}
		if v, w, found := scalar(data, t, kind); found {
			value, number, ok = v, w, true
		}
	}
	return value, number, ok
}

// scalar reads a value as its kind does. A value of another type on the wire is an unknown field.
func scalar(data []byte, t protowire.Type, kind protoreflect.Kind) (value []byte, number uint64, ok bool) {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		if t != protowire.BytesType {
			return nil, 0, false
		}
		value, _ = protowire.ConsumeBytes(data)
		return value, 0, true
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		if t != protowire.Fixed32Type {
			return nil, 0, false
		}
		v, _ := protowire.ConsumeFixed32(data)
		return nil, uint64(v), true
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		if t != protowire.Fixed64Type {
			return nil, 0, false
		}
		v, _ := protowire.ConsumeFixed64(data)
		return nil, v, true
	default:
	}
	if t != protowire.VarintType {
		return nil, 0, false
	}
	v, _ := protowire.ConsumeVarint(data)
	switch kind {
	case protoreflect.BoolKind:
		v = protowire.EncodeBool(protowire.DecodeBool(v))
	case protoreflect.Int32Kind, protoreflect.EnumKind, protoreflect.Uint32Kind, protoreflect.Sint32Kind:
		v = uint64(uint32(v)) // what is above is cut off
	default:
	}
	return nil, v, true
}

// text is the value as people write it; bytes as base64. A text may have bytes that are not UTF-8.
func (f *field) text(message []byte) (string, bool) {
	value, number, ok := find(message, f.numbers, f.kind)
	if !ok || !f.zero && len(value) == 0 && number == 0 {
		return "", false
	}
	switch f.kind {
	case protoreflect.StringKind:
		return string(value), true
	case protoreflect.BytesKind:
		return base64.StdEncoding.EncodeToString(value), true
	case protoreflect.BoolKind:
		return strconv.FormatBool(number != 0), true
	case protoreflect.Int32Kind, protoreflect.EnumKind, protoreflect.Sfixed32Kind:
		return strconv.FormatInt(int64(int32(number)), 10), true //nolint:gosec // what is above is cut off
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return strconv.FormatInt(int64(number), 10), true //nolint:gosec // the bits are the number
	case protoreflect.Sint32Kind:
		return strconv.FormatInt(int64(int32(protowire.DecodeZigZag(number))), 10), true //nolint:gosec // what is above is cut off
	case protoreflect.Sint64Kind:
		return strconv.FormatInt(protowire.DecodeZigZag(number), 10), true
	case protoreflect.FloatKind:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(number))), 'g', -1, 32), true //nolint:gosec // it has 32 bits
	case protoreflect.DoubleKind:
		return strconv.FormatFloat(math.Float64frombits(number), 'g', -1, 64), true
	default:
		return strconv.FormatUint(number, 10), true
	}
}
