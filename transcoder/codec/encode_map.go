// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// entry is one entry of a map, as collected to be sorted.
type entry struct {
	key        uint64 // of a number its order, of a string where its text starts and, in the upper half, ends
	start, end uint32 // the content of the entry
}

// collect pushes the entries of a map whose records follow each other; the value of the first is at i, and the entries of
// the map start at base. It gives the index after them.
func (e *encoder) collect(f *Field, b []byte, i, depth, base int) int {
	if depth <= 1 {
		e.tooDeep(f.parent)
		return i
	}
	for {
		start, end := delimited(b, i)
		if end < 0 {
			e.malformed(f.parent, end)
			return i
		}
		e.collectEntry(f, b[:end], start, depth, base)
		if e.stop {
			return i
		}
		next, j := uint64(0), end
		if end < len(b) {
			next, j = uvarint(b, end)
		}
		if next != f.tag || j < 0 {
			return end
		}
		i = j
	}
}

// collectEntry pushes the entry that lies from i to the end of b, of a map whose entries start at base. The last key in it
// counts.
func (e *encoder) collectEntry(f *Field, b []byte, i, depth, base int) {
	x := entry{start: uint32(i), end: uint32(len(b))}
	key := f.mapKey
	if key.kind != protoreflect.StringKind {
		x.key = keyOrder(key.kind, 0)
	}
	for i < len(b) {
		tag, j := uvarint(b, i)
		switch {
		case j < 0:
			e.malformed(f.parent, j)
			return
		case tag != key.tag:
			if i = e.skip(b, j, tag, depth-1); i < 0 {
				e.malformed(f.parent, i)
				return
			}
			continue
		case key.kind == protoreflect.StringKind:
			var start int
			start, i = delimited(b, j)
			x.key = uint64(start) | uint64(uint32(i))<<32
		default:
			var v uint64
			v, i = e.rawNumber(key, b, j)
			x.key = keyOrder(key.kind, v)
		}
		if i < 0 {
			e.malformed(f.parent, i)
			return
		}
	}
	if top := len(e.entries); top > base && e.sameKey(e.entries[top-1], x, key.kind == protoreflect.StringKind) {
		e.entries[top-1] = x // what comes again at once need not be kept
		return
	}
	e.entries = append(roomy(e.entries, 1), x)
}

// rawNumber reads the bits of a number.
func (e *encoder) rawNumber(f *Field, b []byte, i int) (uint64, int) {
	switch f.wireType {
	case fixed64Type:
		return fixed64(b, i)
	case fixed32Type:
		v, i := fixed32(b, i)
		return uint64(v), i
	default:
		return uvarint(b, i)
	}
}

const signBit = 1 << 63

// keyOrder gives a number whose unsigned order is that of the keys.
func keyOrder(k protoreflect.Kind, v uint64) uint64 {
	switch k {
	case protoreflect.BoolKind:
		if v != 0 {
			return 1
		}
		return 0
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return uint64(int64(int32(v))) ^ signBit
	case protoreflect.Sint32Kind:
		return uint64(int64(int32(protowire.DecodeZigZag(v&(1<<32-1))))) ^ signBit
	case protoreflect.Sint64Kind:
		return uint64(protowire.DecodeZigZag(v)) ^ signBit
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return uint64(uint32(v))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return v
	default:
		return v ^ signBit
	}
}

func (e *encoder) keyText(x entry) []byte {
	return e.in[uint32(x.key):uint32(x.key>>32)]
}

// mapping appends the object of the entries that were pushed from base on, sorted by key; of equal keys the last counts.
func (e *encoder) mapping(dst []byte, f *Field, base, depth int) []byte {
	text := f.mapKey.kind == protoreflect.StringKind
	e.sortEntries(base, text)
	start := len(dst)
	for k := base; k < len(e.entries); k++ {
		x := e.entries[k]
		if k+1 < len(e.entries) && e.sameKey(x, e.entries[k+1], text) {
			continue
		}
		dst = append(roomy(dst, elementRoom), ',')
		dst = e.key(dst, f.mapKey, x)
		dst = append(dst, ':')
		dst = e.mapValue(dst, f.mapVal, x, depth-1)
		if e.stop {
			e.withinKey(f, x)
			return dst
		}
	}
	return closeObject(dst, start)
}

func (e *encoder) sortEntries(base int, text bool) {
	s := e.entries[base:]
	sorted := true
	if text {
		for k := 1; k < len(s) && sorted; k++ {
			sorted = bytes.Compare(e.keyText(s[k-1]), e.keyText(s[k])) <= 0
		}
		if !sorted {
			slices.SortFunc(s, func(x, y entry) int {
				if c := bytes.Compare(e.keyText(x), e.keyText(y)); c != 0 {
					return c
				}
				return cmp.Compare(x.start, y.start)
			})
		}
		return
	}
	for k := 1; k < len(s) && sorted; k++ {
		sorted = s[k-1].key <= s[k].key
	}
	if !sorted {
		slices.SortFunc(s, func(x, y entry) int {
			if c := cmp.Compare(x.key, y.key); c != 0 {
				return c
			}
			return cmp.Compare(x.start, y.start)
		})
	}
}

func (e *encoder) sameKey(x, y entry, text bool) bool {
	if text {
		return bytes.Equal(e.keyText(x), e.keyText(y))
	}
	return x.key == y.key
}

func (e *encoder) key(dst []byte, f *Field, x entry) []byte {
	switch f.kind {
	case protoreflect.StringKind:
		dst, ok := appendText(dst, e.keyText(x))
		if !ok {
			e.badUTF8()
		}
		return dst
	case protoreflect.BoolKind:
		if x.key != 0 {
			return append(dst, `"true"`...)
		}
		return append(dst, `"false"`...)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		dst = strconv.AppendUint(append(dst, '"'), x.key, 10)
		return append(dst, '"')
	default:
		dst = strconv.AppendInt(append(dst, '"'), int64(x.key^signBit), 10)
		return append(dst, '"')
	}
}

// withinKey notes that a failure lies in an entry of a map.
func (e *encoder) withinKey(f *Field, x entry) {
	if e.err == nil {
		return
	}
	if f.mapKey.kind == protoreflect.StringKind && !utf8.Valid(e.keyText(x)) {
		return
	}
	e.err.Path = joinPath("["+string(e.key(nil, f.mapKey, x))+"]", e.err.Path)
}

// mapValue appends the value of an entry. Of several values the last counts, unless they are messages, which are merged.
func (e *encoder) mapValue(dst []byte, f *Field, x entry, depth int) []byte {
	base := len(e.segments)
	at := e.valueSegments(f, x, depth)
	switch {
	case e.stop:
		return dst
	case f.message != nil:
		dst = e.mergedMessage(dst, f.message, base, len(e.segments), depth-1)
		if !e.stop {
			e.segments = e.segments[:base]
		}
		return dst
	case at < 0:
		return e.zero(dst, f)
	default:
		dst, _, _ = e.scalar(dst, f, e.in[:x.end], at)
		return dst
	}
}

// valueSegments gives where the last value of an entry is, negative if there is none, and pushes the segments of all of
// them if they are messages.
func (e *encoder) valueSegments(f *Field, x entry, depth int) (at int) {
	b := e.in[:x.end]
	base := len(e.segments)
	at = -1
	for i := int(x.start); i < len(b); {
		tag, j := uvarint(b, i)
		switch {
		case tag != f.tag:
			i = e.skip(b, j, tag, depth)
		case f.message == nil:
			at = j
			i = e.skip(b, j, tag, depth)
		default:
			var start, end int
			if start, end, i = e.payload(f, b, j, depth); e.stop {
				return at
			}
			e.push(base, start, end)
		}
	}
	if f.message != nil && len(e.segments) == base {
		e.push(base, len(b), len(b)) // without a value it is an empty message
	}
	return at
}
