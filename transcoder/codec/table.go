// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Message converts messages of one type. It is immutable to its users and safe for concurrent use.
type Message struct {
	codec *Codec
	desc  protoreflect.MessageDescriptor
	err   *Error // why the type cannot be converted
	form  form   // the JSON form, if it is not that of a plain message

	fields []Field  // in the order of declaration
	dense  []uint16 // field number → index + 1, for small numbers
	sparse map[protoreflect.FieldNumber]uint16
	names  map[string]uint16 // JSON and proto names → index
	// guesses is how many fields, from the one after the last on, are tried before a name is looked up in names; 0 if
	// names clash, so that the one tried could be the wrong one.
	guesses int
	oneofs  int // how many oneofs there are, without the synthetic ones

	// scattered tells that the fields are not declared in the order of their numbers, so that wire order is hardly ever
	// output order; unordered that such wire bytes have been seen. Both are hints: the output is the same without them.
	scattered bool
	unordered atomic.Bool

	extendable bool
	extensions atomic.Pointer[extensions]

	requiredOnce sync.Once // for needsRequired
	required     bool
}

// form is how a message looks in JSON.
type form uint8

const (
	formPlain form = iota
	formEmpty
	formAny
	formTimestamp
	formDuration
	formFieldMask
	formStruct
	formValue
	formList
	formWrapper
)

// custom tells that the form is not an object of the message's own fields.
func (f form) custom() bool { return f > formEmpty }

// shape is how often the value of a field occurs.
type shape uint8

const (
	singular shape = iota
	list
	mapping
)

// absence is what is written for a field without a value.
type absence uint8

const (
	absentNothing absence = iota
	absentNull            // null, under DefaultsNull
	absentZero            // its default, except under DefaultsOmit
)

// maxTag is the size of the longest tag.
const maxTag = 5

// Field converts the values of one field. It is immutable and safe for concurrent use.
type Field struct {
	parent *Message
	desc   protoreflect.FieldDescriptor

	kind     protoreflect.Kind
	shape    shape
	wireType uint8 // of one element
	packed   bool  // written packed
	presence bool  // zero is not the same as unset
	nullable bool  // null is a value or an element: google.protobuf.Value and NullValue
	redacted bool  // option debug_redact
	absent   absence
	index    uint16
	oneof    uint16 // index + 1 of the oneof, without the synthetic ones

	tag       uint64 // number and wire type of one element
	packedTag uint64 // number and wire type of a packed record; 0 if the kind cannot be packed
	tagLen    uint8
	tagBytes  [maxTag]byte // the tag that is written: packedTag if packed

	key      [2]string // `,"name":` by JSON name and by proto name
	quoted   [2]string // `"name"`
	zero     [2]string // `,"name":0`, its default under the default options; if absent is absentZero
	jsonName string    // for paths in errors

	message *Message   // of messages and groups
	enum    *enumTable // of enums
	mapKey  *Field     // of maps
	mapVal  *Field
}

// byNumber gives the field with a number, without extensions.
func (m *Message) byNumber(num uint64) *Field {
	if num < uint64(len(m.dense)) {
		if i := m.dense[num]; i != 0 {
			return &m.fields[i-1]
		}
		return nil
	}
	return m.bySparseNumber(num)
}

func (m *Message) bySparseNumber(num uint64) *Field {
	if m.sparse == nil || num > maxFieldNumber {
		return nil
	}
	if i := m.sparse[protoreflect.FieldNumber(num)]; i != 0 {
		return &m.fields[i-1]
	}
	return nil
}

// takesNull tells whether null is a value of the field, and does not unset it.
func (f *Field) takesNull() bool { return f.nullable && f.shape == singular }

const maxFieldNumber = 1<<29 - 1
