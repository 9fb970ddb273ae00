// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"fmt"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// dialect is how the JSON of a method is written, as far as schemas show it. Messages have a schema for each dialect in which they occur.
type dialect struct {
	protoNames, int64Numbers, enumNumbers, stripPrefix, nulls, redacted bool
}

func dialectOf(o *codec.EncodeOptions) dialect {
	return dialect{
		protoNames: o.ProtoNames, int64Numbers: o.Int64Numbers, enumNumbers: o.EnumNumbers, stripPrefix: o.StripEnumPrefix,
		nulls: o.Defaults == codec.DefaultsNull, redacted: o.DropRedacted,
	}
}

// name is the name of a field in JSON.
func (d dialect) name(fd protoreflect.FieldDescriptor) string {
	if d.protoNames {
		return fd.TextName()
	}
	return fd.JSONName()
}

// schemas are the components that messages and enums become when they are first used.
type schemas struct {
	builder  *builder
	dialects []dialect
	made     map[string]*object // by component name
}

// component is the name of the component of a type. The first dialect has the names of the types, others a number behind.
func (s *schemas) component(d protoreflect.Descriptor, in dialect) string {
	i := slices.Index(s.dialects, in)
	if i < 0 {
		i = len(s.dialects)
		s.dialects = append(s.dialects, in)
	}
	if i == 0 {
		return string(d.FullName())
	}
	return fmt.Sprintf("%s.json%d", d.FullName(), i+1)
}

// ref returns a reference to the component of that name, which fill makes the first time.
func (s *schemas) ref(name string, fill func(*object)) *object {
	if s.made[name] == nil {
		o := &object{}
		s.made[name] = o // before it is filled: types refer to themselves
		fill(o)
	}
	return obj("$ref", "#/components/schemas/"+name)
}

// message returns the schema of a message.
func (s *schemas) message(md protoreflect.MessageDescriptor, in dialect) *object {
	if o := s.wellKnown(md, in); o != nil {
		return o
	}
	return s.ref(s.component(md, in), func(o *object) { s.fill(o, md, in, nil) })
}

// without returns the schema of a message without fields that something else sets; omit are paths of fields, none of which is empty.
func (s *schemas) without(md protoreflect.MessageDescriptor, in dialect, omit [][]protoreflect.FieldDescriptor) *object {
	if len(omit) == 0 || s.wellKnown(md, in) != nil {
		return s.message(md, in)
	}
	o := &object{}
	s.fill(o, md, in, omit)
	return o
}

// fill makes the schema of a message that is an object of its fields.
func (s *schemas) fill(o *object, md protoreflect.MessageDescriptor, in dialect, omit [][]protoreflect.FieldDescriptor) {
	o.set("type", "object").text("description", comment(md))
	properties, required := &object{}, list{}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		whole, inside := omitted(omit, fd)
		if whole || !s.builder.shownField(fd) {
			continue
		}
		schema := s.field(fd, in)
		if len(inside) > 0 {
			schema = s.without(fd.Message(), in, inside)
		}
		properties.set(in.name(fd), schema)
		if isRequired(fd) {
			required = append(required, in.name(fd))
		}
	}
	if properties.len() > 0 {
		o.set("properties", properties)
	}
	if len(required) > 0 {
		o.set("required", required)
	}
	s.oneofs(o, md, in, omit)
	if options, ok := md.Options().(*descriptorpb.MessageOptions); ok {
		o.flag("deprecated", options.GetDeprecated())
	}
	s.builder.describeMessage(o, md)
}

// omitted tells whether a field is left out whole, and what is left out inside of it.
func omitted(omit [][]protoreflect.FieldDescriptor, fd protoreflect.FieldDescriptor) (whole bool, inside [][]protoreflect.FieldDescriptor) {
	for _, path := range omit {
		switch {
		case path[0].Number() != fd.Number():
		case len(path) == 1:
			return true, nil
		default:
			inside = append(inside, path[1:])
		}
	}
	return false, inside
}

// isRequired tells whether a request without the field is refused, or not meant.
func isRequired(fd protoreflect.FieldDescriptor) bool {
	if slices.Contains(fieldOf(fd).GetRequired(), string(fd.Name())) || slices.Contains(fieldOf(fd).GetRequired(), fd.JSONName()) {
		return true
	}
	return fd.Cardinality() == protoreflect.Required || rules(fd).GetRequired() || behavior(fd, annotations.FieldBehavior_REQUIRED)
}

// oneofs says that a oneof has one member at most, or exactly one where that is required.
func (s *schemas) oneofs(o *object, md protoreflect.MessageDescriptor, in dialect, omit [][]protoreflect.FieldDescriptor) {
	var all list
	for i := range md.Oneofs().Len() {
		od := md.Oneofs().Get(i)
		if od.IsSynthetic() {
			continue
		}
		var names list
		for j := range od.Fields().Len() {
			fd := od.Fields().Get(j)
			if whole, _ := omitted(omit, fd); !whole && s.builder.shownField(fd) {
				names = append(names, in.name(fd))
			}
		}
		if len(names) < 2 {
			continue
		}
		var members, any list
		for _, name := range names {
			members = append(members, obj("required", list{name}))
			any = append(any, obj("required", list{name}))
		}
		if !oneofRequired(od) {
			members = append(members, obj("not", obj("anyOf", any)))
		}
		all = append(all, obj("oneOf", members).text("description", sentences(comment(od), "One of the fields of "+string(od.Name())+".")))
	}
	switch {
	case len(all) == 1:
		only, _ := all[0].(*object)
		o.set("oneOf", only.get("oneOf"))
	case len(all) > 1:
		o.set("allOf", all)
	}
}

// field returns the schema of a field's value with what is said of the field.
func (s *schemas) field(fd protoreflect.FieldDescriptor, in dialect) *object {
	var o *object
	r := rules(fd)
	switch {
	case fd.IsMap():
		o = s.mapping(fd, in)
	case fd.IsList():
		items := s.value(fd, in)
		s.apply(items, fd, r.GetRepeated().GetItems(), in)
		o = obj("type", "array", "items", items)
	default:
		o = s.value(fd, in)
	}
	notes := s.apply(o, fd, r, in)
	if od := fd.ContainingOneof(); in.nulls && fd.HasPresence() && (od == nil || od.IsSynthetic()) {
		o = nullable(o)
	}
	return s.annotate(o, fd, in, notes)
}

// annotate says what is said of the field itself.
func (s *schemas) annotate(o *object, fd protoreflect.FieldDescriptor, in dialect, notes []string) *object {
	own, _ := o.get("description").(string)
	text := sentences(comment(fd), own, sentenceList(notes))
	if o.has("$ref") && text == "" {
		text = own
	}
	o.text("description", text)
	if options, ok := fd.Options().(*descriptorpb.FieldOptions); ok {
		o.flag("deprecated", options.GetDeprecated())
		o.flag("writeOnly", in.redacted && options.GetDebugRedact() || behavior(fd, annotations.FieldBehavior_INPUT_ONLY))
	}
	o.flag("readOnly", behavior(fd, annotations.FieldBehavior_OUTPUT_ONLY))
	s.builder.describeField(o, fd)
	return o
}

func (s *schemas) mapping(fd protoreflect.FieldDescriptor, in dialect) *object {
	r := rules(fd).GetMap()
	values := s.value(fd.MapValue(), in)
	s.apply(values, fd.MapValue(), r.GetValues(), in)
	o := obj("type", "object", "additionalProperties", values)
	var names *object
	switch key := fd.MapKey(); key.Kind() {
	case protoreflect.StringKind:
		names = &object{}
		s.apply(names, key, r.GetKeys(), in)
	case protoreflect.BoolKind:
		names = obj("enum", list{"true", "false"})
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		names = obj("pattern", unsignedPattern)
	default:
		names = obj("pattern", signedPattern)
	}
	if names.len() > 0 {
		o.set("propertyNames", names)
	}
	return o
}

// nullable lets null be a value, too.
func nullable(o *object) *object {
	if kind, ok := o.get("type").(string); ok && !o.has("enum") && !o.has("const") {
		return o.clone().set("type", list{kind, "null"})
	}
	return obj("anyOf", list{o, obj("type", "null")})
}

// Texts of integers in JSON.
const (
	signedPattern   = "^-?[0-9]+$"
	unsignedPattern = "^[0-9]+$"
)

// value returns the schema of one value of a field, of an element where it is repeated.
func (s *schemas) value(fd protoreflect.FieldDescriptor, in dialect) *object {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return obj("type", "boolean")
	case protoreflect.StringKind:
		return obj("type", "string")
	case protoreflect.BytesKind:
		return obj("type", "string", "format", "byte", "contentEncoding", "base64")
	case protoreflect.EnumKind:
		return s.enum(fd.Enum(), in)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return obj("type", "integer", "format", "int32")
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return obj("type", "integer", "format", "uint32", "minimum", 0)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return int64Schema("int64", signedPattern, in)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return int64Schema("uint64", unsignedPattern, in)
	case protoreflect.FloatKind:
		return obj("type", "number", "format", "float")
	case protoreflect.DoubleKind:
		return obj("type", "number", "format", "double")
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return s.message(fd.Message(), in)
	}
	return &object{}
}

// Notes on integers of 64 bits.
const (
	int64Text   = "An integer of 64 bits, as a string: a number in JSON is exact only up to 2^53 for most readers. Requests may have a number."
	int64Number = "An integer of 64 bits, as a number: readers that hold numbers in doubles round it above 2^53."
)

func int64Schema(format, pattern string, in dialect) *object {
	if in.int64Numbers {
		o := obj("type", "integer", "format", format)
		if format == "uint64" {
			o.set("minimum", 0)
		}
		return o.set("description", int64Number)
	}
	return obj("type", "string", "format", format, "pattern", pattern, "description", int64Text)
}

// enum returns the schema of an enum: the names of its values.
func (s *schemas) enum(ed protoreflect.EnumDescriptor, in dialect) *object {
	if ed.FullName() == "google.protobuf.NullValue" {
		return obj("type", "null")
	}
	return s.ref(s.component(ed, in), func(o *object) {
		var values list
		var lines []string
		for i := range ed.Values().Len() {
			v := ed.Values().Get(i)
			if !s.builder.shown(v) || ed.Values().ByNumber(v.Number()).Name() != v.Name() && in.enumNumbers {
				continue
			}
			value := s.enumValue(v, in)
			values = append(values, value)
			line := comment(v)
			if options, ok := v.Options().(*descriptorpb.EnumValueOptions); ok && options.GetDeprecated() {
				line = sentences("Deprecated.", line)
			}
			if line != "" {
				lines = append(lines, fmt.Sprintf("- `%v`: %s", value, oneLine(line)))
			}
		}
		kind := "string"
		if in.enumNumbers {
			kind = "integer"
		}
		o.set("type", kind).text("description", sentences(comment(ed), joinLines(lines)))
		if len(values) > 0 {
			o.set("enum", values)
		}
		if options, ok := ed.Options().(*descriptorpb.EnumOptions); ok {
			o.flag("deprecated", options.GetDeprecated())
		}
		s.builder.describeEnum(o, ed)
	})
}

// enumValue is how a value of an enum is written.
func (s *schemas) enumValue(v protoreflect.EnumValueDescriptor, in dialect) any {
	ed, _ := v.Parent().(protoreflect.EnumDescriptor)
	switch {
	case in.enumNumbers:
		return int(v.Number())
	case in.stripPrefix:
		return codec.StripEnumPrefix(string(v.Name()), string(ed.Name()))
	default:
		return string(v.Name())
	}
}
