// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// shape is what has to be known of a message to write it in its one form.
type shape struct {
	low  [lowNumbers]*shapeField
	high map[protowire.Number]*shapeField
}

// lowNumbers is how many field numbers are found without a map.
const lowNumbers = 32

// shapeField is what has to be known of a field.
type shapeField struct {
	number protowire.Number
	rank   protowire.Number // fields are written in this order; those of a oneof have one, so that the last of them stays the last
	kind   protoreflect.Kind
	list   bool
	isMap  bool
	choice bool   // it is of a oneof with others
	zero   bool   // its zero value is the same as not being there
	inner  *shape // of messages and entries of maps
}

// shapes makes each shape once: messages may hold themselves.
type shapes map[protoreflect.FullName]*shape

func (all shapes) of(d protoreflect.MessageDescriptor) *shape {
	if s := all[d.FullName()]; s != nil {
		return s
	}
	s := &shape{}
	all[d.FullName()] = s
	fields := d.Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		f := &shapeField{
			number: fd.Number(), rank: fd.Number(), kind: fd.Kind(), list: fd.IsList(), isMap: fd.IsMap(),
			zero: !fd.HasPresence() && !fd.IsList() && !fd.IsMap(),
		}
		if one := fd.ContainingOneof(); one != nil && one.Fields().Len() > 1 {
			f.choice = true
			for j := range one.Fields().Len() {
				f.rank = min(f.rank, one.Fields().Get(j).Number())
			}
		}
		if fd.Kind() == protoreflect.MessageKind {
			f.inner = all.of(fd.Message())
		}
		s.add(f)
	}
	return s
}

func (s *shape) add(f *shapeField) {
	if f.number < lowNumbers {
		s.low[f.number] = f
		return
	}
	if s.high == nil {
		s.high = map[protowire.Number]*shapeField{}
	}
	s.high[f.number] = f
}

func (s *shape) field(n protowire.Number) *shapeField {
	if n < lowNumbers {
		return s.low[n]
	}
	return s.high[n]
}

// takes tells whether a value of a type on the wire is one of the field, and not an unknown one.
func (f *shapeField) takes(t protowire.Type) bool {
	own := protowire.VarintType
	switch f.kind {
	case protoreflect.MessageKind, protoreflect.StringKind, protoreflect.BytesKind:
		return t == protowire.BytesType
	case protoreflect.GroupKind:
		return false // groups are left as they are, with all that is around them
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		own = protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		own = protowire.Fixed64Type
	default:
	}
	return t == own || f.list && t == protowire.BytesType // packed
}
