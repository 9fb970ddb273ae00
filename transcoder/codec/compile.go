// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// compiler makes the tables of one message and of all that it can reach. Fields point at the tables of their messages, so
// these are made first and filled after; nothing is seen by others before all are full.
type compiler struct {
	codec *Codec
	made  map[protoreflect.MessageDescriptor]*Message
	queue []*Message
}

// compile gives the table of a message. The lock of the codec is held.
func (c *Codec) compileLocked(md protoreflect.MessageDescriptor) *Message {
	b := &compiler{codec: c, made: map[protoreflect.MessageDescriptor]*Message{}}
	m := b.message(md)
	b.fill()
	return m
}

func (b *compiler) fill() {
	for len(b.queue) > 0 {
		m := b.queue[len(b.queue)-1]
		b.queue = b.queue[:len(b.queue)-1]
		b.fields(m)
	}
	for md, m := range b.made {
		b.codec.messages.Store(md, m)
	}
}

// message gives the table of a message that may yet have to be filled.
func (b *compiler) message(md protoreflect.MessageDescriptor) *Message {
	if m := b.codec.known(md); m != nil {
		return m
	}
	if m := b.made[md]; m != nil {
		return m
	}
	m := &Message{codec: b.codec, desc: md}
	m.extensions.Store(&extensions{})
	b.made[md] = m
	b.queue = append(b.queue, m)
	return m
}

func schemaError(m protoreflect.FullName, format string, args ...any) *Error {
	return &Error{Kind: KindSchema, Offset: -1, Message: fmt.Sprintf("message %s %s", m, fmt.Sprintf(format, args...))}
}

const maxFields = 1<<16 - 2

func (b *compiler) fields(m *Message) {
	md := m.desc
	fds := md.Fields()
	switch {
	case md.IsPlaceholder():
		m.err = schemaError(md.FullName(), "is not in the schema")
		return
	case isMessageSet(md):
		m.err = schemaError(md.FullName(), "is a proto1 message set, which has no JSON form")
		return
	case fds.Len() > maxFields:
		m.err = schemaError(md.FullName(), "has %d fields; the most is %d", fds.Len(), maxFields)
		return
	}
	if m.form, m.err = formOf(md); m.err != nil {
		return
	}
	oneofs := map[protoreflect.FullName]uint16{}
	for i := range md.Oneofs().Len() {
		if od := md.Oneofs().Get(i); !od.IsSynthetic() {
			oneofs[od.FullName()] = uint16(len(oneofs) + 1)
		}
	}
	m.oneofs = len(oneofs)
	m.extendable = md.ExtensionRanges().Len() > 0
	m.fields = make([]Field, fds.Len())
	last := protoreflect.FieldNumber(0)
	for i := range m.fields {
		fd := fds.Get(i)
		m.fields[i] = b.field(m, fd, uint16(i))
		if od := fd.ContainingOneof(); od != nil {
			m.fields[i].oneof = oneofs[od.FullName()]
		}
		m.scattered = m.scattered || fd.Number() < last
		last = fd.Number()
	}
	b.index(m)
}

// index makes the ways in: by number and by name.
func (b *compiler) index(m *Message) {
	limit := protoreflect.FieldNumber(4*len(m.fields) + 64)
	size := protoreflect.FieldNumber(0)
	for i := range m.fields {
		if n := m.fields[i].desc.Number(); n <= limit && n >= size {
			size = n + 1
		}
	}
	m.dense = make([]uint16, size)
	m.names = make(map[string]uint16, 2*len(m.fields))
	for i := range m.fields {
		f := &m.fields[i]
		if n := f.desc.Number(); n < size {
			m.dense[n] = uint16(i + 1)
		} else {
			if m.sparse == nil {
				m.sparse = map[protoreflect.FieldNumber]uint16{}
			}
			m.sparse[n] = uint16(i + 1)
		}
		// Where names clash, a JSON name counts before a proto name, and the first before the others.
		if _, ok := m.names[f.jsonName]; !ok {
			m.names[f.jsonName] = uint16(i)
		}
	}
	for i := range m.fields {
		name := m.fields[i].desc.TextName()
		if _, ok := m.names[name]; !ok {
			m.names[name] = uint16(i)
		}
	}
	m.guesses = maxGuesses
	for i := range m.fields {
		f := &m.fields[i]
		if int(m.names[f.jsonName]) != i || int(m.names[f.desc.TextName()]) != i {
			m.guesses = 0
		}
	}
}

const maxGuesses = 4

// field compiles one field, of a message or an extension.
func (b *compiler) field(m *Message, fd protoreflect.FieldDescriptor, index uint16) Field {
	f := Field{
		parent: m, desc: fd, kind: fd.Kind(), index: index, presence: fd.HasPresence() || fd.IsExtension(),
		packed: fd.IsPacked(), jsonName: fd.JSONName(),
	}
	if o, ok := fd.Options().(*descriptorpb.FieldOptions); ok {
		f.redacted = o.GetDebugRedact()
	}
	for i, name := range [...]string{fd.JSONName(), fd.TextName()} {
		f.quoted[i] = string(appendQuoted(nil, name))
		f.key[i] = "," + f.quoted[i] + ":"
	}
	switch {
	case fd.IsMap():
		f.shape = mapping
		key := b.field(m, fd.MapKey(), 0)
		val := b.field(m, fd.MapValue(), 1)
		f.mapKey, f.mapVal = &key, &val
		f.wireType = uint8(protowire.BytesType)
	case fd.IsList():
		f.shape = list
		fallthrough
	default:
		f.wireType = wireTypeOf(f.kind)
		if md := fd.Message(); md != nil {
			f.message = b.message(md)
			f.nullable = md.FullName() == "google.protobuf.Value"
		}
		if ed := fd.Enum(); ed != nil {
			f.enum = b.codec.enumTable(ed)
			f.nullable = f.enum.null
		}
	}
	num := uint64(fd.Number())
	f.tag = num<<3 | uint64(f.wireType)
	written := f.tag
	if f.shape == list && f.wireType != uint8(protowire.BytesType) && f.wireType != uint8(protowire.StartGroupType) {
		f.packedTag = num<<3 | uint64(protowire.BytesType)
		if f.packed {
			written = f.packedTag
		}
	}
	switch {
	case !f.presence:
		f.absent = absentZero
	case fd.ContainingOneof() == nil && !fd.IsExtension():
		f.absent = absentNull
	}
	for i := range f.zero {
		e := encoder{o: &EncodeOptions{}}
		f.zero[i] = f.key[i] + string(e.zero(nil, &f))
	}
	f.tagLen = uint8(len(protowire.AppendVarint(f.tagBytes[:0], written)))
	return f
}

func wireTypeOf(k protoreflect.Kind) uint8 {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return uint8(protowire.Fixed32Type)
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return uint8(protowire.Fixed64Type)
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return uint8(protowire.BytesType)
	case protoreflect.GroupKind:
		return uint8(protowire.StartGroupType)
	default:
		return uint8(protowire.VarintType)
	}
}

// isMessageSet tells whether a message is of the wire format of proto1, which protojson refuses too.
func isMessageSet(md protoreflect.MessageDescriptor) bool {
	o, ok := md.Options().(*descriptorpb.MessageOptions)
	return ok && o.GetMessageSetWireFormat()
}
