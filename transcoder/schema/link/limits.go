// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// maxDepth is how deep messages may be nested in descriptors. protoc refuses sources deeper than 32.
const maxDepth = 64

// Limits bound the descriptors of one load. They are counted on the wire, before anything is decoded, because what
// takes two bytes there may take two hundred in memory.
type Limits struct {
	// Files is the most files.
	Files int
	// Bytes is the most bytes of all files together.
	Bytes int
	// Messages is the most message types, nested ones and map entries included.
	Messages int
	// Elements is the most of everything that takes memory of its own: messages, fields, enum values, methods,
	// options, source positions, names in lists. A position costs about 150 bytes, a field about 500.
	Elements int
}

// Or returns the limits with the defaults where they are zero.
func (l Limits) Or(defaults Limits) Limits {
	for _, pair := range [][2]*int{
		{&l.Files, &defaults.Files},
		{&l.Bytes, &defaults.Bytes},
		{&l.Messages, &defaults.Messages},
		{&l.Elements, &defaults.Elements},
	} {
		if *pair[0] == 0 {
			*pair[0] = *pair[1]
		}
	}
	return l
}

// Check reports limits below zero.
func (l Limits) Check() error {
	for _, limit := range []struct {
		name  string
		value int
	}{{"files", l.Files}, {"bytes", l.Bytes}, {"messages", l.Messages}, {"elements", l.Elements}} {
		if limit.value < 0 {
			return fmt.Errorf("limits: %s is %d; it must be 0, for the default, or more", limit.name, limit.value)
		}
	}
	return nil
}

// Meter counts descriptors against limits. It is used by one goroutine at a time.
type Meter struct {
	limits Limits
	used   Limits
}

// NewMeter returns a meter that has counted nothing.
func NewMeter(limits Limits) *Meter { return &Meter{limits: limits} }

// File counts an encoded FileDescriptorProto. The error is a [*schema.LoadError]; it names the limit and its value.
// origin is where the bytes come from, for that error.
func (m *Meter) File(encoded []byte, origin string) error {
	return m.count(encoded, origin, func(b []byte) error { return m.message(b, fileFields, 0) }, 1)
}

// Set counts an encoded FileDescriptorSet.
func (m *Meter) Set(encoded []byte, origin string) error {
	return m.count(encoded, origin, func(b []byte) error { return m.message(b, setFields, 0) }, 0)
}

func (m *Meter) count(encoded []byte, origin string, walk func([]byte) error, files int) error {
	m.used.Bytes += len(encoded)
	m.used.Files += files
	err := m.exceeded()
	if err == nil {
		err = walk(encoded)
	}
	if err == nil {
		return nil
	}
	code := schema.CodeInvalid
	if tooBig := new(limitError); errors.As(err, &tooBig) {
		code = schema.CodeTooBig
	}
	return schema.NewLoadError(schema.Diagnostic{
		Code: code, Message: err.Error(), Spans: []schema.Span{{Position: schema.Position{File: origin}, Primary: true}},
	})
}

// limitError says which limit is exceeded.
type limitError struct {
	what  string
	limit int
}

func (e *limitError) Error() string {
	return fmt.Sprintf("the descriptors are more than %d %s, which is the limit", e.limit, e.what)
}

func (m *Meter) exceeded() error {
	switch {
	case m.used.Bytes > m.limits.Bytes:
		return &limitError{"bytes", m.limits.Bytes}
	case m.used.Files > m.limits.Files:
		return &limitError{"files", m.limits.Files}
	case m.used.Messages > m.limits.Messages:
		return &limitError{"messages", m.limits.Messages}
	case m.used.Elements > m.limits.Elements:
		return &limitError{"elements", m.limits.Elements}
	}
	return nil
}

// shape is what counting needs to know of a message of descriptor.proto: which fields have memory of their own, and
// which of them lie deeper.
type shape struct {
	name   protoreflect.FullName
	fields map[protowire.Number]*shape // nil for a list of strings or numbers
}

var setFields, fileFields = shapes() //nolint:gochecknoglobals // tables

func shapes() (set, file *shape) {
	known := make(map[protoreflect.FullName]*shape)
	var of func(protoreflect.MessageDescriptor) *shape
	of = func(message protoreflect.MessageDescriptor) *shape {
		if known[message.FullName()] != nil {
			return known[message.FullName()]
		}
		s := &shape{name: message.FullName(), fields: make(map[protowire.Number]*shape)}
		known[message.FullName()] = s
		for i := range message.Fields().Len() {
			switch field := message.Fields().Get(i); {
			case field.Message() != nil:
				s.fields[field.Number()] = of(field.Message())
			case field.IsList():
				s.fields[field.Number()] = nil
			}
		}
		return s
	}
	set = of((*descriptorpb.FileDescriptorSet)(nil).ProtoReflect().Descriptor())
	return set, set.fields[1]
}

// packedElement is how many bytes of packed numbers count as one element.
const packedElement = 16

// message counts one message and what lies in it.
func (m *Meter) message(encoded []byte, s *shape, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("messages are nested deeper than %d", maxDepth)
	}
	for len(encoded) > 0 {
		number, kind, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return errors.New("not a descriptor: " + reason(protowire.ParseError(n)))
		}
		size := protowire.ConsumeFieldValue(number, kind, encoded[n:])
		if size < 0 {
			return errors.New("not a descriptor: " + reason(protowire.ParseError(size)))
		}
		value := encoded[n : n+size]
		encoded = encoded[n+size:]
		inner, counted := s.fields[number]
		if !counted {
			continue
		}
		m.used.Elements += 1 + m.weigh(inner, kind, value)
		if err := m.enter(inner, s, number); err != nil {
			return err
		}
		if inner == nil || kind != protowire.BytesType {
			continue
		}
		value, _ = protowire.ConsumeBytes(value)
		if err := m.message(value, inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *Meter) weigh(inner *shape, kind protowire.Type, value []byte) int {
	if inner == nil && kind == protowire.BytesType {
		return len(value) / packedElement
	}
	return 0
}

// enter counts what has a limit of its own.
func (m *Meter) enter(inner, outer *shape, number protowire.Number) error {
	const setFile = 1
	switch {
	case outer == setFields && number == setFile:
		m.used.Files++
	case inner != nil && inner.name == "google.protobuf.DescriptorProto":
		m.used.Messages++
	}
	return m.exceeded()
}

// Unlimited is no limit at all.
const Unlimited = math.MaxInt
