// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/base64"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar appends the value at i of a field that is no message, and gives the index after it and whether it is the zero
// of its kind.
func (e *encoder) scalar(dst []byte, f *Field, b []byte, i int) ([]byte, int, bool) {
	var v uint64
	switch f.kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		start, end := delimited(b, i)
		if end < 0 {
			e.malformed(f.parent, end)
			return dst, i, false
		}
		s := b[start:end]
		if f.kind == protoreflect.BytesKind {
			return appendBase64(dst, s), end, len(s) == 0
		}
		var ok bool
		if dst, ok = appendText(dst, s); !ok {
			e.badUTF8()
		}
		return dst, end, len(s) == 0
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		v, i = fixed64(b, i)
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		var w uint32
		w, i = fixed32(b, i)
		v = uint64(w)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.EnumKind:
		v, i = uvarint(b, i)
		v = uint64(uint32(v))
	default:
		v, i = uvarint(b, i)
	}
	if i < 0 {
		e.malformed(f.parent, i)
		return dst, i, false
	}
	return e.number(dst, f, v), i, v == 0
}

func (e *encoder) badUTF8() {
	e.fail(KindUTF8, "a string is not UTF-8")
}

// number appends a value that is held in 64 bits, as they are on the wire.
func (e *encoder) number(dst []byte, f *Field, v uint64) []byte {
	switch f.kind {
	case protoreflect.BoolKind:
		if v != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case protoreflect.EnumKind:
		return e.enum(dst, f.enum, int32(v))
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return strconv.AppendInt(dst, int64(int32(v)), 10)
	case protoreflect.Sint32Kind:
		return strconv.AppendInt(dst, int64(int32(protowire.DecodeZigZag(v&math.MaxUint32))), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, uint64(uint32(v)), 10)
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return e.int64(dst, int64(v))
	case protoreflect.Sint64Kind:
		return e.int64(dst, protowire.DecodeZigZag(v))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if e.o.Int64Numbers {
			return strconv.AppendUint(dst, v, 10)
		}
		dst = append(dst, '"')
		dst = strconv.AppendUint(dst, v, 10)
		return append(dst, '"')
	case protoreflect.FloatKind:
		return appendFloat(dst, float64(math.Float32frombits(uint32(v))), 32)
	default: // double
		return appendFloat(dst, math.Float64frombits(v), 64)
	}
}

func (e *encoder) int64(dst []byte, v int64) []byte {
	if e.o.Int64Numbers {
		return strconv.AppendInt(dst, v, 10)
	}
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, v, 10)
	return append(dst, '"')
}

func (e *encoder) enum(dst []byte, t *enumTable, n int32) []byte {
	if t.null {
		return append(dst, "null"...)
	}
	if !e.o.EnumNumbers {
		which := 0
		if e.o.StripEnumPrefix {
			which = 1
		}
		if name := t.name(n, which); name != "" {
			return append(dst, name...)
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// zero appends the default of a field that has no presence.
func (e *encoder) zero(dst []byte, f *Field) []byte {
	switch {
	case f.shape == list:
		return append(dst, "[]"...)
	case f.shape == mapping:
		return append(dst, "{}"...)
	case f.kind == protoreflect.StringKind || f.kind == protoreflect.BytesKind:
		return append(dst, `""`...)
	case f.kind == protoreflect.EnumKind:
		return e.enum(dst, f.enum, int32(f.desc.Default().Enum()))
	case f.message != nil:
		return append(dst, "null"...)
	default:
		return e.number(dst, f, 0)
	}
}

func appendBase64(dst, s []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, s)
	return append(dst, '"')
}

// appendFloat appends a number as encoding/json does: shortest, and with an exponent only if very large or small.
func appendFloat(dst []byte, v float64, bits int) []byte {
	if n, ok := thousandths(v, bits); ok {
		return appendThousandths(dst, n)
	}
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	dst = strconv.AppendFloat(dst, v, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 to e-9
		dst = dst[:n-1]
	}
	return dst
}

// thousandths gives n if v, which is not zero, is what the quotient n/1000 rounds to.
//
// Most numbers that people write have up to three decimals, and then the digits of n are the shortest form of v, since no
// two decimals of up to 15 digits round to one double, and of up to 6 digits to one float.
func thousandths(v float64, bits int) (int64, bool) {
	most := 1e12
	if bits == 32 {
		most = 1e6
	}
	d := v * 1000
	if v == 0 || !(-most < d && d < most) { // a NaN is not in between
		return 0, false
	}
	n := int64(d + math.Copysign(0.5, d))
	if bits == 32 {
		return n, float32(float64(n)/1000) == float32(v)
	}
	return n, float64(n)/1000 == v
}

// appendThousandths appends n/1000, which is not zero, without needless zeros.
func appendThousandths(dst []byte, n int64) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendInt(dst, n/1000, 10)
	r := n % 1000
	switch {
	case r == 0:
		return dst
	case r%100 == 0:
		return append(dst, '.', byte('0'+r/100))
	case r%10 == 0:
		return append(dst, '.', byte('0'+r/100), byte('0'+r/10%10))
	default:
		return append(dst, '.', byte('0'+r/100), byte('0'+r/10%10), byte('0'+r%10))
	}
}

func itoa(i int) string { return strconv.Itoa(i) }

func appendUint(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, v, 10) }
