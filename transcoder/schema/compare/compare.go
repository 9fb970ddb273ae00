// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package compare provides what differs between two schemas, and what of that breaks clients that were made for the first: by method and by
// field.
//
// A change breaks clients when one that was right before can fail by it: because it calls what is gone, sends what is not understood, or is
// sent what it does not understand. That is told for the wire and for JSON alike, since the gateway speaks both.
package compare

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Rule names a kind of change.
type Rule string

// The kinds of changes. Those that only add something break nothing.
const (
	ServiceRemoved        Rule = "SERVICE_REMOVED"
	MethodRemoved         Rule = "METHOD_REMOVED"
	RequestTypeChanged    Rule = "REQUEST_TYPE_CHANGED"
	ResponseTypeChanged   Rule = "RESPONSE_TYPE_CHANGED"
	StreamingChanged      Rule = "STREAMING_CHANGED"
	FieldRemoved          Rule = "FIELD_REMOVED"
	FieldRenamed          Rule = "FIELD_RENAMED"
	FieldNumberChanged    Rule = "FIELD_NUMBER_CHANGED"
	FieldTypeChanged      Rule = "FIELD_TYPE_CHANGED"
	FieldLabelChanged     Rule = "FIELD_LABEL_CHANGED"
	FieldOneofChanged     Rule = "FIELD_ONEOF_CHANGED"
	FieldBecameRequired   Rule = "FIELD_BECAME_REQUIRED"
	RequiredFieldAdded    Rule = "REQUIRED_FIELD_ADDED"
	EnumValueRemoved      Rule = "ENUM_VALUE_REMOVED"
	EnumValueRenamed      Rule = "ENUM_VALUE_RENAMED"
	RouteRemoved          Rule = "ROUTE_REMOVED"
	ServiceAdded          Rule = "SERVICE_ADDED"
	MethodAdded           Rule = "METHOD_ADDED"
	FieldAdded            Rule = "FIELD_ADDED"
	EnumValueAdded        Rule = "ENUM_VALUE_ADDED"
	FieldNoLongerRequired Rule = "FIELD_NO_LONGER_REQUIRED"
)

// Bounds of what is told.
const (
	maxMethods = 20 // that a change names
	maxChanges = 2000
)

// breaking are the rules by which clients break.
var breaking = map[Rule]bool{
	ServiceRemoved: true, MethodRemoved: true, RequestTypeChanged: true, ResponseTypeChanged: true, StreamingChanged: true, FieldRemoved: true,
	FieldRenamed: true, FieldNumberChanged: true, FieldTypeChanged: true, FieldLabelChanged: true, FieldOneofChanged: true, FieldBecameRequired: true,
	RequiredFieldAdded: true, EnumValueRemoved: true, EnumValueRenamed: true, RouteRemoved: true,
}

// Change is one change between two schemas.
type Change struct {
	// Breaking says that clients can break by it.
	Breaking bool
	// Rule names what kind of change it is.
	Rule Rule
	// Element is what changed: a method as acme.v1.Users/Get, else a full name.
	Element string
	// Message says what changed, in one sentence without a capital and a full stop.
	Message string
	// Methods are those that it touches, as acme.v1.Users/Get, some of them where there are many.
	Methods []string
}

// New returns a change, which breaks clients if those of its rule do.
func New(rule Rule, element, message string, methods ...string) Change {
	return Change{Breaking: breaking[rule], Rule: rule, Element: element, Message: message, Methods: methods}
}

// Methods returns what differs from the methods of one schema, and all that their messages are made of, to those of another: first what
// breaks clients. Methods are told apart by their names. At most 2000 changes are told.
func Methods(before, after []protoreflect.MethodDescriptor) []Change {
	c := &comparison{after: map[string]protoreflect.MethodDescriptor{}, messages: map[[2]protoreflect.MessageDescriptor]*visit{}, enums: map[[2]protoreflect.EnumDescriptor]bool{}, at: map[string]int{}, owners: map[string]protoreflect.FullName{}}
	old, services := map[string]bool{}, map[protoreflect.FullName]bool{}
	for _, m := range after {
		c.after[nameOf(m)] = m
		services[m.Parent().FullName()] = true
	}
	oldServices, gone := map[protoreflect.FullName]bool{}, map[protoreflect.FullName]bool{}
	for _, m := range before {
		old[nameOf(m)] = true
		service := m.Parent().FullName()
		oldServices[service] = true
		if services[service] {
			c.method(m)
		} else if !gone[service] {
			gone[service] = true
			c.add(ServiceRemoved, string(service), "is gone, with all its methods")
		}
	}
	added := map[protoreflect.FullName]bool{}
	for _, m := range after {
		switch service := m.Parent().FullName(); {
		case old[nameOf(m)] || added[service]:
		case !oldServices[service]:
			added[service] = true
			c.add(ServiceAdded, string(service), "is new")
		default:
			c.add(MethodAdded, nameOf(m), "is new", nameOf(m))
		}
	}
	c.nameMethods(before)
	Sort(c.changes)
	return c.changes
}

// of tells of a change of a message or an enum.
func (c *comparison) of(owner protoreflect.Descriptor, rule Rule, element, message string) {
	c.owners[string(rule)+" "+element] = owner.FullName()
	c.add(rule, element, message)
}

// nameMethods names, at each change of a message or an enum, the methods that have it in what they take or return.
func (c *comparison) nameMethods(methods []protoreflect.MethodDescriptor) {
	changed := map[protoreflect.FullName][]int{}
	for key, owner := range c.owners {
		if i, told := c.at[key]; told {
			changed[owner] = append(changed[owner], i)
		}
	}
	if len(changed) == 0 {
		return
	}
	for _, m := range methods {
		seen := map[protoreflect.FullName]bool{}
		walk(m.Input(), seen)
		walk(m.Output(), seen)
		for owner := range seen {
			for _, i := range changed[owner] {
				if own := &c.changes[i]; len(own.Methods) < maxMethods && !slices.Contains(own.Methods, nameOf(m)) {
					own.Methods = append(own.Methods, nameOf(m))
				}
			}
		}
	}
}

// walk finds all messages and enums that a message is made of.
func walk(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[m.FullName()] {
		return
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		switch f := m.Fields().Get(i); {
		case f.Message() != nil:
			walk(f.Message(), seen)
		case f.Enum() != nil:
			seen[f.Enum().FullName()] = true
		}
	}
}

// Sort puts what breaks clients first, and then sorts by element and rule.
func Sort(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int {
		if a.Breaking != b.Breaking {
			if a.Breaking {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Element, b.Element), cmp.Compare(a.Rule, b.Rule))
	})
}

// Breaking returns how many changes break clients.
func Breaking(changes []Change) int {
	n := 0
	for i := range changes {
		if changes[i].Breaking {
			n++
		}
	}
	return n
}

// comparison is a comparison under way.
type comparison struct {
	after    map[string]protoreflect.MethodDescriptor
	messages map[[2]protoreflect.MessageDescriptor]*visit
	enums    map[[2]protoreflect.EnumDescriptor]bool
	changes  []Change
	at       map[string]int                   // the index in changes, by rule and element
	sent     bool                             // what is compared is of a request
	owners   map[string]protoreflect.FullName // the message or the enum that changed, by rule and element
}

// visit tells for which ways messages were compared, so that each is once, however often it is reached.
type visit struct{ sent, received bool }

// add tells of a change, once of each element.
func (c *comparison) add(rule Rule, element, message string, methods ...string) {
	key := string(rule) + " " + element
	if _, ok := c.at[key]; ok || len(c.changes) == maxChanges {
		return
	}
	c.at[key] = len(c.changes)
	c.changes = append(c.changes, New(rule, element, message, methods...))
}

func (c *comparison) method(m protoreflect.MethodDescriptor) {
	full := nameOf(m)
	n := c.after[full]
	if n == nil {
		c.add(MethodRemoved, full, "is gone", full)
		return
	}
	if m.IsStreamingClient() != n.IsStreamingClient() || m.IsStreamingServer() != n.IsStreamingServer() {
		c.add(StreamingChanged, full, fmt.Sprintf("was %s and is %s", kindOf(m), kindOf(n)), full)
	}
	if m.Input().FullName() != n.Input().FullName() {
		c.add(RequestTypeChanged, full, fmt.Sprintf("took %s and takes %s", m.Input().FullName(), n.Input().FullName()), full)
	}
	if m.Output().FullName() != n.Output().FullName() {
		c.add(ResponseTypeChanged, full, fmt.Sprintf("returned %s and returns %s", m.Output().FullName(), n.Output().FullName()), full)
	}
	c.sent = true
	c.message(m.Input(), n.Input())
	c.sent = false
	c.message(m.Output(), n.Output())
}

// message compares two messages and all that they are made of.
func (c *comparison) message(old, own protoreflect.MessageDescriptor) {
	if old == own { // one that both schemas have from the program itself
		return
	}
	v := c.messages[[2]protoreflect.MessageDescriptor{old, own}]
	if v == nil {
		v = &visit{}
		c.messages[[2]protoreflect.MessageDescriptor{old, own}] = v
	}
	if c.sent && v.sent || !c.sent && v.received {
		return
	}
	v.sent, v.received = v.sent || c.sent, v.received || !c.sent
	for i := range old.Fields().Len() {
		c.field(old.Fields().Get(i), own)
	}
	for i := range own.Fields().Len() {
		f := own.Fields().Get(i)
		if old.Fields().ByNumber(f.Number()) != nil || old.Fields().ByName(f.Name()) != nil {
			continue
		}
		if c.sent && required(f) {
			c.of(own, RequiredFieldAdded, string(f.FullName()), "is new and required")
		} else {
			c.of(own, FieldAdded, string(f.FullName()), "is new")
		}
	}
}

func (c *comparison) field(old protoreflect.FieldDescriptor, own protoreflect.MessageDescriptor) {
	name := string(old.FullName())
	f := own.Fields().ByNumber(old.Number())
	if byName := own.Fields().ByName(old.Name()); f == nil || byName != nil && byName != f {
		if byName == nil {
			c.of(own, FieldRemoved, name, fmt.Sprintf("is gone, with its number %d", old.Number()))
			return
		}
		c.of(own, FieldNumberChanged, name, fmt.Sprintf("had the number %d and has %d", old.Number(), byName.Number()))
		f = byName
	}
	if f.Name() != old.Name() || f.JSONName() != old.JSONName() {
		c.of(own, FieldRenamed, name, fmt.Sprintf("was %s in JSON and is %s", old.JSONName(), f.JSONName()))
	}
	if f.IsMap() != old.IsMap() || f.IsList() != old.IsList() {
		c.of(own, FieldLabelChanged, name, fmt.Sprintf("was %s and is %s", labelOf(old), labelOf(f)))
		return
	}
	if typeOf(f) != typeOf(old) {
		c.of(own, FieldTypeChanged, name, fmt.Sprintf("was %s and is %s", typeOf(old), typeOf(f)))
		return
	}
	if oneofOf(f) != oneofOf(old) {
		c.of(own, FieldOneofChanged, name, fmt.Sprintf("was in %s and is in %s", cmp.Or(string(oneofOf(old)), "no oneof"), cmp.Or(string(oneofOf(f)), "no oneof")))
	}
	switch {
	case c.sent && required(f) && !required(old):
		c.of(own, FieldBecameRequired, name, "is required now")
	case c.sent && !required(f) && required(old):
		c.of(own, FieldNoLongerRequired, name, "is not required any more")
	}
	switch {
	case f.Message() != nil:
		c.message(old.Message(), f.Message())
	case f.Enum() != nil:
		c.enum(old.Enum(), f.Enum())
	}
}

func (c *comparison) enum(old, own protoreflect.EnumDescriptor) {
	if old == own || c.enums[[2]protoreflect.EnumDescriptor{old, own}] {
		return
	}
	c.enums[[2]protoreflect.EnumDescriptor{old, own}] = true
	for i := range old.Values().Len() {
		v := old.Values().Get(i)
		name := string(old.FullName()) + "." + string(v.Name())
		switch byNumber := own.Values().ByNumber(v.Number()); {
		case own.Values().ByName(v.Name()) != nil && own.Values().ByName(v.Name()).Number() == v.Number():
		case byNumber == nil:
			c.of(own, EnumValueRemoved, name, fmt.Sprintf("is gone, with its number %d", v.Number()))
		default:
			c.of(own, EnumValueRenamed, name, fmt.Sprintf("is called %s now", byNumber.Name()))
		}
	}
	for i := range own.Values().Len() {
		if v := own.Values().Get(i); old.Values().ByNumber(v.Number()) == nil {
			c.of(own, EnumValueAdded, string(own.FullName())+"."+string(v.Name()), "is new")
		}
	}
}

// nameOf is acme.v1.Users/Get.
func nameOf(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

func kindOf(m protoreflect.MethodDescriptor) string {
	switch {
	case m.IsStreamingClient() && m.IsStreamingServer():
		return "a stream in both directions"
	case m.IsStreamingClient():
		return "a stream of requests"
	case m.IsStreamingServer():
		return "a stream of answers"
	default:
		return "unary"
	}
}

func labelOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "a map"
	case f.IsList():
		return "a list"
	default:
		return "a single value"
	}
}

// typeOf is the type as it stands in a .proto file.
func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s, %s>", typeOf(f.MapKey()), typeOf(f.MapValue()))
	case f.Message() != nil:
		return string(f.Message().FullName())
	case f.Enum() != nil:
		return string(f.Enum().FullName())
	default:
		return f.Kind().String()
	}
}

// oneofOf is the name of the oneof that a field is in; that of an optional field is none.
func oneofOf(f protoreflect.FieldDescriptor) protoreflect.Name {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return o.Name()
	}
	return ""
}

// required says whether a request needs a field: as proto2 has it, or by google.api.field_behavior.
func required(f protoreflect.FieldDescriptor) bool {
	if f.Cardinality() == protoreflect.Required {
		return true
	}
	values, err := schema.OptionBytes(f.Options(), fieldBehavior)
	if err != nil {
		return false // no option can be read: nothing is said of the field
	}
	for _, packed := range values {
		for len(packed) > 0 {
			v, n := protowire.ConsumeVarint(packed)
			if n < 0 {
				break
			}
			if v == uint64(annotations.FieldBehavior_REQUIRED) {
				return true
			}
			packed = packed[n:]
		}
	}
	return false
}

// fieldBehavior is the number of the google.api.field_behavior option.
//
// https://github.com/googleapis/googleapis/blob/master/google/api/field_behavior.proto
const fieldBehavior = 1052
