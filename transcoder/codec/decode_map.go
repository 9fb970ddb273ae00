// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"hash/maphash"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// mapping appends the entries of a JSON object for a map field.
func (d *decoder) mapping(dst []byte, p int, f *Field, depth int) ([]byte, int) {
	if d.at(p) != '{' {
		return dst, d.wrongType(p, "an object")
	}
	if p = d.space(p + 1); d.at(p) == '}' {
		return dst, p + 1
	}
	if depth <= 1 {
		return dst, d.tooDeep(p)
	}
	baseKeys, baseSlots := len(d.keys), len(d.slots)
	for {
		if d.at(p) != '"' {
			return dst, d.syntax(p, "a name")
		}
		nameAt := p
		dst = f.appendTag(roomy(dst, elementRoom))
		at := len(dst)
		dst = append(dst, 0)
		if dst, p = d.key(dst, p, f.mapKey); p < 0 {
			return dst, p
		}
		if d.at(p) != ':' {
			if p = d.space(p); d.at(p) != ':' {
				return dst, d.syntax(p, `":"`)
			}
		}
		p = d.space(p + 1)
		v := f.mapVal
		if v.message != nil {
			dst, p = d.submessage(dst, p, v, depth-1, nil)
		} else {
			dst, p, _ = d.scalar(v.appendTag(dst), p, v)
		}
		if p < 0 {
			d.within("[" + show([]byte(d.nameAt(nameAt))) + "]")
			return dst, p
		}
		dst = closeLength(dst, at)
		_, key := uvarint(dst, at) // a long length has moved it
		if d.seenKey(dst, key, baseKeys, baseSlots) {
			p = d.fail(KindDuplicate, nameAt, "the key is given twice")
			d.within("[" + show([]byte(d.nameAt(nameAt))) + "]")
			return dst, p
		}
		p = d.space(p)
		switch d.at(p) {
		case ',':
			p = d.space(p + 1)
		case '}':
			d.keys, d.slots = d.keys[:baseKeys], d.slots[:baseSlots]
			return dst, p + 1
		default:
			return dst, d.syntax(p, `"," or "}"`)
		}
	}
}

// key appends the key of an entry, of which the name at p is the text.
func (d *decoder) key(dst []byte, p int, f *Field) ([]byte, int) {
	start := p
	s, p := d.str(p)
	if p < 0 {
		return dst, p
	}
	dst, ok := appendKey(f.appendTag(dst), s, f)
	if !ok {
		return dst, d.fail(KindValue, start, show(s)+" is not a key of type "+f.kind.String())
	}
	return dst, p
}

// appendKey appends the value that a key's text stands for. Integers are decimal, each in one way only.
func appendKey(dst, s []byte, f *Field) ([]byte, bool) {
	switch f.kind {
	case protoreflect.StringKind:
		dst = appendVarint(dst, uint64(len(s)))
		return append(dst, s...), true
	case protoreflect.BoolKind:
		switch string(s) {
		case "true":
			return append(dst, 1), true
		case "false":
			return append(dst, 0), true
		}
		return dst, false
	default:
		neg, v, ok := decimal(s)
		if !ok {
			return dst, false
		}
		return appendInteger(dst, f.kind, neg, v)
	}
}

// decimal reads a whole number in the one way in which it is written in decimal.
func decimal(s []byte) (neg bool, v uint64, ok bool) {
	if !isDecimal(s) {
		return false, 0, false
	}
	if s[0] == '-' {
		neg, s = true, s[1:]
	}
	v, ok = addDigits(0, s)
	return neg, v, ok
}

// isDecimal tells whether s is a whole number in the one way in which it is written in decimal.
func isDecimal(s []byte) bool {
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	for _, c := range s {
		if !isDigit(c) {
			return false
		}
	}
	return len(s) > 0 && s[0] != '0' || len(s) == 1 && !neg
}

// fewKeys is up to how many keys are compared one by one.
const fewKeys = 8

// seenKey tells whether the entry whose key field is at a position of the output has the key of an earlier entry of the
// same map, and remembers it. Keys are compared as written, since each has one form.
func (d *decoder) seenKey(dst []byte, key, baseKeys, baseSlots int) bool {
	mine := keyBytes(dst, key)
	keys := d.keys[baseKeys:]
	d.keys = append(roomy(d.keys, 1), uint32(key))
	if len(keys) < fewKeys {
		for _, k := range keys {
			if bytes.Equal(keyBytes(dst, int(k)), mine) {
				return true
			}
		}
		return false
	}
	table := d.slots[baseSlots:]
	if 2*(len(keys)+1) > len(table) {
		table = d.growTable(dst, keys, baseSlots)
	}
	return d.insert(dst, table, mine, uint32(key))
}

// growTable makes the hash table of a map, which is on top of the stack, large enough for twice its keys and one more.
func (d *decoder) growTable(dst []byte, keys []uint32, base int) []uint32 {
	size := 4 * fewKeys
	for size < 4*(len(keys)+1) {
		size *= 2
	}
	d.slots = roomy(d.slots[:base], size)[:base+size]
	table := d.slots[base:]
	for i := range table {
		table[i] = math.MaxUint32
	}
	for _, k := range keys {
		d.insert(dst, table, keyBytes(dst, int(k)), k)
	}
	return table
}

// insert puts a key into a table, whose size is a power of two, unless an equal one is there, which it tells.
func (d *decoder) insert(dst []byte, table []uint32, mine []byte, key uint32) bool {
	mask := uint64(len(table) - 1)
	for h := maphash.Bytes(d.seed, mine) & mask; ; h = (h + 1) & mask {
		if table[h] == math.MaxUint32 {
			table[h] = key
			return false
		}
		if bytes.Equal(keyBytes(dst, int(table[h])), mine) {
			return true
		}
	}
}

// keyBytes gives the bytes of the key at a position, where its tag is: those of the number, or of the length and text.
func keyBytes(dst []byte, at int) []byte {
	start := at + 1
	switch dst[at] & wireMask {
	case bytesType:
		_, end := delimited(dst, start)
		return dst[start:end]
	case fixed32Type:
		return dst[start : start+4]
	case fixed64Type:
		return dst[start : start+8]
	default:
		_, end := uvarint(dst, start)
		return dst[start:end]
	}
}
