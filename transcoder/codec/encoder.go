// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"slices"
	"sync"
)

// encoder is the state of one conversion from wire bytes to JSON.
//
// A message is written in one pass as long as its records come in the order of the output, which is that of
// declaration. When they do not (a field comes late, twice, or in pieces) the whole conversion is done again, and this
// time the records of each message are indexed and sorted before they are written. That happens once, so it costs no
// more than twice; types for which it has happened are indexed from then on.
type encoder struct {
	o     *EncodeOptions
	which int  // names: 0 for JSON, 1 for proto
	plain bool // values without a field are written as precomputed
	omit  bool // fields without a value are left out
	drops bool // some fields are left out whatever their value; dropped says which
	// defaults is what nil options mean.
	defaults EncodeOptions

	in      []byte // the bytes of the outermost message; positions below are in it
	indexed bool   // index every message
	stop    bool   // set on failure, and on disorder, which is a failure without err
	err     *Error

	// Stacks: who pushes takes off again. They are used by index, since they move when they grow.
	spans    []span
	segments []segment
	entries  []entry
	oneofs   []oneofState
	unknown  []segment // the type URLs for OnUnknownAny

	groups map[uint32]groupEnd // the ends of large groups within groups, by start
}

// segment is a stretch of input that holds records of a message; several of them are to be merged.
type segment struct {
	start, end uint32
}

// keep is how many elements of scratch space an idle encoder or decoder keeps, so that one large message does not stay
// in memory for good.
const keep = 4096

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder(in []byte, o *EncodeOptions) *encoder {
	e, _ := encoders.Get().(*encoder)
	if o == nil {
		o = &e.defaults
	}
	e.in, e.o = in, o
	e.which = 0
	if o.ProtoNames {
		e.which = 1
	}
	e.omit = o.Defaults == DefaultsOmit
	e.drops = o.DropRedacted || len(o.Omit) > 0
	e.plain = !o.Int64Numbers && !o.EnumNumbers && !o.StripEnumPrefix
	e.indexed, e.stop, e.err = false, false, nil
	return e
}

// dropped tells whether the options leave a field out.
func (e *encoder) dropped(f *Field) bool {
	return f.redacted && e.o.DropRedacted || slices.Contains(e.o.Omit, f)
}

func (e *encoder) free() {
	e.in, e.o, e.err = nil, nil, nil
	e.spans = recycle(e.spans)
	e.segments = recycle(e.segments)
	e.entries = recycle(e.entries)
	e.oneofs = recycle(e.oneofs)
	e.unknown = recycle(e.unknown)
	e.groups = nil // they are rare enough for a new map each time
	encoders.Put(e)
}

// roomy gives s with room for at least n more. It grows by doubling, for append alone, which grows large slices by a
// quarter, would allocate five times what is needed in the end.
func roomy[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(len(s), n))
}

// elementRoom is how much room is made before each element of a list or map: more than most scalars take.
const elementRoom = 32

func recycle[T any](s []T) []T {
	if cap(s) > keep {
		return nil
	}
	return s[:0]
}

// AppendJSON appends the JSON of a message to dst. Errors are of type *Error with Wire set; dst is then returned as it
// was, so that no partial output can leave.
func (m *Message) AppendJSON(dst, wire []byte, o *EncodeOptions) ([]byte, error) {
	return encode(dst, wire, o, func(e *encoder, dst []byte) []byte {
		return e.message(dst, m, wire, 0, m.codec.maxDepth)
	})
}

// maxInput is the largest input: positions are kept in 32 bits, and the output is somewhat longer.
const maxInput = 1 << 30

// encode runs a conversion, once more if it asks for that.
func encode(dst, wire []byte, o *EncodeOptions, run func(*encoder, []byte) []byte) ([]byte, error) {
	if len(wire) > maxInput {
		return dst, errTooLong(true)
	}
	e := newEncoder(wire, o)
	defer e.free()
	start := len(dst)
	dst = run(e, slices.Grow(dst, len(wire)+len(wire)/2+2))
	if e.stop && !e.indexed {
		// A failure may only come from seeing a message in part, such as a Value whose content is in a second record.
		first := e.err
		e.repeat()
		dst = run(e, dst[:start])
		if e.stop && first != nil {
			e.err = first // it says more precisely where
		}
	}
	if e.stop {
		return dst[:start], e.err
	}
	for _, url := range e.unknown {
		e.o.OnUnknownAny(string(wire[url.start:url.end]))
	}
	return dst, nil
}

// push pushes a segment of a message whose segments start at base. What is empty is only kept if it is all there is.
func (e *encoder) push(base, start, end int) {
	s := segment{uint32(start), uint32(end)}
	top := len(e.segments)
	switch {
	case top == base:
		e.segments = append(roomy(e.segments, 1), s)
	case start == end:
	case top == base+1 && e.segments[base].start == e.segments[base].end:
		e.segments[base] = s
	default:
		e.segments = append(roomy(e.segments, 1), s)
	}
}

// repeat makes ready to do it all again, indexed.
func (e *encoder) repeat() {
	e.indexed, e.stop, e.err = true, false, nil
	e.spans, e.segments, e.entries = e.spans[:0], e.segments[:0], e.entries[:0]
	e.oneofs, e.unknown = e.oneofs[:0], e.unknown[:0]
}

// disorder asks for another run because a message of type m is not in the order of the output.
func (e *encoder) disorder(m *Message) {
	if !m.unordered.Load() {
		m.unordered.Store(true)
	}
	e.stop = true
}

// fail ends the conversion.
func (e *encoder) fail(kind Kind, message string) {
	if e.stop {
		return
	}
	e.stop = true
	e.err = &Error{Kind: kind, Offset: -1, Wire: true, Message: message}
}

// malformed ends the conversion at a position that came out negative.
func (e *encoder) malformed(m *Message, i int) {
	if i == tooDeep {
		e.tooDeep(m)
		return
	}
	e.fail(KindWire, "malformed bytes of "+string(m.desc.FullName()))
}

func (e *encoder) tooDeep(m *Message) {
	e.fail(KindDepth, "messages are nested more than "+itoa(m.codec.maxDepth)+" deep")
}

// within notes that a failure lies in a field.
func (e *encoder) within(f *Field) {
	if e.err != nil {
		e.err.Path = joinPath(f.jsonName, e.err.Path)
	}
}

func (e *encoder) withinIndex(i int) {
	if e.err != nil {
		e.err.Path = joinPath("["+itoa(i)+"]", e.err.Path)
	}
}
