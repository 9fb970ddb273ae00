// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package prune provides the removal of fields from messages in their wire form, by tables that are made once for a schema: no message is built.
package prune

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxDepth is how deep messages may lie in each other (threat E1).
const MaxDepth = 100

// Types finds what stands in a google.protobuf.Any, and what extends a message.
type Types interface {
	FindMessageByURL(url string) (protoreflect.MessageType, error)
	RangeExtensionsByMessage(message protoreflect.FullName, f func(protoreflect.ExtensionType) bool)
}

// Config says which fields go, wherever they stand.
type Config struct {
	// Drop tells whether a field goes, with all that it holds. It is asked once for each field of each type, in any order.
	Drop func(protoreflect.FieldDescriptor) bool
	// Types are the types of the schema. Without them what an Any holds, and extensions, stay as they are; types that they do not have stay as well.
	Types Types
}

// Pruner makes plans for the types of one schema. It is safe for concurrent use.
type Pruner struct {
	config Config

	mu    sync.Mutex
	types map[protoreflect.FullName]*node // guarded by mu; not more than the schema has types
}

// New returns a Pruner.
func New(cfg Config) *Pruner { return &Pruner{config: cfg, types: map[protoreflect.FullName]*node{}} }

// Plan removes fields from the messages of one type. It is immutable and safe for concurrent use. A nil Plan removes nothing.
type Plan struct {
	pruner *Pruner
	root   *node
}

// Plan returns the plan for a type: what Drop says, and the fields at these paths from the message. It is nil where nothing could ever be
// removed.
func (p *Pruner) Plan(d protoreflect.MessageDescriptor, paths ...Path) *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	root := p.typed(d)
	if len(paths) > 0 {
		root = p.along(d, paths)
	}
	if !root.live {
		return nil
	}
	return &Plan{pruner: p, root: root}
}

// Path is the way from a message to a field, by the fields on it. Behind a map it goes on in the values.
type Path []protoreflect.FieldDescriptor

// ParsePath finds a path such as "owner.email" in a message. Names are as in the .proto file.
func ParsePath(d protoreflect.MessageDescriptor, text string) (Path, error) {
	var path Path
	for name := range strings.SplitSeq(text, ".") {
		if d == nil {
			last := path[len(path)-1]
			return nil, fmt.Errorf("field %s of %s is no message, and has no field %q", last.Name(), last.ContainingMessage().FullName(), name)
		}
		fd := d.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			return nil, fmt.Errorf("%s has no field %q", d.FullName(), name)
		}
		path, d = append(path, fd), fd.Message()
		if fd.IsMap() {
			d = fd.MapValue().Message()
		}
	}
	return path, nil
}

// anyName is the type whose messages hold messages.
const anyName = "google.protobuf.Any"

// node is what is done with the fields of a message.
type node struct {
	fields map[protowire.Number]action
	any    bool // the message is an Any
	live   bool // something can be removed from it
	opaque bool // it can hold an Any
}

// action is what is done with a field. Those that stay as they are have none.
type action struct {
	drop   bool
	child  *node // nil for no message
	single bool
}

// typed returns the node of a type, and makes those of all types that it can reach.
func (p *Pruner) typed(d protoreflect.MessageDescriptor) *node {
	if n, ok := p.types[d.FullName()]; ok {
		return n
	}
	var made []*node
	p.reach(d, &made)
	for changed := true; changed; { // a type may hold itself
		changed = false
		for _, n := range made {
			for _, a := range n.fields {
				live := n.live || a.drop || a.child != nil && a.child.live
				opaque := n.opaque || !a.drop && a.child != nil && a.child.opaque
				if live != n.live || opaque != n.opaque {
					n.live, n.opaque, changed = live, opaque, true
				}
			}
		}
	}
	return p.types[d.FullName()]
}

func (p *Pruner) reach(d protoreflect.MessageDescriptor, made *[]*node) *node {
	if n, ok := p.types[d.FullName()]; ok {
		return n
	}
	n := &node{fields: map[protowire.Number]action{}}
	p.types[d.FullName()] = n
	*made = append(*made, n)
	if d.FullName() == anyName && p.config.Types != nil {
		n.any, n.live, n.opaque = true, true, true
	}
	for fd := range p.fields(d) {
		switch {
		case p.config.Drop != nil && p.config.Drop(fd):
			n.fields[fd.Number()] = action{drop: true}
		case fd.Message() != nil:
			n.fields[fd.Number()] = action{child: p.reach(fd.Message(), made), single: fd.Cardinality() != protoreflect.Repeated}
		}
	}
	return n
}

// fields calls f for the fields of a message and those that extend it.
func (p *Pruner) fields(d protoreflect.MessageDescriptor) func(func(protoreflect.FieldDescriptor) bool) {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		for i := range d.Fields().Len() {
			if !yield(d.Fields().Get(i)) {
				return
			}
		}
		if p.config.Types != nil && d.ExtensionRanges().Len() > 0 {
			p.config.Types.RangeExtensionsByMessage(d.FullName(), func(t protoreflect.ExtensionType) bool { return yield(t.TypeDescriptor()) })
		}
	}
}

// along returns the node of a message in which the fields at paths go as well.
func (p *Pruner) along(d protoreflect.MessageDescriptor, paths []Path) *node {
	own := *p.typed(d)
	next := map[protowire.Number]action{}
	rest := map[protoreflect.FieldDescriptor][]Path{}
	for number, a := range own.fields {
		next[number] = a
	}
	own.fields = next
	for _, path := range paths {
		fd := path[0]
		if len(path) == 1 {
			own.fields[fd.Number()], own.live = action{drop: true}, true
			continue
		}
		rest[fd] = append(rest[fd], path[1:])
	}
	for fd, paths := range rest {
		a := own.fields[fd.Number()]
		if a.drop {
			continue
		}
		if !fd.IsMap() {
			a.child = p.along(fd.Message(), paths)
		} else {
			entry := *p.typed(fd.Message())
			value := p.along(fd.MapValue().Message(), paths)
			entry.fields = map[protowire.Number]action{fd.MapValue().Number(): {child: value, single: true}}
			entry.live, entry.opaque = true, value.opaque
			a.child = &entry
		}
		own.fields[fd.Number()], own.live = a, true
	}
	return &own
}

// held returns the node of what an Any holds; nil where it is not known, or nothing can go.
func (p *Pruner) held(url string) *node {
	t, err := p.config.Types.FindMessageByURL(url)
	if err != nil {
		return nil // there is no such type
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.typed(t.Descriptor()); n.live {
		return n
	}
	return nil
}

// Prune returns a message without the fields that go. Where there are none, it is the message itself, and false. Of a message that is no
// protobuf there is an error, and nothing of it may be used.
func (p *Plan) Prune(message []byte) ([]byte, bool, error) {
	if p == nil {
		return message, false, nil
	}
	found, err := p.pruner.scan(p.root, message, 1)
	if err != nil || !found {
		return message, false, err
	}
	out, err := p.pruner.build(make([]byte, 0, len(message)), p.root, message, 1)
	if err != nil {
		return nil, false, err
	}
	return out, true, nil
}

var (
	errMalformed = errors.New("prune: the message is no protobuf")
	errDeep      = fmt.Errorf("prune: messages lie in each other more than %d deep", MaxDepth)
	// errTwice is of what no program writes: readers put the two together, and what an Any holds would be in one and its type in the other.
	errTwice = errors.New("prune: a field that can hold an Any, and that has one value, stands twice")
)

// field is one field on the wire.
type field struct {
	number protowire.Number
	kind   protowire.Type
	tag    int    // its size
	size   int    // of tag and value
	inner  []byte // of a value that can be a message
}

// next reads the field that b begins with.
func next(b []byte) (field, error) {
	f := field{}
	f.number, f.kind, f.tag = protowire.ConsumeTag(b)
	if f.tag < 0 {
		return f, errMalformed
	}
	n := 0
	switch f.kind {
	case protowire.BytesType:
		f.inner, n = protowire.ConsumeBytes(b[f.tag:])
	case protowire.StartGroupType:
		f.inner, n = protowire.ConsumeGroup(f.number, b[f.tag:])
	default:
		n = protowire.ConsumeFieldValue(f.number, f.kind, b[f.tag:])
	}
	if n < 0 {
		return f, errMalformed
	}
	f.size = f.tag + n
	return f, nil
}

// message tells whether the value can be a message that an action is about.
func (f *field) message(a action) bool {
	return a.child != nil && a.child.live && (f.kind == protowire.BytesType || f.kind == protowire.StartGroupType)
}

// once notes that a field with one value, which can hold an Any, stands in a message.
func once(seen []protowire.Number, f *field, a action) ([]protowire.Number, error) {
	if !a.single || a.child == nil || !a.child.opaque {
		return seen, nil
	}
	if slices.Contains(seen, f.number) {
		return seen, errTwice
	}
	return append(seen, f.number), nil
}

// scan tells whether there is something to remove.
func (p *Pruner) scan(n *node, b []byte, depth int) (bool, error) {
	if depth > MaxDepth {
		return false, errDeep
	}
	if n.any {
		held, value, err := p.open(b)
		if err != nil || held == nil {
			return false, err
		}
		return p.scan(held, value, depth+1)
	}
	var (
		room [8]protowire.Number
		seen = room[:0]
	)
	for len(b) > 0 {
		f, err := next(b)
		if err != nil {
			return false, err
		}
		b = b[f.size:]
		a, ok := n.fields[f.number]
		if !ok {
			continue
		}
		if a.drop {
			return true, nil
		}
		if seen, err = once(seen, &f, a); err != nil {
			return false, err
		}
		if f.message(a) {
			if found, err := p.scan(a.child, f.inner, depth+1); err != nil || found {
				return found, err
			}
		}
	}
	return false, nil
}

// build appends a message without what goes.
func (p *Pruner) build(dst []byte, n *node, b []byte, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, errDeep
	}
	if n.any {
		return p.buildAny(dst, b, depth)
	}
	var seen []protowire.Number
	for len(b) > 0 {
		f, err := next(b)
		if err != nil {
			return nil, err
		}
		whole := b[:f.size]
		b = b[f.size:]
		a, ok := n.fields[f.number]
		if ok && a.drop {
			continue
		}
		if seen, err = once(seen, &f, a); err != nil {
			return nil, err
		}
		if !ok || !f.message(a) {
			dst = append(dst, whole...)
			continue
		}
		if dst, err = p.nested(append(dst, whole[:f.tag]...), a.child, &f, depth); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// nested appends what follows the tag of a message in a message.
func (p *Pruner) nested(dst []byte, n *node, f *field, depth int) ([]byte, error) {
	if f.kind == protowire.StartGroupType {
		dst, err := p.build(dst, n, f.inner, depth+1)
		if err != nil {
			return nil, err
		}
		return protowire.AppendTag(dst, f.number, protowire.EndGroupType), nil
	}
	// The length may need fewer bytes than before, never more.
	const most = 10
	var gap [most]byte
	room := protowire.SizeVarint(uint64(len(f.inner)))
	at := len(dst)
	dst, err := p.build(append(dst, gap[:room]...), n, f.inner, depth+1)
	if err != nil {
		return nil, err
	}
	size := len(dst) - at - room
	length := protowire.AppendVarint(gap[:0], uint64(size)) //nolint:gosec // it is not negative
	copy(dst[at+len(length):], dst[at+room:])
	copy(dst[at:], length)
	return dst[:at+len(length)+size], nil
}

// Fields of an Any.
const (
	anyURL   = 1
	anyValue = 2
)

// open returns what an Any holds, and the node of its type; nil where nothing of it can go.
func (p *Pruner) open(b []byte) (*node, []byte, error) {
	var url, value []byte
	for len(b) > 0 {
		f, err := next(b)
		if err != nil {
			return nil, nil, err
		}
		b = b[f.size:]
		switch {
		case f.kind != protowire.BytesType:
		case f.number == anyURL:
			url = f.inner
		case f.number == anyValue:
			value = f.inner
		}
	}
	if len(value) == 0 {
		return nil, nil, nil
	}
	return p.held(string(url)), value, nil
}

// buildAny appends an Any without what goes of that which it holds.
func (p *Pruner) buildAny(dst, b []byte, depth int) ([]byte, error) {
	held, value, err := p.open(b)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return append(dst, b...), nil
	}
	for rest := b; len(rest) > 0; {
		f, err := next(rest)
		if err != nil {
			return nil, err
		}
		if f.number != anyValue || f.kind != protowire.BytesType {
			dst = append(dst, rest[:f.size]...)
		}
		rest = rest[f.size:]
	}
	f := field{number: anyValue, kind: protowire.BytesType, inner: value}
	return p.nested(protowire.AppendTag(dst, anyValue, protowire.BytesType), held, &f, depth)
}
