// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxAbsent is how many numbers a message remembers to be no extension, so that bytes of a newer schema cost one
// look-up and hostile bytes do not cost memory.
const maxAbsent = 1024

// extensions is what is known so far of the extensions of one message; it is replaced as a whole when one is added.
type extensions struct {
	byNumber map[protoreflect.FieldNumber]*extension // nil where there is none of that number
	byName   map[string]*extension
	ranked   []*extension // by full name, which is the order of output
	absent   int          // nils in byNumber
}

// extension is an extension field and its place in ranked.
type extension struct {
	field *Field
	rank  int
}

func (m *Message) knownExtensions() *extensions { return m.extensions.Load() }

// extensionByNumber gives the extension of a number; nil if there is none. What it gives is in knownExtensions by then.
func (m *Message) extensionByNumber(num protoreflect.FieldNumber) *extension {
	if x, ok := m.knownExtensions().byNumber[num]; ok {
		return x
	}
	if !m.desc.ExtensionRanges().Has(num) {
		return nil
	}
	xt, err := m.codec.types.FindExtensionByNumber(m.desc.FullName(), num)
	if err != nil {
		m.rememberAbsent(num)
		return nil
	}
	return m.addExtension(xt.TypeDescriptor())
}

// extensionByName gives the extension of a full name; nil if there is none of this message, and whether there is one of
// another.
func (m *Message) extensionByName(name []byte) (x *extension, other bool) {
	if x, ok := m.knownExtensions().byName[string(name)]; ok {
		return x, false
	}
	xt, err := m.codec.types.FindExtensionByName(protoreflect.FullName(name))
	if err != nil {
		return nil, false
	}
	x = m.addExtension(xt.TypeDescriptor())
	return x, x == nil
}

// addExtension compiles an extension; it gives nil if that is of another message.
func (m *Message) addExtension(xd protoreflect.ExtensionDescriptor) *extension {
	if xd.ContainingMessage().FullName() != m.desc.FullName() || !m.desc.ExtensionRanges().Has(xd.Number()) {
		return nil
	}
	m.codec.mu.Lock()
	defer m.codec.mu.Unlock()
	old := m.knownExtensions()
	if x := old.byName[string(xd.FullName())]; x != nil {
		return x
	}
	b := &compiler{codec: m.codec, made: map[protoreflect.MessageDescriptor]*Message{}}
	f := b.field(m, xd, maxFields+1)
	b.fill()
	// Ranks change, so every extension is made anew; the fields stay.
	fields := []*Field{&f}
	for _, x := range old.ranked {
		fields = append(fields, x.field)
	}
	slices.SortFunc(fields, func(a, b *Field) int {
		return strings.Compare(string(a.desc.FullName()), string(b.desc.FullName()))
	})
	next := &extensions{byNumber: maps.Clone(old.byNumber), byName: map[string]*extension{}, absent: old.absent}
	if next.byNumber == nil {
		next.byNumber = map[protoreflect.FieldNumber]*extension{}
	}
	for i, f := range fields {
		x := &extension{field: f, rank: i}
		next.byNumber[f.desc.Number()] = x
		next.byName[string(f.desc.FullName())] = x
		next.ranked = append(next.ranked, x)
	}
	m.extensions.Store(next)
	return next.byName[string(xd.FullName())]
}

func (m *Message) rememberAbsent(num protoreflect.FieldNumber) {
	m.codec.mu.Lock()
	defer m.codec.mu.Unlock()
	old := m.knownExtensions()
	if old.absent >= maxAbsent {
		return
	}
	next := *old
	next.byNumber = maps.Clone(old.byNumber)
	if next.byNumber == nil {
		next.byNumber = map[protoreflect.FieldNumber]*extension{}
	}
	next.byNumber[num] = nil
	next.absent++
	m.extensions.Store(&next)
}
