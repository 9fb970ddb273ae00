// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import "slices"

// message appends the content of a message whose JSON starts at p. depth is how many messages may still be opened.
func (d *decoder) message(dst []byte, p int, m *Message, depth int, w *watchNode) ([]byte, int) {
	if depth <= 0 {
		return dst, d.tooDeep(p)
	}
	if m.err != nil {
		err := *m.err
		d.err = &err
		return dst, failed
	}
	if m.form.custom() {
		return d.custom(dst, p, m, depth)
	}
	return d.object(dst, p, m, depth, w, noType)
}

// noType is for objects in which "@type" has no meaning.
const noType = -1

// members is what is known of a JSON object while it is read.
type members struct {
	m        *Message
	seen     uint64 // fields, and behind them oneofs, if they fit
	wide     bool   // they do not fit: they are in bits of the decoder, from bits on
	bits     int
	exts     int // where the extensions seen start
	next     int // the field after the last one
	spelling int // of the last name: 0 as JSON name, 1 as proto name
	typeAt   int
}

// object appends the fields of a JSON object. If it is the object of an Any, typeAt is where the name "@type" is, which
// is then passed over.
func (d *decoder) object(dst []byte, p int, m *Message, depth int, w *watchNode, typeAt int) ([]byte, int) {
	if d.at(p) != '{' {
		return dst, d.wrongType(p, "an object")
	}
	if p = d.space(p + 1); d.at(p) == '}' {
		return dst, p + 1
	}
	o := members{m: m, bits: len(d.bits), exts: len(d.exts), typeAt: typeAt}
	if n := len(m.fields) + m.oneofs; n > 64 {
		o.wide = true
		for range n/64 + 1 {
			d.bits = append(d.bits, 0)
		}
	}
	for {
		at := p
		var f *Field
		if f, p = d.name(p, &o); p < 0 {
			return dst, p
		}
		if f == nil {
			p = d.skipValue(p, depth)
		} else {
			dst, p = d.member(dst, p, at, f, &o, depth, w)
		}
		if p < 0 {
			return dst, p
		}
		more := false
		if p, more = d.more(p); !more {
			d.bits, d.exts = d.bits[:o.bits], d.exts[:o.exts]
			return dst, p
		}
	}
}

// name reads the name at p and the colon behind it. Without a field, the value is to be passed over.
func (d *decoder) name(p int, o *members) (*Field, int) {
	// Fields mostly come in the order of declaration and in one spelling.
	m := o.m
	var f *Field
	at := p
	for k := o.next; k < len(m.fields) && k < o.next+m.guesses; k++ {
		q := m.fields[k].quoted[o.spelling]
		if len(d.in)-p > len(q) && string(d.in[p:p+len(q)]) == q {
			f = &m.fields[k]
			p += len(q)
			break
		}
	}
	known := f != nil
	if !known {
		if f, known, p = d.lookUp(p, o); p < 0 {
			return nil, p
		}
	}
	if d.at(p) != ':' {
		if p = d.space(p); d.at(p) != ':' {
			return nil, d.syntax(p, `":"`)
		}
	}
	p++
	if d.at(p) <= ' ' {
		p = d.space(p)
	}
	if !known {
		p = d.fail(KindUnknownField, at, "unknown field")
		d.within(d.nameAt(at))
	}
	return f, p
}

// lookUp reads the name at p and gives its field; none, but true, if the value is to be passed over.
func (d *decoder) lookUp(p int, o *members) (*Field, bool, int) {
	at := p
	if d.at(p) != '"' {
		return nil, false, d.syntax(p, "a name")
	}
	name, p := d.str(p)
	if p < 0 {
		return nil, false, p
	}
	if o.typeAt != noType && string(name) == typeName {
		if at != o.typeAt {
			p = d.fail(KindDuplicate, at, "the name is given twice")
			d.within(typeName)
		}
		return nil, true, p
	}
	m := o.m
	if i, ok := m.names[string(name)]; ok {
		f := &m.fields[i]
		o.spelling = 0
		if string(name) != f.jsonName {
			o.spelling = 1
		}
		return f, true, p
	}
	if m.form != formEmpty && len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		x, other := m.extensionByName(name[1 : len(name)-1])
		switch {
		case other:
			return nil, false, p // not unknown, but misplaced
		case x != nil:
			return x.field, true, p
		}
	}
	return nil, d.o.DiscardUnknown, p
}

// member appends the records of a field whose name is at at and whose value is at p.
func (d *decoder) member(dst []byte, p, at int, f *Field, o *members, depth int, w *watchNode) ([]byte, int) {
	if d.twice(f, o) {
		p = d.fail(KindDuplicate, at, "the field is given twice")
		d.within(f.jsonName)
		return dst, p
	}
	start := p
	if d.at(p) == 'n' && !f.takesNull() {
		p = d.literal(p, "null")
	} else {
		if f.oneof != 0 && d.mark(o, len(o.m.fields)+int(f.oneof)-1) {
			p = d.fail(KindDuplicate, at, "another member of "+string(f.desc.ContainingOneof().Name())+" is given too")
			d.within(f.jsonName)
			return dst, p
		}
		var child *watchNode
		if w != nil {
			child = w.below(f)
		}
		dst, p = d.field(dst, p, f, depth, child)
	}
	switch {
	case p < 0:
		d.within(f.jsonName)
	case w != nil:
		d.hit(w, f, start, p)
	}
	return dst, p
}

// twice notes that a field is given, and tells whether it was before.
func (d *decoder) twice(f *Field, o *members) bool {
	if f.index > maxFields {
		num := uint32(f.desc.Number())
		if slices.Contains(d.exts[o.exts:], num) {
			return true
		}
		d.exts = append(d.exts, num)
		return false
	}
	o.next = int(f.index) + 1
	return d.mark(o, int(f.index))
}

// mark sets a bit of an object, and tells whether it was set.
func (d *decoder) mark(o *members, i int) bool {
	word := &o.seen
	if o.wide {
		word = &d.bits[o.bits+i/64]
	}
	bit := uint64(1) << (i % 64)
	was := *word&bit != 0
	*word |= bit
	return was
}

// more reads what follows the value of a member: a comma, and gives the position of the next name, or a brace, and gives
// the position after it.
func (d *decoder) more(p int) (int, bool) {
	c := d.at(p)
	if c <= ' ' {
		p = d.space(p)
		c = d.at(p)
	}
	switch c {
	case ',':
		if p++; d.at(p) <= ' ' {
			p = d.space(p)
		}
		return p, true
	case '}':
		return p + 1, false
	default:
		return d.syntax(p, `"," or "}"`), false
	}
}

// nameAt gives the name at p once more, for an error.
func (d *decoder) nameAt(p int) string {
	name, end := d.str(p)
	if end < 0 || len(name) > maxShown {
		name = name[:min(len(name), maxShown)]
	}
	return string(name)
}

// field appends the records of a field whose JSON value is at p.
func (d *decoder) field(dst []byte, p int, f *Field, depth int, w *watchNode) ([]byte, int) {
	switch f.shape {
	case list:
		return d.list(dst, p, f, depth)
	case mapping:
		return d.mapping(dst, p, f, depth)
	case singular:
	}
	if f.message != nil {
		return d.submessage(dst, p, f, depth, w)
	}
	mark := len(dst)
	dst = f.appendTag(dst)
	dst, p, zero := d.scalar(dst, p, f)
	if zero && !f.presence {
		dst = dst[:mark]
	}
	return dst, p
}

func (f *Field) appendTag(dst []byte) []byte {
	if f.tagLen == 1 {
		return append(dst, f.tagBytes[0])
	}
	return append(dst, f.tagBytes[:f.tagLen]...)
}

// submessage appends a record of a message field.
func (d *decoder) submessage(dst []byte, p int, f *Field, depth int, w *watchNode) ([]byte, int) {
	dst = f.appendTag(dst)
	if f.wireType == startType {
		if dst, p = d.message(dst, p, f.message, depth-1, w); p < 0 {
			return dst, p
		}
		return appendVarint(dst, f.tag+1), p // the type that ends a group is the one after that which starts it
	}
	at := len(dst)
	dst = append(dst, 0)
	if dst, p = d.message(dst, p, f.message, depth-1, w); p < 0 {
		return dst, p
	}
	return closeLength(dst, at), p
}

// list appends the elements of a JSON array.
func (d *decoder) list(dst []byte, p int, f *Field, depth int) ([]byte, int) {
	if d.at(p) != '[' {
		return dst, d.wrongType(p, "an array")
	}
	if p = d.space(p + 1); d.at(p) == ']' {
		return dst, p + 1
	}
	at := 0
	if f.packed {
		dst = f.appendTag(dst)
		at = len(dst)
		dst = append(dst, 0)
	}
	for n := 0; ; n++ {
		dst = roomy(dst, elementRoom)
		switch {
		case f.message != nil:
			dst, p = d.submessage(dst, p, f, depth, nil)
		case f.packed:
			dst, p, _ = d.scalar(dst, p, f)
		default:
			dst, p, _ = d.scalar(f.appendTag(dst), p, f)
		}
		if p < 0 {
			d.within("[" + itoa(n) + "]")
			return dst, p
		}
		c := d.at(p)
		if c <= ' ' {
			p = d.space(p)
			c = d.at(p)
		}
		if c == ',' {
			if p++; d.at(p) <= ' ' {
				p = d.space(p)
			}
			continue
		}
		if c != ']' {
			return dst, d.syntax(p, `"," or "]"`)
		}
		if f.packed {
			dst = closeLength(dst, at)
		}
		return dst, p + 1
	}
}

// wrongType tells that another JSON type was wanted at p, unless there is no JSON value at all.
func (d *decoder) wrongType(p int, want string) int {
	got := ""
	switch c := d.at(p); {
	case c == '{':
		got = "an object"
	case c == '[':
		got = "an array"
	case c == '"':
		got = "a string"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || isDigit(c):
		got = "a number"
	default:
		return d.syntax(p, "a JSON value")
	}
	return d.fail(KindType, p, got+" where "+want+" must come")
}
