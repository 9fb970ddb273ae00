// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// variable resolves one variable of a template against the request message and adds it to the binding.
func (b *binder) variable(binding *Binding, place Place, parsed *TemplateVariable) {
	name := parsed.Name()
	place.Column, place.Length = parsed.Column, len(name)
	path := b.fieldPath(binding, place, parsed)
	if path == nil {
		return
	}
	for i := range binding.Variables {
		if binding.Variables[i].Name != name {
			continue
		}
		other := place
		other.Column = binding.Variables[i].Column
		b.problem(Problem{
			Code: CodeVariableTwice, Place: place, Related: []Related{{Place: other}},
			Message: fmt.Sprintf("path variable %q appears twice", name),
			Help:    "give each variable a field of its own",
		})
		return
	}
	v := Variable{
		Name: name, Path: path, First: parsed.First, Last: parsed.Last,
		MultiSegment: binding.Template.MultiSegment(parsed), Unescape: UnescapeAll, Column: parsed.Column,
	}
	if v.MultiSegment && (place.Origin != FromConfig || !b.FullyDecodeReservedExpansion) {
		v.Unescape = b.Unescape
	}
	binding.Variables = append(binding.Variables, v)
}

// fieldPath resolves a field path; nil after reporting why it cannot be a path variable.
func (b *binder) fieldPath(binding *Binding, place Place, parsed *TemplateVariable) []protoreflect.FieldDescriptor {
	path := make([]protoreflect.FieldDescriptor, 0, len(parsed.Path))
	message := binding.Method.Input()
	column := parsed.Column
	for i, name := range parsed.Path {
		field := message.Fields().ByName(protoreflect.Name(name))
		at := place
		at.Column, at.Length = column, len(name)
		if field == nil {
			b.unknownVariable(at, parsed, i, message)
			return nil
		}
		last := i == len(parsed.Path)-1
		if what := b.unfit(field, last); what != "" {
			b.problem(Problem{
				Code: CodeVariableKind, Place: at,
				Message: fmt.Sprintf("path variable %q: %s is %s", parsed.Name(), field.FullName(), what),
				Label:   what,
				Help:    unfitHelp(last),
			})
			return nil
		}
		path = append(path, field)
		message = field.Message()
		column += len(name) + 1
	}
	return path
}

func unfitHelp(last bool) string {
	if last {
		return "a path variable is a field with one value: a number, bool, enum, string or bytes"
	}
	return "all names but the last are fields with one message"
}

// unfit says why field cannot stand in the path of a variable, or "".
func (b *binder) unfit(field protoreflect.FieldDescriptor, last bool) string {
	isMessage := field.Kind() == protoreflect.MessageKind || field.Kind() == protoreflect.GroupKind
	switch {
	case field.IsMap():
		return "a map"
	case field.IsList():
		return "repeated"
	case !last && !isMessage:
		return "no message"
	case last && isMessage && (!b.WellKnownVariables || !hasTextForm(field.Message().FullName())):
		return "a message"
	}
	return ""
}

// hasTextForm reports the well-known messages that one text value sets.
func hasTextForm(name protoreflect.FullName) bool {
	if name.Parent() != "google.protobuf" {
		return false
	}
	switch name.Name() {
	case "Timestamp", "Duration", "FieldMask",
		"DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return true
	}
	return false
}

// unknownVariable reports that the name at index i of the variable's path is no field of message.
func (b *binder) unknownVariable(place Place, parsed *TemplateVariable, i int, message protoreflect.MessageDescriptor) {
	name := parsed.Path[i]
	text := fmt.Sprintf("path variable %q is not a field of %s", parsed.Name(), message.FullName())
	subject := "the request"
	if i > 0 {
		text = fmt.Sprintf("path variable %q: %q is not a field of %s", parsed.Name(), name, message.FullName())
		subject = string(message.Name())
	}
	help := "write one of its fields, or add the field"
	if best := closestField(name, message); best != "" {
		path := append(append([]string(nil), parsed.Path[:i]...), best)
		help = fmt.Sprintf("write {%s}, or add the field", strings.Join(append(path, parsed.Path[i+1:]...), "."))
	}
	b.problem(Problem{Code: CodeUnknownVariable, Place: place, Message: text, Label: hasFields(subject, message), Help: help})
}

// topLevel finds a field of message by its proto name; nil after reporting that there is none.
func (b *binder) topLevel(place Place, code Code, what, name string, message protoreflect.MessageDescriptor, subject string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	place.Column, place.Length = 1, len(name)
	problem := Problem{
		Code: code, Place: place,
		Message: fmt.Sprintf("%s %q is not a field of %s", what, name, message.FullName()),
		Label:   hasFields("the "+subject, message),
		Help:    "name a top-level field, or add it",
	}
	if best := closestField(name, message); best != "" {
		problem.Help = fmt.Sprintf("write %q, or add the field", best)
	}
	if strings.Contains(name, ".") {
		problem.Help = "only a top-level field can be the " + what
	}
	b.problem(problem)
	return nil
}

// oneofs reports pairs of variables, and variables and the body, that set two members of one oneof: no request
// could ever be right.
func (b *binder) oneofs(binding *Binding) {
	for i := range binding.Variables {
		place := binding.Place
		place.Column, place.Length = binding.Variables[i].Column, len(binding.Variables[i].Name)
		path := binding.Variables[i].Path
		for j := range binding.Variables[:i] {
			b.oneof(place, path, binding.Variables[j].Path)
		}
		if binding.BodyField != nil {
			b.oneof(place, path, []protoreflect.FieldDescriptor{binding.BodyField})
		}
	}
}

func (b *binder) oneof(place Place, x, y []protoreflect.FieldDescriptor) {
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i].Number() == y[i].Number() {
			continue
		}
		oneof := x[i].ContainingOneof()
		if oneof == nil || y[i].ContainingOneof() != oneof {
			return
		}
		b.problem(Problem{
			Code: CodeOneof, Place: place,
			Message: fmt.Sprintf("%q and %q are both set, but only one member of oneof %q can be", x[i].Name(), y[i].Name(), oneof.Name()),
			Help:    "split the rule in two, with one of them each",
		})
		return
	}
}
