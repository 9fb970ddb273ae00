// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"encoding/binary"
	"math"
)

// custom appends the content of a well-known type from its JSON.
func (d *decoder) custom(dst []byte, p int, m *Message, depth int) ([]byte, int) {
	switch m.form {
	case formAny:
		return d.any(dst, p, m, depth)
	case formTimestamp, formDuration:
		start := p
		s, p := d.str(p)
		if p < 0 {
			return dst, p
		}
		dst, kind := appendTime(dst, s, m.form)
		return dst, d.refuse(start, p, kind, s, m)
	case formFieldMask:
		start := p
		s, p := d.str(p)
		if p < 0 {
			return dst, p
		}
		dst, kind := appendMask(dst, bytes.TrimSpace(s), false)
		return dst, d.refuse(start, p, kind, s, m)
	case formStruct:
		return d.mapping(dst, p, &m.fields[0], depth)
	case formList:
		return d.list(dst, p, &m.fields[0], depth)
	case formValue:
		return d.value(dst, p, m, depth)
	default:
		f := &m.fields[0]
		mark := len(dst)
		dst, p, zero := d.scalar(f.appendTag(dst), p, f)
		if zero {
			dst = dst[:mark]
		}
		return dst, p
	}
}

// refuse fails with a kind, if there is one, for the text of a well-known type.
func (d *decoder) refuse(start, p int, kind Kind, s []byte, m *Message) int {
	if kind == 0 {
		return p
	}
	return d.fail(kind, start, show(s)+" is not a value of "+string(m.desc.FullName()))
}

// appendTime appends the content of a Timestamp or Duration from its text; the kind tells what is wrong with that.
func appendTime(dst, s []byte, form form) ([]byte, Kind) {
	var seconds int64
	var nanos int32
	var ok, inRange bool
	if form == formTimestamp {
		seconds, nanos, ok = parseTimestamp(s)
		inRange = seconds >= minTimestamp && seconds <= maxTimestamp
	} else {
		seconds, nanos, ok = parseDuration(s)
		inRange = seconds >= -maxDuration && seconds <= maxDuration
	}
	switch {
	case !ok:
		return dst, KindValue
	case !inRange:
		return dst, KindRange
	}
	if seconds != 0 {
		dst = appendVarint(append(dst, byte(tag1Varint)), uint64(seconds))
	}
	if nanos != 0 {
		dst = appendVarint(append(dst, byte(tag2Varint)), uint64(int64(nanos)))
	}
	return dst, 0
}

// appendMask appends the content of a FieldMask from its paths with commas between them.
func appendMask(dst, s []byte, underscores bool) ([]byte, Kind) {
	for len(s) > 0 {
		n := 0
		for n < len(s) && s[n] != ',' {
			n++
		}
		dst = append(roomy(dst, elementRoom), byte(tag1Bytes), 0)
		at := len(dst) - 1
		var ok bool
		if dst, ok = appendSnakePath(dst, s[:n], underscores); !ok {
			return dst, KindValue
		}
		dst = closeLength(dst, at)
		if n == len(s) {
			break
		}
		if s = s[n+1:]; len(s) == 0 {
			return dst, KindValue // a comma at the end
		}
	}
	return dst, 0
}

// value appends the content of a google.protobuf.Value.
func (d *decoder) value(dst []byte, p int, m *Message, depth int) ([]byte, int) {
	switch c := d.at(p); {
	case c == '"':
		s, p := d.str(p)
		if p < 0 {
			return dst, p
		}
		dst = appendVarint(append(dst, byte(tagStringValue)), uint64(len(s)))
		return append(dst, s...), p
	case c == '-' || isDigit(c):
		end := numberEnd(d.in, p)
		if end < 0 {
			return dst, d.syntax(p, "a JSON value")
		}
		v, ok := floatOf(d.in[p:end], 64)
		if !ok {
			return dst, d.fail(KindRange, p, show(d.in[p:end])+" is out of the range of double")
		}
		return binary.LittleEndian.AppendUint64(append(dst, byte(tagNumberValue)), math.Float64bits(v)), end
	case c == '{':
		return d.submessage(dst, p, &m.fields[4], depth, nil)
	case c == '[':
		return d.submessage(dst, p, &m.fields[5], depth, nil)
	case c == 't':
		return append(dst, byte(tagBoolValue), 1), d.literal(p, "true")
	case c == 'f':
		return append(dst, byte(tagBoolValue), 0), d.literal(p, "false")
	case c == 'n':
		return append(dst, byte(tagNullValue), 0), d.literal(p, "null")
	default:
		return dst, d.syntax(p, "a JSON value")
	}
}
