// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message appends the JSON of a message whose records lie from i to the end of b, which is the front of the input.
// depth is how many messages may still be opened.
func (e *encoder) message(dst []byte, m *Message, b []byte, i, depth int) []byte {
	if depth <= 0 {
		e.tooDeep(m)
		return dst
	}
	if m.err != nil {
		e.schema(m)
		return dst
	}
	if m.form.custom() {
		base := len(e.segments)
		e.segments = append(e.segments, segment{uint32(i), uint32(len(b))})
		dst = e.custom(dst, m, base, base+1, depth)
		if !e.stop {
			e.segments = e.segments[:base]
		}
		return dst
	}
	return e.object(dst, len(dst), m, b, i, depth)
}

func (e *encoder) schema(m *Message) {
	err := *m.err
	err.Wire = true
	e.stop, e.err = true, &err
}

// object appends the fields of a message and closes the object that starts at start. Each member is written with a comma
// before it; the first comma becomes the brace.
func (e *encoder) object(dst []byte, start int, m *Message, b []byte, i, depth int) []byte {
	if e.indexed || m.scattered || m.unordered.Load() {
		base := len(e.segments)
		e.segments = append(e.segments, segment{uint32(i), uint32(len(b))})
		dst = e.merged(dst, start, m, base, base+1, depth)
		if !e.stop {
			e.segments = e.segments[:base]
		}
		return dst
	}
	want := 0 // the first field that may still come
	var oneofs uint64
	for i < len(b) {
		tag := uint64(b[i])
		if i++; tag >= 0x80 { // uvarint, which is not inlined
			if tag, i = longVarint(b, i-1); i < 0 {
				e.malformed(m, i)
				return dst
			}
		}
		f := m.byNumber(tag >> wireBits)
		if f == nil || tag != f.tag && tag != f.packedTag {
			if f == nil && m.extendable && goodTag(tag) && m.extensionByNumber(protoreflect.FieldNumber(tag>>wireBits)) != nil {
				e.disorder(m) // extensions are written last, by name
				return dst
			}
			if i = e.skip(b, i, tag, depth); i < 0 {
				e.malformed(m, i)
				return dst
			}
			continue
		}
		index := int(f.index)
		if index < want {
			e.disorder(m)
			return dst
		}
		if f.oneof != 0 {
			bit := uint64(1) << (f.oneof - 1)
			if f.oneof > 64 || oneofs&bit != 0 {
				e.disorder(m)
				return dst
			}
			oneofs |= bit
		}
		if want < index && !e.omit {
			dst = e.absent(dst, m, want, index)
		}
		want = index + 1
		dst, i = e.field(dst, f, b, i, tag, depth)
		if e.stop {
			return dst
		}
	}
	if want < len(m.fields) && !e.omit {
		dst = e.absent(dst, m, want, len(m.fields))
	}
	return closeObject(dst, start)
}

func closeObject(dst []byte, start int) []byte {
	if len(dst) == start {
		return append(dst, '{', '}')
	}
	dst[start] = '{'
	return append(dst, '}')
}

func closeArray(dst []byte, start int) []byte {
	if len(dst) == start {
		return append(dst, '[', ']')
	}
	dst[start] = '['
	return append(dst, ']')
}

// field appends the member of a field whose value is at i, just behind its tag, and gives the index after what it read.
// It reads one record, or as many of a repeated field as follow each other.
func (e *encoder) field(dst []byte, f *Field, b []byte, i int, tag uint64, depth int) ([]byte, int) {
	mark := len(dst)
	dst = append(dst, f.key[e.which]...)
	var zero bool
	switch f.shape {
	case singular:
		if f.message != nil {
			dst, i = e.submessage(dst, f, b, i, depth)
			break
		}
		dst, i, zero = e.scalar(dst, f, b, i)
		zero = zero && !f.presence
	case list:
		start := len(dst)
		dst, i, _ = e.run(dst, f, b, i, tag, depth, 0)
		if e.stop {
			break
		}
		zero = len(dst) == start
		dst = closeArray(dst, start)
	default:
		base := len(e.entries)
		i = e.collect(f, b, i, depth, base)
		if e.stop {
			break
		}
		dst = e.mapping(dst, f, base, depth)
		if !e.stop {
			e.entries = e.entries[:base]
		}
	}
	if e.stop {
		e.within(f)
		return dst, i
	}
	if zero && e.omit || e.drops && e.dropped(f) {
		dst = dst[:mark]
	}
	return dst, i
}

// submessage appends the value of a message field, of which one record is at i.
func (e *encoder) submessage(dst []byte, f *Field, b []byte, i, depth int) ([]byte, int) {
	start, end, next := e.payload(f, b, i, depth)
	if end < 0 {
		return dst, end
	}
	return e.message(dst, f.message, b[:end], start, depth-1), next
}

// payload gives where the content of a message starts and ends, and the index after it.
func (e *encoder) payload(f *Field, b []byte, i, depth int) (start, end, next int) {
	if f.wireType == startType {
		start = i
		end, next = e.group(b, i, f.tag>>wireBits, depth)
	} else {
		start, end = delimited(b, i)
		next = end
	}
	if end < 0 {
		e.malformed(f.message, end)
	}
	return start, end, next
}

// run appends the elements of a list, each with a comma before it, as long as records of the field follow each other.
// n is how many elements there were before, and counts on.
func (e *encoder) run(dst []byte, f *Field, b []byte, i int, tag uint64, depth, n int) ([]byte, int, int) {
	for {
		dst = roomy(dst, elementRoom)
		switch {
		case f.message != nil:
			dst = append(dst, ',')
			dst, i = e.submessage(dst, f, b, i, depth)
			if e.stop {
				e.withinIndex(n)
				return dst, i, n
			}
			n++
		case tag == f.packedTag:
			var end int
			i, end = delimited(b, i)
			if end < 0 {
				e.malformed(f.parent, end)
				return dst, i, n
			}
			for i < end {
				dst = append(roomy(dst, elementRoom), ',')
				dst, i, _ = e.scalar(dst, f, b[:end], i)
				if e.stop {
					e.withinIndex(n)
					return dst, i, n
				}
				n++
			}
		default:
			dst = append(dst, ',')
			dst, i, _ = e.scalar(dst, f, b, i)
			if e.stop {
				e.withinIndex(n)
				return dst, i, n
			}
			n++
		}
		next, j := uint64(0), i
		if i < len(b) {
			next, j = uvarint(b, i)
		}
		if next != f.tag && next != f.packedTag || next == 0 || j < 0 {
			return dst, i, n
		}
		tag, i = next, j
	}
}

// absent appends what is written for the fields from index lo to hi, which have no value.
func (e *encoder) absent(dst []byte, m *Message, lo, hi int) []byte {
	for k := lo; k < hi; k++ {
		f := &m.fields[k]
		switch {
		case f.absent == absentNothing || e.drops && e.dropped(f):
		case f.absent == absentNull:
			if e.o.Defaults == DefaultsNull {
				dst = append(dst, f.key[e.which]...)
				dst = append(dst, "null"...)
			}
		case e.plain:
			dst = append(dst, f.zero[e.which]...)
		default:
			dst = append(dst, f.key[e.which]...)
			dst = e.zero(dst, f)
		}
	}
	return dst
}
