// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// maxDepth is how deep messages may be nested in a message that is looked at.
const maxDepth = 100

var errNotUTF8 = errors.New("a text is not UTF-8")

// message decodes what an expression looks at of messages of one type.
type message struct {
	d      protoreflect.MessageDescriptor
	wanted map[protowire.Number]bool // nil for all fields
}

func newMessage(d protoreflect.MessageDescriptor, r reads) *message {
	m := &message{d: d}
	if r.whole {
		return m
	}
	m.wanted = map[protowire.Number]bool{}
	for name := range r.fields {
		fd := d.Fields().ByName(protoreflect.Name(name))
		if fd == nil { // an extension, say
			m.wanted = nil
			return m
		}
		m.wanted[fd.Number()] = true
		if one := fd.ContainingOneof(); one != nil { // the last of them on the wire clears the others
			for i := range one.Fields().Len() {
				m.wanted[one.Fields().Get(i).Number()] = true
			}
		}
	}
	return m
}

// decode reads the fields that are looked at. All else of a large message is skipped.
func (m *message) decode(data []byte) (proto.Message, error) {
	if m.wanted != nil {
		var err error
		if data, err = m.pick(data); err != nil {
			return nil, err
		}
	}
	decoded := dynamicpb.NewMessage(m.d)
	// What is required and not there is for the backend to refuse: of fields that are skipped nothing is known here.
	err := proto.UnmarshalOptions{AllowPartial: true, RecursionLimit: maxDepth}.Unmarshal(data, decoded)
	return decoded, err
}

// check tells what is wrong with a message of which fields are read that are a text, or true or false.
func (m *message) check(data []byte) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, kind, data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		if kind == protowire.BytesType && m.wanted[number] && m.d.Fields().ByNumber(number).Kind() == protoreflect.StringKind {
			if value, _ := protowire.ConsumeBytes(data); !utf8.Valid(value) {
				return errNotUTF8
			}
		}
		data = data[size:]
	}
	return nil
}

// pick returns the fields that are looked at, in their order: one field may be there several times.
func (m *message) pick(data []byte) ([]byte, error) {
	var picked []byte
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if m.wanted[number] {
			picked = append(picked, data[:n+size]...)
		}
		data = data[n+size:]
	}
	return picked, nil
}
