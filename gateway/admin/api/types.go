// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// mostTypes is how many messages and enums an answer has.
const mostTypes = 2000

// GetType describes a message or an enum and all that it is made of.
func (s *schemaServer) GetType(_ context.Context, in *adminv1.GetTypeRequest) (*adminv1.GetTypeResponse, error) {
	mux, err := s.api.mux()
	if err != nil {
		return nil, err
	}
	var (
		found protoreflect.Descriptor
		from  *schema.Schema
	)
	for _, one := range mux.Schemas() {
		if d, err := one.FindDescriptorByName(protoreflect.FullName(in.GetName())); err == nil {
			found, from = d, one
			break
		}
	}
	t := &typeWriter{schema: from, seen: map[protoreflect.FullName]bool{}, out: &adminv1.GetTypeResponse{}}
	switch d := found.(type) {
	case protoreflect.MessageDescriptor:
		t.queue = append(t.queue, d)
	case protoreflect.EnumDescriptor:
		t.enum(d)
	default:
		return nil, notFound("there is no message and no enum %q", in.GetName())
	}
	t.run()
	return t.out, nil
}

// typeWriter describes messages, and then all that they are made of.
type typeWriter struct {
	schema *schema.Schema
	seen   map[protoreflect.FullName]bool
	queue  []protoreflect.MessageDescriptor
	out    *adminv1.GetTypeResponse
}

func (t *typeWriter) run() {
	for len(t.queue) > 0 && len(t.out.GetMessages())+len(t.out.GetEnums()) < mostTypes {
		d := t.queue[0]
		t.queue = t.queue[1:]
		if !t.seen[d.FullName()] {
			t.seen[d.FullName()] = true
			t.message(d)
		}
	}
}

func (t *typeWriter) message(d protoreflect.MessageDescriptor) {
	m := &adminv1.MessageType{Name: string(d.FullName()), Comment: commentOf(d), Position: positionOf(t.schema.Locate(d)), Deprecated: deprecated(d)}
	if rules, ok := optionOf(d.Options(), validate.E_Message).(*validate.MessageRules); ok && rules != nil {
		m.Rules = celRules(rules.GetCel(), rules.GetCelExpression())
	}
	for i := range d.Fields().Len() {
		m.Fields = append(m.Fields, t.field(d.Fields().Get(i)))
	}
	for i := range d.Oneofs().Len() {
		o := d.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		own := &adminv1.Oneof{Name: string(o.Name()), Comment: commentOf(o)}
		if rules, ok := optionOf(o.Options(), validate.E_Oneof).(*validate.OneofRules); ok {
			own.Required = rules.GetRequired()
		}
		for j := range o.Fields().Len() {
			own.Fields = append(own.Fields, string(o.Fields().Get(j).Name()))
		}
		m.Oneofs = append(m.Oneofs, own)
	}
	t.out.Messages = append(t.out.Messages, m)
}

func (t *typeWriter) field(f protoreflect.FieldDescriptor) *adminv1.Field {
	out := &adminv1.Field{
		Name: string(f.Name()), JsonName: f.JSONName(), Number: int32(f.Number()), Repeated: f.IsList(), Optional: f.HasOptionalKeyword(), Map: f.IsMap(),
		Comment: commentOf(f), Deprecated: deprecated(f),
	}
	kind := f
	if f.IsMap() {
		kind, out.KeyType = f.MapValue(), f.MapKey().Kind().String()
	}
	out.Type = kind.Kind().String()
	switch {
	case kind.Message() != nil:
		out.TypeName = string(kind.Message().FullName())
		t.queue = append(t.queue, kind.Message())
	case kind.Enum() != nil:
		out.TypeName = string(kind.Enum().FullName())
		t.enum(kind.Enum())
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		out.Oneof = string(o.Name())
	}
	if f.HasDefault() {
		out.DefaultValue = fmt.Sprint(f.Default().Interface())
		if v := f.DefaultEnumValue(); v != nil {
			out.DefaultValue = string(v.Name())
		}
	}
	if behaviors, ok := optionOf(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior); ok {
		for _, b := range behaviors {
			out.Behaviors = append(out.Behaviors, b.String())
		}
	}
	if rules, ok := optionOf(f.Options(), validate.E_Field).(*validate.FieldRules); ok && rules != nil {
		out.Rules = fieldRules(rules)
	}
	return out
}

func (t *typeWriter) enum(d protoreflect.EnumDescriptor) {
	if t.seen[d.FullName()] {
		return
	}
	t.seen[d.FullName()] = true
	e := &adminv1.EnumType{Name: string(d.FullName()), Comment: commentOf(d)}
	for i := range d.Values().Len() {
		v := d.Values().Get(i)
		e.Values = append(e.Values, &adminv1.EnumTypeValue{Name: string(v.Name()), Number: int32(v.Number()), Comment: commentOf(v), Deprecated: deprecated(v)})
	}
	t.out.Enums = append(t.out.Enums, e)
}

// optionOf returns an option, which may be of a schema that knows it by a type of its own; nil where it is not set or cannot be read.
func optionOf(options proto.Message, extension protoreflect.ExtensionType) any {
	if options == nil || !options.ProtoReflect().IsValid() {
		return nil
	}
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(options)
	if err != nil {
		return nil
	}
	again := options.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(data, again); err != nil || !proto.HasExtension(again, extension) {
		return nil
	}
	return proto.GetExtension(again, extension)
}

// fieldRules lists the rules of a field by their names, such as string.min_len.
func fieldRules(rules *validate.FieldRules) []*adminv1.Rule {
	all := celRules(rules.GetCel(), rules.GetCelExpression())
	flattenRules(rules.ProtoReflect(), "", &all)
	slices.SortStableFunc(all, func(a, b *adminv1.Rule) int { return slices.Compare([]byte(a.GetName()), []byte(b.GetName())) })
	return all
}

func flattenRules(m protoreflect.Message, prefix string, all *[]*adminv1.Rule) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := prefix + string(f.Name())
		switch {
		case f.Name() == "cel" || f.Name() == "cel_expression" || f.Name() == "example":
		case f.IsList():
			text := "["
			for i := range v.List().Len() {
				if i > 0 {
					text += ", "
				}
				text += ruleText(v.List().Get(i), f)
			}
			*all = append(*all, &adminv1.Rule{Name: name, Value: text + "]"})
		case f.Message() != nil && f.Message().ParentFile().Package() == "buf.validate":
			flattenRules(v.Message(), name+".", all)
		default:
			*all = append(*all, &adminv1.Rule{Name: name, Value: ruleText(v, f)})
		}
		return true
	})
}

func ruleText(v protoreflect.Value, f protoreflect.FieldDescriptor) string {
	switch {
	case f.Enum() != nil:
		if value := f.Enum().Values().ByNumber(v.Enum()); value != nil {
			return string(value.Name())
		}
		return fmt.Sprint(v.Enum())
	case f.Kind() == protoreflect.StringKind:
		return fmt.Sprintf("%q", v.String())
	default:
		return v.String()
	}
}

func celRules(rules []*validate.Rule, expressions []string) []*adminv1.Rule {
	var all []*adminv1.Rule
	for _, r := range rules {
		all = append(all, &adminv1.Rule{Name: "cel " + r.GetId(), Value: r.GetExpression(), Message: r.GetMessage()})
	}
	for _, e := range expressions {
		all = append(all, &adminv1.Rule{Name: "cel", Value: e})
	}
	return all
}
