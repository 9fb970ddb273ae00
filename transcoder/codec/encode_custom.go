// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import "math"

// Tags of the fields of well-known types.
const (
	tag1Varint = 1<<wireBits | uint64(0)
	tag2Varint = 2<<wireBits | uint64(0)
	tag1Bytes  = 1<<wireBits | uint64(2)
	tag2Bytes  = 2<<wireBits | uint64(2)

	tagNullValue   = 1<<wireBits | uint64(0)
	tagNumberValue = 2<<wireBits | uint64(1)
	tagStringValue = 3<<wireBits | uint64(2)
	tagBoolValue   = 4<<wireBits | uint64(0)
	tagStructValue = 5<<wireBits | uint64(2)
	tagListValue   = 6<<wireBits | uint64(2)
)

// custom appends the JSON of a well-known type, given in segments.
func (e *encoder) custom(dst []byte, m *Message, lo, hi, depth int) []byte {
	switch m.form {
	case formAny:
		return e.any(dst, m, lo, hi, depth)
	case formTimestamp, formDuration:
		return e.time(dst, m, lo, hi, depth)
	case formFieldMask:
		return e.fieldMask(dst, m, lo, hi, depth)
	case formStruct:
		return e.structure(dst, m, lo, hi, depth)
	case formList:
		return e.list(dst, m, lo, hi, depth)
	case formValue:
		return e.value(dst, m, lo, hi, depth)
	default:
		return e.wrapper(dst, m, lo, hi, depth)
	}
}

// next reads the tag at i and skips what follows unless the tag is one of those that the caller knows. It gives the
// tag, 0 for what was skipped, and the index after it.
func (e *encoder) next(m *Message, b []byte, i, depth int, known ...uint64) (uint64, int) {
	tag, i := uvarint(b, i)
	if i >= 0 {
		for _, k := range known {
			if tag == k {
				return tag, i
			}
		}
		i = e.skip(b, i, tag, depth)
	}
	if i < 0 {
		e.malformed(m, i)
		return 0, len(b)
	}
	return 0, i
}

func (e *encoder) time(dst []byte, m *Message, lo, hi, depth int) []byte {
	var seconds, nanos uint64
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			tag, i = e.next(m, b, i, depth, tag1Varint, tag2Varint)
			switch tag {
			case tag1Varint:
				seconds, i = uvarint(b, i)
			case tag2Varint:
				nanos, i = uvarint(b, i)
			}
			if i < 0 {
				e.malformed(m, i)
			}
			if e.stop {
				return dst
			}
		}
	}
	var ok bool
	if m.form == formTimestamp {
		dst, ok = appendTimestamp(dst, int64(seconds), int32(nanos))
	} else {
		dst, ok = appendDuration(dst, int64(seconds), int32(nanos))
	}
	if !ok {
		e.fail(KindRange, "a "+string(m.desc.FullName())+" is out of range")
	}
	return dst
}

func (e *encoder) wrapper(dst []byte, m *Message, lo, hi, depth int) []byte {
	f := &m.fields[0]
	var in []byte
	at := -1
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			tag, i = e.next(m, b, i, depth, f.tag)
			if tag == f.tag {
				in, at = b, i
				if i = e.skip(b, i, tag, depth); i < 0 {
					e.malformed(m, i)
				}
			}
			if e.stop {
				return dst
			}
		}
	}
	if at < 0 {
		return e.zero(dst, f)
	}
	dst, _, _ = e.scalar(dst, f, in, at)
	return dst
}

func (e *encoder) fieldMask(dst []byte, m *Message, lo, hi, depth int) []byte {
	dst = append(dst, '"')
	first := true
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			tag, i = e.next(m, b, i, depth, tag1Bytes)
			if e.stop {
				return dst
			}
			if tag == 0 {
				continue
			}
			start, end := delimited(b, i)
			if end < 0 {
				e.malformed(m, end)
				return dst
			}
			i = end
			dst = roomy(dst, elementRoom)
			if !first {
				dst = append(dst, ',')
			}
			first = false
			var ok bool
			if dst, ok = appendMaskPath(dst, b[start:end]); !ok {
				e.fail(KindValue, "a path of a field mask has no JSON form")
				return dst
			}
		}
	}
	return append(dst, '"')
}

func (e *encoder) structure(dst []byte, m *Message, lo, hi, depth int) []byte {
	f := &m.fields[0]
	base := len(e.entries)
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			if tag, i = e.next(m, b, i, depth, f.tag); tag != 0 {
				i = e.collect(f, b, i, depth, base)
			}
			if e.stop {
				return dst
			}
		}
	}
	dst = e.mapping(dst, f, base, depth)
	if !e.stop {
		e.entries = e.entries[:base]
	}
	return dst
}

func (e *encoder) list(dst []byte, m *Message, lo, hi, depth int) []byte {
	f := &m.fields[0]
	start, n := len(dst), 0
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			if tag, i = e.next(m, b, i, depth, f.tag); tag != 0 {
				dst, i, n = e.run(dst, f, b, i, tag, depth, n)
			}
			if e.stop {
				return dst
			}
		}
	}
	return closeArray(dst, start)
}

// value appends a google.protobuf.Value: of the members of its oneof the last counts, and if that is a message, with all
// records of it since another member was set.
func (e *encoder) value(dst []byte, m *Message, lo, hi, depth int) []byte {
	base := len(e.segments)
	set := uint64(0)
	var bits uint64
	var text segment
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			tag, i = e.next(m, b, i, depth, tagNullValue, tagNumberValue, tagStringValue, tagBoolValue, tagStructValue, tagListValue)
			if e.stop {
				return dst
			}
			start := 0
			switch tag {
			case 0:
				continue
			case tagNullValue, tagBoolValue:
				bits, i = uvarint(b, i)
			case tagNumberValue:
				bits, i = fixed64(b, i)
			default:
				start, i = delimited(b, i)
			}
			if i < 0 {
				e.malformed(m, i)
				return dst
			}
			if tag != set {
				e.segments = e.segments[:base]
			}
			set = tag
			switch tag {
			case tagStringValue:
				text = segment{uint32(start), uint32(i)}
			case tagStructValue, tagListValue:
				e.push(base, start, i)
			}
		}
	}
	switch set {
	case tagNullValue:
		return append(dst, "null"...)
	case tagBoolValue:
		return e.number(dst, &m.fields[3], bits)
	case tagNumberValue:
		if v := math.Float64frombits(bits); math.IsNaN(v) || math.IsInf(v, 0) {
			e.fail(KindRange, "a google.protobuf.Value holds a number that JSON does not have")
			return dst
		}
		return e.number(dst, &m.fields[1], bits)
	case tagStringValue:
		dst, ok := appendText(dst, e.in[text.start:text.end])
		if !ok {
			e.badUTF8()
		}
		return dst
	case tagStructValue, tagListValue:
		f := &m.fields[set>>wireBits-1]
		dst = e.mergedMessage(dst, f.message, base, len(e.segments), depth-1)
		if !e.stop {
			e.segments = e.segments[:base]
		}
		return dst
	default:
		e.fail(KindWire, "a google.protobuf.Value holds nothing")
		return dst
	}
}

// any appends an Any as its type and the fields of the message in it, or the JSON of that as value.
func (e *encoder) any(dst []byte, m *Message, lo, hi, depth int) []byte {
	var url, content segment
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			var tag uint64
			tag, i = e.next(m, b, i, depth, tag1Bytes, tag2Bytes)
			if e.stop {
				return dst
			}
			if tag == 0 {
				continue
			}
			start, end := delimited(b, i)
			if end < 0 {
				e.malformed(m, end)
				return dst
			}
			i = end
			if tag == tag1Bytes {
				url = segment{uint32(start), uint32(end)}
			} else {
				content = segment{uint32(start), uint32(end)}
			}
		}
	}
	if url.start == url.end {
		if content.start == content.end {
			return append(dst, '{', '}')
		}
		e.fail(KindAnyType, "a google.protobuf.Any has a value and no type")
		return dst
	}
	start := len(dst)
	dst = append(dst, `,"@type":`...)
	dst, ok := appendText(dst, e.in[url.start:url.end])
	if !ok {
		e.badUTF8()
		return dst
	}
	in := m.codec.byURL(e.in[url.start:url.end])
	switch {
	case in == nil:
		return e.unknownAny(dst, start, url, content)
	case in.form.custom():
		dst = append(dst, `,"value":`...)
		dst = e.message(dst, in, e.in[:content.end], int(content.start), depth-1)
		if e.stop {
			return dst
		}
		return closeObject(dst, start)
	case in.err != nil:
		e.schema(in)
		return dst
	case depth <= 1:
		e.tooDeep(m)
		return dst
	default:
		return e.object(dst, start, in, e.in[:content.end], int(content.start), depth-1)
	}
}

func (e *encoder) unknownAny(dst []byte, start int, url, content segment) []byte {
	if e.o.RefuseUnknownAny {
		name := show(e.in[url.start:url.end])
		e.fail(KindAnyType, "a google.protobuf.Any is of type "+name+", which is not in the schema")
		return dst
	}
	if e.o.OnUnknownAny != nil {
		e.unknown = append(roomy(e.unknown, 1), url)
	}
	dst = append(dst, `,"value":`...)
	dst = appendBase64(dst, e.in[content.start:content.end])
	return closeObject(dst, start)
}
