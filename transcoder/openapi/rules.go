// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// oneofRequired tells whether a oneof must have a member.
func oneofRequired(od protoreflect.OneofDescriptor) bool {
	r := &validate.OneofRules{}
	return option(od, validateOption, r) && r.GetRequired()
}

// apply puts buf.validate rules into a schema, as far as JSON Schema can say them. What it cannot say is returned as sentences.
func (s *schemas) apply(o *object, fd protoreflect.FieldDescriptor, r *validate.FieldRules, in dialect) (notes []string) {
	if r == nil {
		return nil
	}
	for _, rule := range r.GetCel() {
		if text := rule.GetMessage(); text != "" {
			notes = append(notes, "Rule: "+text+".")
		} else if text := rule.GetExpression(); text != "" {
			notes = append(notes, "Rule: `"+oneLine(text)+"`.")
		}
	}
	for _, text := range r.GetCelExpression() {
		notes = append(notes, "Rule: `"+oneLine(text)+"`.")
	}
	if r.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE && !fd.HasPresence() && !fd.IsList() && !fd.IsMap() {
		inner := &object{}
		more := s.typed(inner, fd, r, in)
		if inner.len() > 0 { // the zero value passes, whatever the rules are
			if zero, ok := zeroOf(fd, in); ok {
				o.set("anyOf", list{obj("const", zero), inner})
			}
		}
		return append(notes, more...)
	}
	return append(notes, s.typed(o, fd, r, in)...)
}

// zeroOf is the JSON of the zero value of a field without presence.
func zeroOf(fd protoreflect.FieldDescriptor, in dialect) (any, bool) {
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return "", true
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind,
		protoreflect.FloatKind, protoreflect.DoubleKind:
		return 0, true
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if in.int64Numbers {
			return 0, true
		}
		return "0", true
	default:
		return nil, false
	}
}

// typed applies the rules of the field's type.
func (s *schemas) typed(o *object, fd protoreflect.FieldDescriptor, r *validate.FieldRules, in dialect) []string {
	switch t := r.GetType().(type) {
	case nil:
		return nil
	case *validate.FieldRules_String_:
		return applyString(o, t.String_)
	case *validate.FieldRules_Bytes:
		return applyBytes(t.Bytes)
	case *validate.FieldRules_Bool:
		if t.Bool.Const != nil {
			o.set("const", t.Bool.GetConst())
		}
		return nil
	case *validate.FieldRules_Enum:
		s.applyEnum(o, fd, t.Enum, in)
		return nil
	case *validate.FieldRules_Repeated:
		limit(o, "minItems", t.Repeated.MinItems)
		limit(o, "maxItems", t.Repeated.MaxItems)
		o.flag("uniqueItems", t.Repeated.GetUnique())
		return nil
	case *validate.FieldRules_Map:
		limit(o, "minProperties", t.Map.MinPairs)
		limit(o, "maxProperties", t.Map.MaxPairs)
		return nil
	case *validate.FieldRules_Any, *validate.FieldRules_Duration, *validate.FieldRules_Timestamp, *validate.FieldRules_FieldMask:
		return describeRules(r)
	default:
		return applyNumber(o, r)
	}
}

func limit(o *object, key string, n *uint64) {
	if n != nil {
		o.set(key, json.Number(strconv.FormatUint(*n, 10)))
	}
}

func applyString(o *object, r *validate.StringRules) (notes []string) {
	limit(o, "minLength", r.MinLen)
	limit(o, "maxLength", r.MaxLen)
	if r.Len != nil {
		limit(o, "minLength", r.Len)
		limit(o, "maxLength", r.Len)
	}
	if r.Const != nil {
		o.set("const", r.GetConst())
	}
	o.text("pattern", r.GetPattern())
	if len(r.GetIn()) > 0 {
		o.set("enum", texts(r.GetIn()))
	}
	if len(r.GetNotIn()) > 0 {
		o.set("not", obj("enum", texts(r.GetNotIn())))
	}
	o.text("format", stringFormats[wellKnownOf(r)])
	for _, n := range []struct {
		text  string
		value *uint64
	}{{"It has %d bytes.", r.LenBytes}, {"It has at least %d bytes.", r.MinBytes}, {"It has at most %d bytes.", r.MaxBytes}} {
		if n.value != nil {
			notes = append(notes, fmt.Sprintf(n.text, *n.value))
		}
	}
	for _, n := range []struct{ text, value string }{
		{"It begins with `%s`.", r.GetPrefix()},
		{"It ends with `%s`.", r.GetSuffix()},
		{"It has `%s` in it.", r.GetContains()},
		{"It does not have `%s` in it.", r.GetNotContains()},
	} {
		if n.value != "" {
			notes = append(notes, fmt.Sprintf(n.text, n.value))
		}
	}
	if kind := wellKnownOf(r); kind != "" && stringFormats[kind] == "" {
		notes = append(notes, "It is "+stringKinds[kind]+".")
	}
	return notes
}

// stringFormats are the formats of JSON Schema for the kinds of strings that rules name.
var stringFormats = map[string]string{
	"email": "email", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6", "uri": "uri", "uri_ref": "uri-reference", "uuid": "uuid",
}

// stringKinds are the kinds that have no format, in words.
var stringKinds = map[string]string{
	"ip": "an IP address", "address": "a host name or an IP address", "tuuid": "a UUID without hyphens", "ip_with_prefixlen": "an IP address with the length of its prefix",
	"ipv4_with_prefixlen": "an IPv4 address with the length of its prefix", "ipv6_with_prefixlen": "an IPv6 address with the length of its prefix",
	"ip_prefix": "an IP prefix", "ipv4_prefix": "an IPv4 prefix", "ipv6_prefix": "an IPv6 prefix", "host_and_port": "a host and a port", "ulid": "a ULID",
	"protobuf_fqn": "a full name of protobuf", "protobuf_dot_fqn": "a full name of protobuf with a dot before it", "well_known_regex": "fit for a header field of HTTP",
}

// wellKnownOf is the kind of string that rules name, or "".
func wellKnownOf(r *validate.StringRules) string {
	m := r.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("well_known"))
	if fd == nil || fd.Kind() == protoreflect.BoolKind && !m.Get(fd).Bool() {
		return ""
	}
	return string(fd.Name())
}

func applyBytes(r *validate.BytesRules) (notes []string) {
	for _, n := range []struct {
		text  string
		value *uint64
	}{{"It has %d bytes.", r.Len}, {"It has at least %d bytes.", r.MinLen}, {"It has at most %d bytes.", r.MaxLen}} {
		if n.value != nil {
			notes = append(notes, fmt.Sprintf(n.text, *n.value))
		}
	}
	if r.Const != nil {
		notes = append(notes, "It is `"+base64.StdEncoding.EncodeToString(r.GetConst())+"`.")
	}
	if r.GetPattern() != "" {
		notes = append(notes, "It matches `"+r.GetPattern()+"`.")
	}
	return notes
}

func (s *schemas) applyEnum(o *object, fd protoreflect.FieldDescriptor, r *validate.EnumRules, in dialect) {
	names := func(numbers []int32) (l list) {
		for _, n := range numbers {
			if v := fd.Enum().Values().ByNumber(protoreflect.EnumNumber(n)); v != nil {
				l = append(l, s.enumValue(v, in))
			}
		}
		return l
	}
	if r.Const != nil {
		if l := names([]int32{r.GetConst()}); l != nil {
			o.set("const", l[0])
		}
	}
	if l := names(r.GetIn()); l != nil {
		o.set("enum", l)
	}
	if l := names(r.GetNotIn()); l != nil {
		o.set("not", obj("enum", l))
	}
}

// applyNumber applies the rules of a number, whose messages all have the same names. 64 bits as a string have no bounds in JSON Schema.
func applyNumber(o *object, r *validate.FieldRules) (notes []string) {
	m := r.ProtoReflect()
	kind := m.WhichOneof(m.Descriptor().Oneofs().ByName("type"))
	own := m.Get(kind).Message()
	get := func(name protoreflect.Name) (json.Number, bool) {
		fd := own.Descriptor().Fields().ByName(name)
		if fd == nil || !own.Has(fd) {
			return "", false
		}
		return numberOf(own.Get(fd)), true
	}
	all := func(name protoreflect.Name) (l list) {
		fd := own.Descriptor().Fields().ByName(name)
		for i := range own.Get(fd).List().Len() {
			l = append(l, numberOf(own.Get(fd).List().Get(i)))
		}
		return l
	}
	if o.get("type") == "string" {
		return describeRules(r)
	}
	gt, lower := get("gt")
	gte, atLeast := get("gte")
	lt, upper := get("lt")
	lte, atMost := get("lte")
	if low, high := firstOf(gt, gte), firstOf(lt, lte); low != "" && high != "" && less(high, low) {
		return describeRules(r) // outside of a range
	}
	for _, b := range []struct {
		key   string
		value json.Number
		is    bool
	}{{"exclusiveMinimum", gt, lower}, {"minimum", gte, atLeast}, {"exclusiveMaximum", lt, upper}, {"maximum", lte, atMost}} {
		if b.is {
			if b.key == "exclusiveMinimum" {
				o.remove("minimum")
			}
			o.set(b.key, b.value)
		}
	}
	if v, ok := get("const"); ok {
		o.set("const", v)
	}
	if l := all("in"); l != nil {
		o.set("enum", l)
	}
	if l := all("not_in"); l != nil {
		o.set("not", obj("enum", l))
	}
	return nil
}

func numberOf(v protoreflect.Value) json.Number {
	switch n := v.Interface().(type) {
	case float32:
		return json.Number(strconv.FormatFloat(float64(n), 'g', -1, 32))
	case float64:
		return number(n)
	default:
		return json.Number(v.String())
	}
}

func firstOf(a, b json.Number) json.Number {
	if a != "" {
		return a
	}
	return b
}

func less(a, b json.Number) bool {
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	return err1 == nil && err2 == nil && x < y
}

// ruleWords are the names of rules in words.
var ruleWords = map[protoreflect.Name]string{
	"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "const": "exactly", "in": "one of", "not_in": "none of",
	"within": "not further from now than", "lt_now": "in the past", "gt_now": "in the future", "finite": "finite",
}

// describeRules says rules in words, for what JSON Schema has no keyword for.
func describeRules(r *validate.FieldRules) []string {
	m := r.ProtoReflect()
	kind := m.WhichOneof(m.Descriptor().Oneofs().ByName("type"))
	own := m.Get(kind).Message()
	var parts []string
	fields := own.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		word := ruleWords[fd.Name()]
		if word == "" || !own.Has(fd) {
			continue
		}
		switch {
		case fd.Kind() == protoreflect.BoolKind:
			parts = append(parts, word)
		case fd.IsList():
			var values []string
			for j := range own.Get(fd).List().Len() {
				values = append(values, inWords(own.Get(fd).List().Get(j)))
			}
			parts = append(parts, word+" "+strings.Join(values, ", "))
		default:
			parts = append(parts, word+" "+inWords(own.Get(fd)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	join := " and "
	if outside(own) {
		join = " or "
	}
	return []string{"It must be " + strings.Join(parts, join) + "."}
}

// outside tells whether rules permit what is not in a range: a lower bound that is higher than the upper one.
func outside(own protoreflect.Message) bool {
	bound := func(names ...protoreflect.Name) json.Number {
		for _, name := range names {
			if fd := own.Descriptor().Fields().ByName(name); fd != nil && own.Has(fd) && fd.Message() == nil {
				return numberOf(own.Get(fd))
			}
		}
		return ""
	}
	low, high := bound("gt", "gte"), bound("lt", "lte")
	return low != "" && high != "" && less(high, low)
}
