// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"strconv"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// behaviorOption is the number of the option google.api.field_behavior.
//
// https://github.com/googleapis/googleapis/blob/master/google/api/field_behavior.proto
const behaviorOption = 1052

// behaviors are what google.api.field_behavior says of the messages of one schema, and of that what is looked at: required fields, and those that are
// output only.
type behaviors map[protoreflect.FullName]map[[2]bool]*behavior

// behavior is what is looked at in a message. A nil one looks at nothing.
type behavior struct {
	fields []fieldBehavior
	live   bool
}

// fieldBehavior is what is looked at in a field.
type fieldBehavior struct {
	desc       protoreflect.FieldDescriptor
	required   bool // it must be there
	outputOnly bool // it must not
	child      *behavior
}

// has tells whether a field has a behavior.
func has(fd protoreflect.FieldDescriptor, b annotations.FieldBehavior) bool {
	values, err := schema.OptionBytes(fd.Options(), behaviorOption)
	if err != nil {
		return false
	}
	for _, value := range values { // a number, or several that are packed
		for rest := value; len(rest) > 0; {
			n, size := protowire.ConsumeVarint(rest)
			if size < 0 {
				break
			}
			if n == uint64(b) { //nolint:gosec // it is small
				return true
			}
			rest = rest[size:]
		}
	}
	return false
}

// outputOnly tells whether requests have no say in a field.
func outputOnly(fd protoreflect.FieldDescriptor) bool {
	return has(fd, annotations.FieldBehavior_OUTPUT_ONLY)
}

// must tells whether a field is to be there. Numbers and bools without presence always are: their zero is a value like any other.
func must(fd protoreflect.FieldDescriptor) bool {
	if !has(fd, annotations.FieldBehavior_REQUIRED) || has(fd, annotations.FieldBehavior_OUTPUT_ONLY) {
		return false
	}
	if fd.HasPresence() || fd.IsList() || fd.IsMap() {
		return true
	}
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.EnumKind:
		return true
	default:
		return false
	}
}

// of returns what is looked at in a message: nil for nothing.
func (s behaviors) of(d protoreflect.MessageDescriptor, required, refuse bool) *behavior {
	if !required && !refuse {
		return nil
	}
	var made []*behavior
	b := s.reach(d, [2]bool{required, refuse}, &made)
	for changed := true; changed; {
		changed = false
		for _, b := range made {
			for i := range b.fields {
				f := &b.fields[i]
				if !b.live && (f.required || f.outputOnly || f.child != nil && f.child.live) {
					b.live, changed = true, true
				}
			}
		}
	}
	if !b.live {
		return nil
	}
	return b
}

func (s behaviors) reach(d protoreflect.MessageDescriptor, what [2]bool, made *[]*behavior) *behavior {
	if s[d.FullName()] == nil {
		s[d.FullName()] = map[[2]bool]*behavior{}
	}
	if b := s[d.FullName()][what]; b != nil {
		return b
	}
	b := &behavior{}
	s[d.FullName()][what] = b
	*made = append(*made, b)
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		f := fieldBehavior{desc: fd, required: what[0] && must(fd), outputOnly: what[1] && outputOnly(fd)}
		switch inner := fd.Message(); {
		case fd.IsMap():
			if value := fd.MapValue().Message(); value != nil {
				f.child = s.reach(value, what, made)
			}
		case inner != nil:
			f.child = s.reach(inner, what, made)
		}
		if f.required || f.outputOnly || f.child != nil {
			b.fields = append(b.fields, f)
		}
	}
	return b
}

// step is one step of the path to a message, which is put together only if something is wrong there.
type step struct {
	up    *step
	field protoreflect.FieldDescriptor
	index string // with brackets, of a list or a map
}

// path returns the path to a field of the message, with indexes or without.
func (s *step) path(last string, indexes bool) string {
	for ; s != nil; s = s.up {
		name := string(s.field.Name())
		if indexes {
			name += s.index
		}
		last = name + "." + last
	}
	return last
}

// check looks at a message. What is required of a resource in a request with a mask is only what the mask names.
func (b *behavior) check(m protoreflect.Message, masked *masked, found *violations) {
	if b != nil && b.live {
		b.walk(m, nil, masked, found)
	}
}

func (b *behavior) walk(m protoreflect.Message, at *step, masked *masked, found *violations) {
	for i := range b.fields {
		if found.full() {
			return
		}
		f := &b.fields[i]
		there := m.Has(f.desc)
		name := string(f.desc.Name())
		switch {
		case f.required && !there && masked.names(at, name):
			found.add(violation{field: at.path(name, true), description: "is required", rule: "required"})
		case f.outputOnly && there:
			found.add(violation{field: at.path(name, true), description: "is set by the service and must be left out", rule: "output_only"})
		}
		if there && f.child != nil && f.child.live {
			f.within(m.Get(f.desc), at, masked, found)
		}
	}
}

// within looks at the messages of a field.
func (f *fieldBehavior) within(v protoreflect.Value, at *step, masked *masked, found *violations) {
	switch {
	case f.desc.IsMap():
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			key := k.String()
			if f.desc.MapKey().Kind() == protoreflect.StringKind {
				key = strconv.Quote(key)
			}
			f.child.walk(v.Message(), &step{at, f.desc, "[" + key + "]"}, masked, found)
			return !found.full()
		})
	case f.desc.IsList():
		for i := range v.List().Len() {
			if found.full() {
				return
			}
			f.child.walk(v.List().Get(i).Message(), &step{at, f.desc, "[" + strconv.Itoa(i) + "]"}, masked, found)
		}
	default:
		f.child.walk(v.Message(), &step{at, f.desc, ""}, masked, found)
	}
}
