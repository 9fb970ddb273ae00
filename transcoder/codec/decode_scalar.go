// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar appends the value at p of a field that is no message, without a tag, and tells whether it is the zero of its kind.
func (d *decoder) scalar(dst []byte, p int, f *Field) (_ []byte, after int, zero bool) {
	switch f.kind {
	default: // an integer: see below
	case protoreflect.StringKind:
		s, p := d.str(p)
		if p < 0 {
			return dst, p, false
		}
		dst = appendVarint(dst, uint64(len(s)))
		return append(dst, s...), p, len(s) == 0
	case protoreflect.BytesKind:
		start := p
		s, p := d.str(p)
		if p < 0 {
			return dst, p, false
		}
		at := len(dst)
		dst, ok := appendDecoded(append(dst, 0), s)
		if !ok {
			return dst, d.fail(KindBase64, start, show(s)+" is not base64"), false
		}
		return closeLength(dst, at), p, len(s) == 0
	case protoreflect.BoolKind:
		switch d.at(p) {
		case 't':
			return append(dst, 1), d.literal(p, "true"), false
		case 'f':
			return append(dst, 0), d.literal(p, "false"), true
		}
		return dst, d.wrongType(p, "true or false"), false
	case protoreflect.EnumKind:
		n, p := d.enum(p, f)
		return appendVarint(dst, uint64(int64(n))), p, n == 0
	case protoreflect.DoubleKind:
		v, p := d.float(p, f, 64)
		b := math.Float64bits(v)
		return binary.LittleEndian.AppendUint64(dst, b), p, b == 0
	case protoreflect.FloatKind:
		v, p := d.float(p, f, 32)
		b := math.Float32bits(float32(v))
		return binary.LittleEndian.AppendUint32(dst, b), p, b == 0
	}
	start := p
	neg, v, p := d.integer(p, f)
	if p < 0 {
		return dst, p, false
	}
	dst, ok := appendInteger(dst, f.kind, neg, v)
	if !ok {
		s, _ := d.numeral(start, "")
		return dst, d.fail(KindRange, start, show(s)+" is out of the range of "+kindName(f)), false
	}
	return dst, p, v == 0
}

// appendInteger appends a number as the kind has it on the wire; false if it is out of range.
func appendInteger(dst []byte, k protoreflect.Kind, neg bool, v uint64) ([]byte, bool) {
	signed, most, unsigned := int64(v), uint64(math.MaxInt64), false
	if neg {
		signed = -signed
	}
	switch k {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		most = math.MaxInt32
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		most, unsigned = math.MaxUint32, true
	default:
		most, unsigned = math.MaxUint64, true
	}
	switch {
	case neg && unsigned:
		most = 0
	case neg:
		most++ // there is one more below zero than above
	}
	if v > most {
		return dst, false
	}
	switch k {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return appendVarint(dst, protowire.EncodeZigZag(signed)), true
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		return binary.LittleEndian.AppendUint32(dst, uint32(signed)), true
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return binary.LittleEndian.AppendUint64(dst, uint64(signed)), true
	default:
		return appendVarint(dst, uint64(signed)), true
	}
}

// enum reads the enum value at p, by name or number.
func (d *decoder) enum(p int, f *Field) (int32, int) {
	c := d.at(p)
	switch {
	case c == '"':
		s, after := d.str(p)
		if after < 0 {
			return 0, after
		}
		n, ok := f.enum.number(s, d.o)
		if !ok {
			return 0, d.fail(KindEnum, p, show(s)+" is not a value of "+kindName(f))
		}
		return n, after
	case c == 'n' && f.enum.null:
		return 0, d.literal(p, "null")
	case c == '-' || isDigit(c):
		neg, v, after := d.integer(p, f)
		if after < 0 {
			return 0, after
		}
		n, ok := f.enum.value(neg, v)
		if !ok {
			s, _ := d.numeral(p, "")
			return 0, d.fail(KindEnum, p, show(s)+" is not a value of "+kindName(f))
		}
		return n, after
	default:
		return 0, d.wrongType(p, "a name or number of "+kindName(f))
	}
}
