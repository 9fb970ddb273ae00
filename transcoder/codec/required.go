// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxMissing is how many missing fields are told at most.
const maxMissing = 100

// MissingRequired gives the paths of the required fields that a message lacks, in JSON names and in the order of the
// fields, a hundred at most; nil if it is complete. What an Any holds is not looked into. Errors are as of AppendJSON.
func (m *Message) MissingRequired(wire []byte) ([]string, error) {
	if m.err != nil {
		return nil, m.err
	}
	if !m.needsRequired() {
		return nil, nil
	}
	var paths []string
	_, err := encode(nil, wire, nil, func(e *encoder, dst []byte) []byte {
		e.segments = append(e.segments, segment{0, uint32(len(wire))})
		e.missing(m, 0, 1, m.codec.maxDepth, nil, &paths)
		return dst
	})
	return paths, err
}

// needsRequired tells whether the message, or one that it can reach, has required fields or may be extended by a
// message that has.
func (m *Message) needsRequired() bool {
	m.requiredOnce.Do(func() {
		m.walk(func(n *Message) {
			m.required = m.required || n.extendable || n.desc.RequiredNumbers().Len() > 0
		})
	})
	return m.required
}

// step is one step of the path to a message, which is put together only if something is missing there.
type step struct {
	up    *step
	field *Field
	index int    // of a list; else -1
	key   string // of a map, quoted
}

func (s *step) path(last string) string {
	for ; s != nil; s = s.up {
		switch {
		case s.index >= 0:
			last = joinPath(s.field.jsonName, joinPath("["+itoa(s.index)+"]", last))
		case s.key != "":
			last = joinPath(s.field.jsonName, joinPath("["+s.key+"]", last))
		default:
			last = joinPath(s.field.jsonName, last)
		}
	}
	return last
}

// missing appends the paths of what the message given in segments lacks.
func (e *encoder) missing(m *Message, lo, hi, depth int, at *step, paths *[]string) {
	if depth <= 0 {
		e.tooDeep(m)
		return
	}
	base, baseOneofs := len(e.spans), len(e.oneofs)
	x := e.scan(m, lo, hi, depth)
	if e.stop {
		return
	}
	e.settleOneofs(m, base)
	s := base
	for i := range m.fields {
		f := &m.fields[i]
		first := s
		for s < len(e.spans) && e.spans[s].order == uint32(i) {
			s++
		}
		if f.oneof != 0 {
			o := e.oneofs[baseOneofs+int(f.oneof)-1]
			for first < s && (o.winner != uint32(i) || e.spans[first].start < o.bound) {
				first++
			}
		}
		if first == s && f.desc.Cardinality() == protoreflect.Required && len(*paths) < maxMissing {
			*paths = append(*paths, at.path(f.jsonName))
		}
		e.missingIn(f, first, s, depth, at, paths)
	}
	for s < len(e.spans) && !e.stop {
		order := e.spans[s].order
		first := s
		for s < len(e.spans) && e.spans[s].order == order {
			s++
		}
		e.missingIn(x.ranked[int(order)-len(m.fields)].field, first, s, depth, at, paths)
	}
	if !e.stop {
		e.spans, e.oneofs = e.spans[:base], e.oneofs[:baseOneofs]
	}
}

// missingIn looks into the messages of a field whose records lie in the spans from lo to hi.
func (e *encoder) missingIn(f *Field, lo, hi, depth int, at *step, paths *[]string) {
	if f.shape == mapping {
		e.missingInMap(f, lo, hi, depth, at, paths)
		return
	}
	if f.message == nil || lo == hi || !f.message.needsRequired() {
		return
	}
	base := len(e.segments)
	for s := lo; s < hi; s++ {
		b := e.in[:e.spans[s].end]
		for i := int(e.spans[s].start); i < len(b) && !e.stop; {
			var start, end int
			_, i = uvarint(b, i)
			start, end, i = e.payload(f, b, i, depth)
			if f.shape == singular {
				e.push(base, start, end)
			} else {
				e.segments = append(roomy(e.segments, 1), segment{uint32(start), uint32(end)})
			}
		}
	}
	top := len(e.segments)
	if f.shape == singular {
		e.missing(f.message, base, top, depth-1, &step{up: at, field: f, index: -1}, paths)
	} else {
		for k := base; k < top && !e.stop && len(*paths) < maxMissing; k++ {
			e.missing(f.message, k, k+1, depth-1, &step{up: at, field: f, index: k - base}, paths)
		}
	}
	if !e.stop {
		e.segments = e.segments[:base]
	}
}

func (e *encoder) missingInMap(f *Field, lo, hi, depth int, at *step, paths *[]string) {
	v := f.mapVal
	if v.message == nil || lo == hi || !v.message.needsRequired() {
		return
	}
	base := len(e.entries)
	for s := lo; s < hi && !e.stop; s++ {
		b := e.in[:e.spans[s].end]
		_, i := uvarint(b, int(e.spans[s].start))
		e.collect(f, b, i, depth, base)
	}
	text := f.mapKey.kind == protoreflect.StringKind
	e.sortEntries(base, text)
	for k := base; k < len(e.entries) && !e.stop && len(*paths) < maxMissing; k++ {
		x := e.entries[k]
		if k+1 < len(e.entries) && e.sameKey(x, e.entries[k+1], text) {
			continue
		}
		segments := len(e.segments)
		e.valueSegments(v, x, depth-1)
		if e.stop {
			return
		}
		key := string(e.key(nil, f.mapKey, x))
		e.missing(v.message, segments, len(e.segments), depth-2, &step{up: at, field: f, index: -1, key: key}, paths)
		if !e.stop {
			e.segments = e.segments[:segments]
		}
	}
	if !e.stop {
		e.entries = e.entries[:base]
	}
}
