// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// AppendText appends a record for the text of a path variable or query parameter: one element if the field is
// repeated. Scalars, enums and the messages that have the JSON form of a scalar (Timestamp, Duration, FieldMask and the
// wrappers) have a text form; for others the error is of KindUnsupported. The default of a scalar is written too, so that
// the record overrides what came before it; other records are as AppendWire writes them.
func (f *Field) AppendText(dst []byte, text string, o *DecodeOptions) ([]byte, error) {
	d := newDecoder(f.parent.codec, nil, o)
	defer d.free()
	d.text = append(d.text[:0], text...)
	if f.shape == mapping {
		return dst, f.textError(KindUnsupported, "a map has no text form")
	}
	out, kind := d.textField(dst, d.text, f)
	if kind != 0 {
		return dst, f.refuse(kind, d.text, f)
	}
	return out, nil
}

// AppendMapEntry appends one entry of a map field, its key and value given as text. Each key has one spelling, so
// duplicates can be told by comparing the text.
func (f *Field) AppendMapEntry(dst []byte, key, value string, o *DecodeOptions) ([]byte, error) {
	if f.shape != mapping {
		return dst, f.textError(KindUnsupported, "the field is not a map")
	}
	d := newDecoder(f.parent.codec, nil, o)
	defer d.free()
	d.text = append(d.text[:0], key...)
	out := append(f.appendTag(dst), 0)
	at := len(out) - 1
	ok := utf8.Valid(d.text)
	if ok {
		out, ok = appendKey(f.mapKey.appendTag(out), d.text, f.mapKey)
	}
	if !ok {
		return dst, f.textError(KindValue, show(d.text)+" is not a key of type "+f.mapKey.kind.String())
	}
	d.text = append(d.text[:0], value...)
	out, kind := d.textField(out, d.text, f.mapVal)
	if kind != 0 {
		err := f.refuse(kind, d.text, f.mapVal)
		err.Path += "[" + show([]byte(key)) + "]"
		return dst, err
	}
	return closeLength(out, at), nil
}

func (f *Field) textError(kind Kind, message string) *Error {
	return &Error{Kind: kind, Path: f.jsonName, Offset: -1, Message: message}
}

// refuse tells what is wrong with the text of a value of v, which is f or the value of f.
func (f *Field) refuse(kind Kind, text []byte, v *Field) *Error {
	switch kind {
	case KindUnsupported:
		return f.textError(kind, kindName(v)+" has no text form")
	case KindRange:
		return f.textError(kind, show(text)+" is out of the range of "+kindName(v))
	case KindUTF8:
		return f.textError(kind, show(text)+" is not UTF-8")
	case KindBase64:
		return f.textError(kind, show(text)+" is not base64")
	default:
		return f.textError(kind, show(text)+" is not a value of "+kindName(v))
	}
}

// textField appends a record of a field for its text; the kind tells what is wrong with that.
func (d *decoder) textField(dst, s []byte, f *Field) ([]byte, Kind) {
	dst = f.appendTag(dst)
	if f.message == nil && !f.packed {
		return d.textScalar(dst, s, f)
	}
	at := len(dst)
	if f.wireType != startType {
		dst = append(dst, 0)
	}
	var kind Kind
	if f.message != nil {
		dst, kind = d.textMessage(dst, s, f.message)
	} else {
		dst, kind = d.textScalar(dst, s, f)
	}
	if f.wireType == startType {
		return appendVarint(dst, f.tag+1), kind
	}
	return closeLength(dst, at), kind
}

func (d *decoder) textMessage(dst, s []byte, m *Message) ([]byte, Kind) {
	switch m.form {
	case formTimestamp, formDuration:
		return appendTime(dst, s, m.form)
	case formFieldMask:
		return appendMask(dst, s, true)
	case formWrapper:
		f := &m.fields[0]
		mark := len(dst)
		dst, kind := d.textScalar(f.appendTag(dst), s, f)
		if isZero(dst[mark+1:]) {
			dst = dst[:mark] // as from JSON: the message alone gives presence
		}
		return dst, kind
	default:
		return dst, KindUnsupported
	}
}

// textScalar appends the value of a field that is no message, without a tag.
func (d *decoder) textScalar(dst, s []byte, f *Field) ([]byte, Kind) {
	switch f.kind {
	default: // an integer: see below
	case protoreflect.StringKind:
		if !utf8.Valid(s) {
			return dst, KindUTF8
		}
		dst = appendVarint(dst, uint64(len(s)))
		return append(dst, s...), 0
	case protoreflect.BytesKind:
		at := len(dst)
		dst, ok := appendDecoded(append(dst, 0), s)
		if !ok {
			return dst, KindBase64
		}
		return closeLength(dst, at), 0
	case protoreflect.BoolKind:
		switch string(s) {
		case "true":
			return append(dst, 1), 0
		case "false":
			return append(dst, 0), 0
		}
		return dst, KindType
	case protoreflect.EnumKind:
		return d.textEnum(dst, s, f)
	case protoreflect.DoubleKind:
		v, kind := textFloat(s, 64)
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v)), kind
	case protoreflect.FloatKind:
		v, kind := textFloat(s, 32)
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v))), kind
	}
	if !isDecimal(s) {
		return dst, KindType
	}
	neg, v, ok := decimal(s)
	if ok {
		dst, ok = appendInteger(dst, f.kind, neg, v)
	}
	if !ok {
		return dst, KindRange
	}
	return dst, 0
}

func (d *decoder) textEnum(dst, s []byte, f *Field) ([]byte, Kind) {
	if n, ok := f.enum.number(s, d.o); ok {
		return appendVarint(dst, uint64(int64(n))), 0
	}
	neg, v, ok := decimal(s)
	if !ok {
		return dst, KindEnum
	}
	n, ok := f.enum.value(neg, v)
	if !ok {
		return dst, KindEnum
	}
	return appendVarint(dst, uint64(int64(n))), 0
}

func textFloat(s []byte, bits int) (float64, Kind) {
	switch string(s) {
	case "NaN":
		return math.NaN(), 0
	case "Infinity":
		return math.Inf(1), 0
	case "-Infinity":
		return math.Inf(-1), 0
	}
	if len(s) == 0 || numberEnd(s, 0) != len(s) {
		return 0, KindType
	}
	v, ok := floatOf(s, bits)
	if !ok {
		return 0, KindRange
	}
	return v, 0
}

// isZero tells whether the value of a field, as it is on the wire, is the zero of its kind.
func isZero(value []byte) bool {
	for _, b := range value {
		if b != 0 {
			return false
		}
	}
	return true
}
