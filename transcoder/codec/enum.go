// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enumTable is an enum, compiled.
type enumTable struct {
	desc   protoreflect.EnumDescriptor
	closed bool
	null   bool // google.protobuf.NullValue, whose JSON is null

	min    int32
	dense  [2][]string // number - min → `"NAME"`, whole and without prefix
	sparse [2]map[int32]string
	byName map[string]int32

	looseOnce sync.Once
	loose     [4]map[string]looseValue // by the bits strip and fold; 0 is not used
}

const (
	stripBit = 1
	foldBit  = 2
)

// looseValue is what a name means that is not spelt as declared.
type looseValue struct {
	number    int32
	ambiguous bool
}

// enumTable gives the table of an enum; the lock of the codec is held.
func (c *Codec) enumTable(ed protoreflect.EnumDescriptor) *enumTable {
	if t, ok := c.enums[ed]; ok {
		return t
	}
	t := compileEnum(ed)
	c.enums[ed] = t
	return t
}

func compileEnum(ed protoreflect.EnumDescriptor) *enumTable {
	values := ed.Values()
	t := &enumTable{
		desc: ed, closed: ed.IsClosed(), null: ed.FullName() == "google.protobuf.NullValue",
		byName: make(map[string]int32, values.Len()),
	}
	lo, hi := int64(0), int64(-1)
	for i := range values.Len() {
		v := values.Get(i)
		n := int64(v.Number())
		if i == 0 || n < lo {
			lo = n
		}
		if i == 0 || n > hi {
			hi = n
		}
		t.byName[string(v.Name())] = int32(n)
	}
	t.min = int32(lo)
	isDense := hi-lo < int64(4*values.Len()+64)
	for which := range t.dense {
		if isDense {
			t.dense[which] = make([]string, hi-lo+1)
		} else {
			t.sparse[which] = make(map[int32]string, values.Len())
		}
	}
	for i := range values.Len() {
		v := values.Get(i)
		if values.ByNumber(v.Number()).Name() != v.Name() {
			continue // an alias: the first name is the one that is written
		}
		name := string(v.Name())
		for which, s := range [...]string{name, stripPrefix(name, string(ed.Name()))} {
			s = string(appendQuoted(nil, s))
			if isDense {
				t.dense[which][int64(v.Number())-lo] = s
			} else {
				t.sparse[which][int32(v.Number())] = s
			}
		}
	}
	return t
}

// name gives the quoted name of a number; "" if it has none. which is 1 to have it without prefix.
func (t *enumTable) name(n int32, which int) string {
	if d := t.dense[which]; d != nil {
		if i := uint64(int64(n) - int64(t.min)); i < uint64(len(d)) {
			return d[i]
		}
		return ""
	}
	return t.sparse[which][n]
}

// value gives the number that a sign and a magnitude are; false if the enum cannot have it. An open enum can have any.
func (t *enumTable) value(neg bool, v uint64) (int32, bool) {
	most := uint64(math.MaxInt32)
	n := int64(v)
	if neg {
		most++
		n = -n
	}
	if v > most || t.closed && t.name(int32(n), 0) == "" {
		return 0, false
	}
	return int32(n), true
}

// number gives the number of a name as the options allow to spell it.
func (t *enumTable) number(name []byte, o *DecodeOptions) (int32, bool) {
	if n, ok := t.byName[string(name)]; ok {
		return n, true
	}
	if !o.FoldEnumCase && !o.StripEnumPrefix {
		return 0, false
	}
	return t.looseNumber(name, o.StripEnumPrefix, o.FoldEnumCase)
}

func (t *enumTable) looseNumber(name []byte, strip, fold bool) (int32, bool) {
	t.looseOnce.Do(t.compileLoose)
	bits := 0
	if strip {
		bits |= stripBit
	}
	var folded [64]byte // names are short; a longer one costs an allocation
	if fold {
		bits |= foldBit
		name = appendUpper(folded[:0], name)
	}
	v, ok := t.loose[bits][string(name)]
	return v.number, ok && !v.ambiguous
}

func (t *enumTable) compileLoose() {
	for bits := stripBit; bits <= stripBit|foldBit; bits++ {
		t.loose[bits] = t.looseNames(bits, func(string, string, string) {})
	}
}

// looseNames maps the names that the bits allow, and tells of each pair that is not to be told apart.
func (t *enumTable) looseNames(bits int, clash func(name, first, second string)) map[string]looseValue {
	names := map[string]looseValue{}
	owner := map[string]string{}
	add := func(name, full string, n int32) {
		if bits&foldBit != 0 {
			name = upper(name)
		}
		old, ok := names[name]
		switch {
		case !ok:
			names[name] = looseValue{number: n}
			owner[name] = full
		case old.number != n:
			names[name] = looseValue{ambiguous: true}
			clash(name, owner[name], full)
		}
	}
	for i := range t.desc.Values().Len() {
		v := t.desc.Values().Get(i)
		full := string(v.Name())
		add(full, full, int32(v.Number()))
		if bits&stripBit != 0 {
			if s := stripPrefix(full, string(t.desc.Name())); s != full {
				add(s, full, int32(v.Number()))
			}
		}
	}
	return names
}

// CheckEnumNames tells whether the enums that the message can reach stay unambiguous when the prefix that repeats the
// enum's name is stripped, or when case is folded. A schema is checked when it is loaded, if either option is in use:
// a name that is ambiguous is refused when it is met.
func (m *Message) CheckEnumNames(strip, fold bool) error {
	bits := 0
	if strip {
		bits |= stripBit
	}
	if fold {
		bits |= foldBit
	}
	if bits == 0 {
		return nil
	}
	var errs []error
	enums := map[*enumTable]bool{}
	m.walk(func(n *Message) {
		for i := range n.fields {
			t := n.fields[i].enum
			if v := n.fields[i].mapVal; v != nil {
				t = v.enum
			}
			if t == nil || enums[t] {
				continue
			}
			enums[t] = true
			t.looseNames(bits, func(name, first, second string) {
				errs = append(errs, fmt.Errorf("enum %s: %s and %s would both be %s", t.desc.FullName(), first, second, name))
			})
		}
	})
	return errors.Join(errs...)
}

// walk calls f for the message and each one that it can reach through its fields.
func (m *Message) walk(f func(*Message)) {
	seen := map[*Message]bool{m: true}
	queue := []*Message{m}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		f(n)
		for i := range n.fields {
			next := n.fields[i].message
			if v := n.fields[i].mapVal; v != nil {
				next = v.message
			}
			if next != nil && !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
}

// StripEnumPrefix is the name of a value as EncodeOptions.StripEnumPrefix writes it; enum is the name of its enum.
func StripEnumPrefix(value, enum string) string { return stripPrefix(value, enum) }

// stripPrefix takes the name of an enum, in upper snake case, from the front of the name of one of its values. What
// would be left empty or start with a digit, and so could be taken for a number, keeps it.
func stripPrefix(value, enum string) string {
	var b strings.Builder
	for i := range len(enum) {
		c := enum[i]
		if isUpper(c) && i > 0 && (!isUpper(enum[i-1]) && enum[i-1] != '_' || i+1 < len(enum) && isLower(enum[i+1]) && isUpper(enum[i-1])) {
			b.WriteByte('_')
		}
		b.WriteByte(c)
	}
	b.WriteByte('_')
	prefix := upper(b.String())
	rest, ok := strings.CutPrefix(value, prefix)
	if !ok || rest == "" || isDigit(rest[0]) {
		return value
	}
	return rest
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// upper is strings.ToUpper for ASCII letters alone: no other fold to one, as the Kelvin sign would to k.
func upper(s string) string { return string(appendUpper(nil, []byte(s))) }

func appendUpper(dst, s []byte) []byte {
	for _, c := range s {
		if isLower(c) {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
