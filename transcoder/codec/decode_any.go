// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"cmp"
	"slices"
)

const (
	typeName  = "@type"
	valueName = "value"
)

// typeMember is where an object has the member "@type".
type typeMember struct {
	object int // where the object starts
	name   int // where the name starts
	value  int // where its value starts
}

// any appends the content of a google.protobuf.Any: its type, and the message that the other members make.
func (d *decoder) any(dst []byte, p int, m *Message, depth int) ([]byte, int) {
	if d.at(p) != '{' {
		return dst, d.wrongType(p, "an object")
	}
	t, empty, ok := d.typeOf(p, depth)
	if !ok {
		return dst, failed
	}
	if empty {
		return dst, d.space(p+1) + 1
	}
	url, after := d.str(t.value)
	switch {
	case after < 0:
		d.within(typeName)
		return dst, after
	case len(url) == 0:
		after = d.fail(KindAnyType, t.value, "the type of an Any is empty")
		d.within(typeName)
		return dst, after
	}
	in := d.c.byURL(url)
	if in == nil {
		after = d.fail(KindAnyType, t.value, "the type "+show(url)+" of an Any is not in the schema")
		d.within(typeName)
		return dst, after
	}
	if depth <= 1 {
		return dst, d.tooDeep(p)
	}
	dst = appendVarint(append(dst, byte(tag1Bytes)), uint64(len(url)))
	dst = append(dst, url...)
	mark := len(dst)
	dst = append(dst, byte(tag2Bytes), 0)
	switch {
	case in.err != nil:
		dst, p = d.message(dst, p, in, depth-1, nil)
	case in.form == formPlain:
		dst, p = d.object(dst, p, in, depth-1, nil, t.name)
	default:
		dst, p = d.anyValue(dst, p, in, depth, t.name)
	}
	if p < 0 {
		return dst, p
	}
	if len(dst) == mark+2 {
		return dst[:mark], p
	}
	return closeLength(dst, mark+1), p
}

// anyValue appends the content of a well-known type from the member "value" of the object of an Any.
func (d *decoder) anyValue(dst []byte, p int, in *Message, depth, typeAt int) ([]byte, int) {
	found := false
	p = d.space(p + 1)
	for {
		at := p
		name, after := d.str(p)
		if after < 0 {
			return dst, after
		}
		isType, isValue := string(name) == typeName, string(name) == valueName
		if p = d.space(after); d.at(p) != ':' {
			return dst, d.syntax(p, `":"`)
		}
		p = d.space(p + 1)
		switch {
		case isType && at != typeAt, isValue && found:
			p = d.fail(KindDuplicate, at, "the name is given twice")
			d.within(d.nameAt(at))
		case isValue:
			found = true
			if dst, p = d.message(dst, p, in, depth-1, nil); p < 0 {
				d.within(valueName)
			}
		case isType || d.o.DiscardUnknown:
			p = d.skipValue(p, depth)
		default:
			p = d.fail(KindUnknownField, at, "unknown field")
			d.within(d.nameAt(at))
		}
		if p < 0 {
			return dst, p
		}
		switch p = d.space(p); d.at(p) {
		case ',':
			if p = d.space(p + 1); d.at(p) != '"' {
				return dst, d.syntax(p, "a name")
			}
		case '}':
			if !found && in.form != formEmpty { // protojson has it that an Empty may leave it out
				return dst, d.fail(KindAnyType, p, `the member "value" is missing`)
			}
			return dst, p + 1
		default:
			return dst, d.syntax(p, `"," or "}"`)
		}
	}
}

// typeOf finds the member "@type" of the object at p; empty tells that the object has no members at all.
//
// It is mostly the first member. If not, one scan finds the types of the object and of all objects within it, so that
// types that come last in Anys within Anys do not make each level be read as often as it is deep.
func (d *decoder) typeOf(p, depth int) (t typeMember, empty, ok bool) {
	first := d.space(p + 1)
	if d.at(first) == '}' {
		return typeMember{}, true, true
	}
	if p >= d.scanned {
		const quoted = `"` + typeName + `"`
		if len(d.in)-first > len(quoted) && string(d.in[first:first+len(quoted)]) == quoted {
			value := d.space(first + len(quoted))
			if d.at(value) != ':' {
				d.syntax(value, `":"`)
				return typeMember{}, false, false
			}
			return typeMember{p, first, d.space(value + 1)}, false, true
		}
		if !d.scanTypes(p, depth) {
			return typeMember{}, false, false
		}
	}
	i, found := slices.BinarySearchFunc(d.types, p, func(t typeMember, p int) int { return cmp.Compare(t.object, p) })
	if !found {
		d.fail(KindAnyType, p, `an Any has no "@type"`)
		return typeMember{}, false, false
	}
	return d.types[i], false, true
}

// scanTypes notes the members "@type" of the object at p and of all within it. Brackets may be nested as deeply as
// those of depth messages can be, which is twice as deep: a list in each message.
func (d *decoder) scanTypes(p, depth int) bool {
	d.types, d.opened = d.types[:0], d.opened[:0]
	for limit := 2*depth + 1; ; {
		switch d.at(p) {
		case '{', '[':
			if len(d.opened) == limit {
				d.tooDeep(p)
				return false
			}
			d.opened = append(d.opened, p)
			p++
		case '}', ']':
			d.opened = d.opened[:len(d.opened)-1]
			p++
			if len(d.opened) == 0 {
				d.scanned = p
				slices.SortFunc(d.types, func(a, b typeMember) int {
					if c := cmp.Compare(a.object, b.object); c != 0 {
						return c
					}
					return cmp.Compare(a.name, b.name)
				})
				return true
			}
		case '"':
			at := p
			name, after := d.str(p)
			if after < 0 {
				return false
			}
			isType := string(name) == typeName
			p = d.space(after)
			if open := d.opened[len(d.opened)-1]; isType && d.at(p) == ':' && d.in[open] == '{' {
				d.types = append(roomy(d.types, 1), typeMember{open, at, d.space(p + 1)})
			}
		default:
			if p >= len(d.in) {
				d.syntax(p, "the end of an object")
				return false
			}
			p++ // what stands here is looked at when it is converted
		}
	}
}
