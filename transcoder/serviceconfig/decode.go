// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/serviceconfig"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// decoder turns YAML nodes into a message, by the JSON mapping of protobuf. The mapping's own reader stops at the first
// mistake and knows no lines: so it is given one value at a time, and what holds the values is walked here.
type decoder struct{ *collector }

// service sets the root message, whose head may name its type.
func (d *decoder) service(root *yaml.Node, m *serviceconfig.Service) {
	if root.Kind == yaml.MappingNode {
		rest := *root
		rest.Content = nil
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value != "type" {
				rest.Content = append(rest.Content, root.Content[i], root.Content[i+1])
				continue
			}
			if t := root.Content[i+1]; t.Kind != yaml.ScalarNode || t.Value != serviceType {
				d.node(t, CodeValue, "type is not "+serviceType, "", "no other type of file holds HTTP rules")
			}
		}
		root = &rest
	}
	d.message(root, m.ProtoReflect(), "")
	if v := m.GetConfigVersion(); v != nil && v.GetValue() != configVersion {
		d.node(child(root, "config_version", "configVersion"), CodeValue,
			fmt.Sprintf("config_version is %d; it must be %d", v.GetValue(), configVersion), "")
	}
}

// message sets the fields of m from a mapping.
func (d *decoder) message(n *yaml.Node, m protoreflect.Message, path string) {
	if !d.plain(n, path) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.node(n, CodeValue, orFile(path)+" is "+kindOf(n)+"; it must be a mapping of fields", "", known(m.Descriptor())...)
		return
	}
	set := map[protoreflect.Name]*yaml.Node{} // where a field, or one of its oneof, is set
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.ScalarNode && value.Value == "" && value.ShortTag() == "!!null" {
			value.Line, value.Column = key.Line, key.Column // the parser tells where the next token is
		}
		if field := d.field(key, m.Descriptor(), path); field != nil && d.first(key, field, set, path) {
			d.value(value, m, field, join(path, string(field.Name())))
		}
	}
}

// field returns the field that a key names, by its own name or by its JSON name.
func (d *decoder) field(key *yaml.Node, m protoreflect.MessageDescriptor, path string) protoreflect.FieldDescriptor {
	if key.Kind != yaml.ScalarNode {
		d.node(key, CodeUnknown, "a key of "+orFile(path)+" is "+kindOf(key)+"; it must be a name", "")
		return nil
	}
	if f := m.Fields().ByName(protoreflect.Name(key.Value)); f != nil {
		return f
	}
	if f := m.Fields().ByJSONName(key.Value); f != nil {
		return f
	}
	d.node(key, CodeUnknown, fmt.Sprintf("%s is not known", join(path, key.Value)), "", known(m)...)
	return nil
}

// first says whether a field is set for the first time, and is the first of its oneof.
func (d *decoder) first(key *yaml.Node, f protoreflect.FieldDescriptor, set map[protoreflect.Name]*yaml.Node, path string) bool {
	if before, ok := set[f.Name()]; ok {
		d.node(key, CodeUnknown, fmt.Sprintf("%s is set already, in line %d", join(path, string(f.Name())), before.Line), "")
		return false
	}
	set[f.Name()] = key
	group := f.ContainingOneof()
	if group == nil {
		return true
	}
	if before, ok := set["oneof "+group.Name()]; ok {
		d.node(key, CodeUnknown, fmt.Sprintf("%s excludes %s, which is set in line %d", join(path, string(f.Name())), before.Value, before.Line), "",
			"keep one of them; further paths are additional_bindings")
		return false
	}
	set["oneof "+group.Name()] = key
	return true
}

// value sets one field.
func (d *decoder) value(n *yaml.Node, m protoreflect.Message, f protoreflect.FieldDescriptor, path string) {
	switch {
	case f.IsMap() || !f.IsList() && !nested(f):
		if d.plain(n, path) {
			d.leaf(n, m, f, path)
		}
	case !f.IsList():
		d.message(n, m.Mutable(f).Message(), path)
	case !d.plain(n, path):
	case n.Kind != yaml.SequenceNode:
		d.node(n, CodeValue, path+" is "+kindOf(n)+"; it must be a list", "")
	default:
		list := m.Mutable(f).List()
		for i, element := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			if nested(f) {
				d.message(element, list.AppendMutable().Message(), at)
			} else if d.plain(element, at) {
				d.leaf(element, m, f, at)
			}
		}
	}
}

// leaf sets a field that is not walked from its JSON form, or adds an element to it.
func (d *decoder) leaf(n *yaml.Node, m protoreflect.Message, f protoreflect.FieldDescriptor, path string) {
	value, ok := d.json(n, path)
	if !ok {
		return
	}
	format := "{%q:%s}"
	if f.IsList() {
		format = "{%q:[%s]}"
	}
	scratch := m.New()
	if err := protojson.Unmarshal(fmt.Appendf(nil, format, f.TextName(), value), scratch.Interface()); err != nil {
		// What it says of lines is about one value, and its wording differs from build to build.
		d.node(n, CodeValue, path+" "+wanted(f), "")
		return
	}
	if f.IsList() {
		m.Mutable(f).List().Append(scratch.Get(f).List().Get(0))
		return
	}
	if scratch.Has(f) {
		m.Set(f, scratch.Get(f))
	}
}

// json returns a value in the form that the JSON mapping reads.
func (d *decoder) json(n *yaml.Node, path string) (string, bool) {
	if !d.plain(n, path) {
		return "", false
	}
	var b strings.Builder
	ok := true
	switch n.Kind { //nolint:exhaustive // what is behind the switch is for all others
	case yaml.SequenceNode:
		for i, element := range n.Content {
			text, good := d.json(element, fmt.Sprintf("%s[%d]", path, i))
			b.WriteString("," + text)
			ok = ok && good
		}
		return "[" + strings.TrimPrefix(b.String(), ",") + "]", ok
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			text, good := d.json(n.Content[i+1], join(path, n.Content[i].Value))
			b.WriteString("," + quote(n.Content[i].Value) + ":" + text)
			ok = ok && good
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}", ok
	}
	switch tag := n.ShortTag(); {
	case tag == "!!bool":
		var v bool
		return fmt.Sprint(n.Decode(&v) == nil && v), true
	case (tag == "!!int" || tag == "!!float") && json.Valid([]byte(n.Value)):
		return n.Value, true
	default:
		return quote(n.Value), true
	}
}

// plain refuses what YAML has and these files do without: references to elsewhere, types of one's own, and keys with
// nothing behind them, which are what is left of a section that was commented out.
func (d *decoder) plain(n *yaml.Node, path string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.node(n, CodeSyntax, orFile(path)+" is an alias; they are not read", "", `write it out; quote what begins with *, such as "*"`)
	case n.Anchor != "":
		d.node(n, CodeSyntax, orFile(path)+" has an anchor; they are not read", "")
	case n.Style&yaml.TaggedStyle != 0:
		d.node(n, CodeSyntax, orFile(path)+" has a tag; they are not read", "")
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		d.node(n, CodeValue, orFile(path)+" has no value; give it one or remove it", "")
	default:
		return true
	}
	return false
}

// node reports a problem of a node.
func (d *decoder) node(n *yaml.Node, code, message, label string, help ...string) {
	at, length := position(n), 0
	if n.Kind == yaml.ScalarNode && strings.Contains(d.text.line(at.line), n.Value) {
		length = utf8.RuneCountInString(n.Value)
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			length += 2
		}
	}
	d.at(at, length, code, message, label, help...)
}

// nested says whether a field holds messages that are walked: all but those whose JSON is not that of a message.
func nested(f protoreflect.FieldDescriptor) bool {
	if f.Message() == nil || f.IsMap() {
		return false
	}
	switch f.Message().FullName() {
	case "google.protobuf.Any", "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask", "google.protobuf.Empty",
		"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue",
		"google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value", "google.protobuf.UInt64Value", "google.protobuf.Int32Value",
		"google.protobuf.UInt32Value", "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
		return false
	}
	return true
}

// wanted says what a field holds.
func wanted(f protoreflect.FieldDescriptor) string {
	switch f.Kind() { //nolint:exhaustive // what is behind the switch is for all others
	case protoreflect.StringKind:
		if f.IsMap() {
			break
		}
		return "must be a text; quote it if it is one"
	case protoreflect.BoolKind:
		return "must be true or false, without quotes"
	case protoreflect.EnumKind:
		return "must be a value of " + string(f.Enum().FullName())
	case protoreflect.MessageKind:
		if f.IsMap() {
			return "must be a mapping from texts"
		}
		return "must be the JSON form of " + string(f.Message().FullName())
	}
	return "must be of kind " + f.Kind().String()
}

// mostKnown is how many fields are listed when a key is none of them.
const mostKnown = 12

func known(m protoreflect.MessageDescriptor) []string {
	n := m.Fields().Len()
	if n > mostKnown {
		return []string{"it must be a field of " + string(m.FullName())}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = string(m.Fields().Get(i).Name())
	}
	return []string{"there are: " + strings.Join(names, ", ")}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil { // no text gives one
		return `""`
	}
	return string(text)
}
