// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// span is a stretch of records of one field that follow each other.
type span struct {
	order      uint32 // of output: the field's index, or the number of fields and the rank of the extension
	start, end uint32
}

// oneofState is what the records say of one oneof.
type oneofState struct {
	winner uint32 // order of the member whose record comes last
	last   uint32 // where its last span starts
	bound  uint32 // where the last span of another member starts, plus one; what lies before it was cleared again
}

// mergedMessage appends the JSON of a message given in segments.
func (e *encoder) mergedMessage(dst []byte, m *Message, lo, hi, depth int) []byte {
	if hi-lo == 1 {
		s := e.segments[lo]
		return e.message(dst, m, e.in[:s.end], int(s.start), depth)
	}
	if depth <= 0 {
		e.tooDeep(m)
		return dst
	}
	if m.err != nil {
		e.schema(m)
		return dst
	}
	if m.form.custom() {
		return e.custom(dst, m, lo, hi, depth)
	}
	return e.merged(dst, len(dst), m, lo, hi, depth)
}

// merged appends the fields of a message given in segments and closes the object that starts at start. It takes records
// in any order and number.
func (e *encoder) merged(dst []byte, start int, m *Message, lo, hi, depth int) []byte {
	base, baseOneofs := len(e.spans), len(e.oneofs)
	x := e.scan(m, lo, hi, depth)
	if e.stop {
		return dst
	}
	e.settleOneofs(m, base)
	fields := len(m.fields)
	want, top := 0, len(e.spans)
	for s := base; s < top; {
		order := e.spans[s].order
		t := s + 1
		for t < top && e.spans[t].order == order {
			t++
		}
		first := s
		s = t
		var f *Field
		if int(order) < fields {
			f = &m.fields[order]
		} else {
			f = x.ranked[int(order)-fields].field
		}
		if f.oneof != 0 {
			o := e.oneofs[baseOneofs+int(f.oneof)-1]
			if o.winner != order {
				continue
			}
			for e.spans[first].start < o.bound {
				first++
			}
		}
		if upTo := min(int(order), fields); want < upTo && !e.omit {
			dst = e.absent(dst, m, want, upTo)
		}
		want = min(int(order)+1, fields)
		dst = e.spanned(dst, f, first, t, depth)
		if e.stop {
			return dst
		}
	}
	if want < fields && !e.omit {
		dst = e.absent(dst, m, want, fields)
	}
	e.spans, e.oneofs = e.spans[:base], e.oneofs[:baseOneofs]
	return closeObject(dst, start)
}

// scan pushes the spans of a message, sorted by the order of output and then by position, and gives the extensions whose
// ranks it used.
func (e *encoder) scan(m *Message, lo, hi, depth int) *extensions {
	base := len(e.spans)
again:
	x := m.knownExtensions()
	e.spans = e.spans[:base]
	sorted := true
	for s := lo; s < hi; s++ {
		b := e.in[:e.segments[s].end]
		for i := int(e.segments[s].start); i < len(b); {
			at := i
			var tag uint64
			tag, i = uvarint(b, i)
			if i < 0 {
				e.malformed(m, i)
				return x
			}
			f := m.byNumber(tag >> wireBits)
			order := uint32(0)
			if f != nil {
				order = uint32(f.index)
			} else if m.extendable && goodTag(tag) {
				if ext := m.extensionByNumber(protoreflect.FieldNumber(tag >> wireBits)); ext != nil {
					if x != m.knownExtensions() {
						goto again // the ranks have changed
					}
					f, order = ext.field, uint32(len(m.fields)+ext.rank)
				}
			}
			if i = e.skip(b, i, tag, depth); i < 0 {
				e.malformed(m, i)
				return x
			}
			if f == nil || tag != f.tag && tag != f.packedTag {
				continue
			}
			top := len(e.spans)
			if top > base {
				last := &e.spans[top-1]
				if last.order == order && int(last.end) == at {
					last.end = uint32(i)
					continue
				}
				sorted = sorted && last.order <= order
			}
			e.spans = append(roomy(e.spans, 1), span{order, uint32(at), uint32(i)})
		}
	}
	if !sorted {
		sortSpans(e.spans[base:])
	}
	return x
}

// fewSpans is up to how many spans are sorted by insertion, which is the fastest way for fields of which a few are out of
// place, as the members of oneofs are that Go programs write last.
const fewSpans = 64

// sortSpans sorts spans by the order of output and then by position. The latter matters too: segments of a message are
// merged in the order in which they come.
func sortSpans(s []span) {
	if len(s) > fewSpans {
		slices.SortFunc(s, func(a, b span) int {
			if c := cmp.Compare(a.order, b.order); c != 0 {
				return c
			}
			return cmp.Compare(a.start, b.start)
		})
		return
	}
	for i := 1; i < len(s); i++ { // stable, and the spans come by position
		x, j := s[i], i
		for ; j > 0 && s[j-1].order > x.order; j-- {
			s[j] = s[j-1]
		}
		s[j] = x
	}
}

// settleOneofs pushes the state of each oneof of a message whose spans start at base: the member whose record comes last
// is set, and what it held before another member was set is lost.
func (e *encoder) settleOneofs(m *Message, base int) {
	if m.oneofs == 0 {
		return
	}
	at := len(e.oneofs)
	for range m.oneofs {
		e.oneofs = append(e.oneofs, oneofState{})
	}
	states := e.oneofs[at:]
	for _, s := range e.spans[base:] {
		if o := e.oneofOf(m, s.order); o != 0 && s.end > states[o-1].last {
			states[o-1].winner, states[o-1].last = s.order, s.end
		}
	}
	for _, s := range e.spans[base:] {
		o := e.oneofOf(m, s.order)
		if o != 0 && s.order != states[o-1].winner && s.end > states[o-1].bound {
			states[o-1].bound = s.end
		}
	}
}

func (e *encoder) oneofOf(m *Message, order uint32) uint16 {
	if int(order) >= len(m.fields) {
		return 0
	}
	return m.fields[order].oneof
}

// spanned appends the member of a field whose records lie in the spans from lo to hi.
func (e *encoder) spanned(dst []byte, f *Field, lo, hi, depth int) []byte {
	if e.drops && e.dropped(f) {
		return dst
	}
	mark := len(dst)
	dst = append(dst, f.key[e.which]...)
	dst, zero := e.spannedValue(dst, f, lo, hi, depth)
	if e.stop {
		e.within(f)
		return dst
	}
	if zero && (e.omit || f.index > maxFields) { // an extension that is an empty list is never written
		dst = dst[:mark]
	}
	return dst
}

// spannedValue is spanned without the name; it tells whether the value is one that DefaultsOmit leaves out.
func (e *encoder) spannedValue(dst []byte, f *Field, lo, hi, depth int) (_ []byte, zero bool) {
	switch {
	case f.shape == list:
		start, n := len(dst), 0
		for s := lo; s < hi && !e.stop; s++ {
			b := e.in[:e.spans[s].end]
			tag, i := uvarint(b, int(e.spans[s].start))
			dst, _, n = e.run(dst, f, b, i, tag, depth, n)
		}
		if !e.stop {
			zero = len(dst) == start
			dst = closeArray(dst, start)
		}
	case f.shape == mapping:
		base := len(e.entries)
		for s := lo; s < hi && !e.stop; s++ {
			b := e.in[:e.spans[s].end]
			_, i := uvarint(b, int(e.spans[s].start))
			e.collect(f, b, i, depth, base)
		}
		if !e.stop {
			dst = e.mapping(dst, f, base, depth)
		}
		if !e.stop {
			e.entries = e.entries[:base]
		}
	case f.message != nil:
		base := len(e.segments)
		for s := lo; s < hi; s++ {
			b := e.in[:e.spans[s].end]
			for i := int(e.spans[s].start); i < len(b) && !e.stop; {
				var start, end int
				_, i = uvarint(b, i)
				start, end, i = e.payload(f, b, i, depth)
				e.push(base, start, end)
			}
		}
		if !e.stop {
			dst = e.mergedMessage(dst, f.message, base, len(e.segments), depth-1)
		}
		if !e.stop {
			e.segments = e.segments[:base]
		}
	default:
		b := e.in[:e.spans[hi-1].end]
		at := 0
		for i := int(e.spans[hi-1].start); i < len(b); {
			var tag uint64
			tag, i = uvarint(b, i)
			at = i
			i = e.skip(b, i, tag, depth)
		}
		dst, _, zero = e.scalar(dst, f, b, at)
		zero = zero && !f.presence
	}
	return dst, zero
}
