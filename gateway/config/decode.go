// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// decoder turns YAML nodes into the schema's message. It is stricter than YAML and than the JSON mapping of protobuf:
// whatever could be meant in two ways, or is easily a mistake, is refused (decision 3).
type decoder struct {
	*collector
	env func(string) (string, bool)
}

// message sets the fields of m from a mapping.
func (d *decoder) message(n *yaml.Node, m protoreflect.Message, path string) {
	if !d.plain(n, path) {
		return
	}
	fields := m.Descriptor().Fields()
	if n.Kind != yaml.MappingNode {
		d.at(position(n), path, knownAre(fieldNames(fields)), "is %s; it must be a mapping of settings", kindOf(n))
		return
	}
	set := map[protoreflect.FullName]*yaml.Node{} // where a field, or one of its oneof, is set
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field := d.field(key, m.Descriptor(), path)
		if field == nil || !d.first(key, field, set, path) {
			d.uncertain[path] = true
			continue
		}
		d.value(key, value, m, field, name(path, field.Name()))
	}
}

// field returns the field that a key names, by its own name or by its JSON name. Unlike in the JSON mapping, field numbers
// and extensions are no names.
func (d *decoder) field(key *yaml.Node, m protoreflect.MessageDescriptor, path string) protoreflect.FieldDescriptor {
	if key.Kind != yaml.ScalarNode {
		d.at(position(key), path, "", "a key is %s; it must be a name", kindOf(key))
		return nil
	}
	fields := m.Fields()
	if f := fields.ByName(protoreflect.Name(key.Value)); f != nil {
		return f
	}
	if f := fields.ByJSONName(key.Value); f != nil {
		return f
	}
	d.at(position(key), unknown(path, key.Value), didYouMean(key.Value, fieldNames(fields)), "is not known")
	return nil
}

// unknown returns the path of a key that is no field's. It may have any character, those of paths among them.
func unknown(path, key string) string {
	if protoreflect.Name(key).IsValid() {
		return name(path, protoreflect.Name(key))
	}
	return entry(path, key)
}

// first says whether a field is set for the first time, and is the first of its oneof.
func (d *decoder) first(key *yaml.Node, f protoreflect.FieldDescriptor, set map[protoreflect.FullName]*yaml.Node, path string) bool {
	if before, ok := set[f.FullName()]; ok {
		also := ""
		if before.Value != key.Value {
			also = " as " + before.Value
		}
		d.at(position(key), name(path, f.Name()), "keep one of them", "is set already%s, in line %d, column %d", also, before.Line, before.Column)
		return false
	}
	set[f.FullName()] = key
	group := f.ContainingOneof()
	if group == nil || group.IsSynthetic() {
		return true
	}
	if before, ok := set[group.FullName()]; ok {
		d.at(position(key), name(path, f.Name()), "keep one of them", "excludes %s, which is set in line %d, column %d", before.Value, before.Line, before.Column)
		return false
	}
	set[group.FullName()] = key
	return true
}

// value sets one field.
func (d *decoder) value(key, value *yaml.Node, m protoreflect.Message, f protoreflect.FieldDescriptor, path string) {
	d.places[path] = position(key)
	if !d.plain(value, path) {
		return
	}
	switch {
	case f.IsList():
		d.list(value, m.Mutable(f).List(), f, path)
	case f.IsMap():
		d.entries(value, m.Mutable(f).Map(), f, path)
	case f.Message() != nil && f.Message().FullName() != durationName:
		d.message(value, m.Mutable(f).Message(), path)
	default:
		d.places[path] = position(value)
		if v, ok := d.scalar(value, f, path); ok {
			m.Set(f, v)
		}
	}
}

func (d *decoder) list(n *yaml.Node, list protoreflect.List, f protoreflect.FieldDescriptor, path string) {
	if n.Kind != yaml.SequenceNode {
		d.at(position(n), path, "write [a, b], or one line for each with - before it", "is %s; it must be a list", kindOf(n))
		return
	}
	// What cannot be read keeps its place in the list, so that the paths of those behind it are right.
	for i, node := range n.Content {
		at := item(path, i)
		d.places[at] = position(node)
		if f.Message() != nil {
			d.message(node, list.AppendMutable().Message(), at)
			continue
		}
		element := list.NewElement()
		if d.plain(node, at) {
			if v, ok := d.scalar(node, f, at); ok {
				element = v
			}
		}
		list.Append(element)
	}
}

// entries sets a map from names to messages or to single values.
func (d *decoder) entries(n *yaml.Node, entries protoreflect.Map, f protoreflect.FieldDescriptor, path string) {
	if n.Kind != yaml.MappingNode {
		d.at(position(n), path, "", "is %s; it must be a mapping of names", kindOf(n))
		return
	}
	set := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.at(position(key), path, "", "a key is %s; it must be a name", kindOf(key))
			d.uncertain[path] = true
			continue
		}
		at := entry(path, key.Value)
		if before, ok := set[key.Value]; ok {
			d.at(position(key), at, "give one of them another name", "is set already, in line %d, column %d", before.Line, before.Column)
			continue
		}
		set[key.Value] = key
		d.places[at] = position(key)
		entry := entries.NewValue()
		if f.MapValue().Message() != nil {
			d.message(value, entry.Message(), at)
		} else {
			if !d.plain(value, at) {
				continue
			}
			d.places[at] = position(value)
			var ok bool
			if entry, ok = d.scalar(value, f.MapValue(), at); !ok {
				continue
			}
		}
		entries.Set(protoreflect.ValueOfString(key.Value).MapKey(), entry)
	}
}

// plain refuses what YAML has and a configuration does without: references to elsewhere, types of one's own, and keys
// with nothing behind them, which are what is left of a file that was cut short or of a section that was commented out.
func (d *decoder) plain(n *yaml.Node, path string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.at(position(n), path, `write it out; quote what begins with *, such as "**"`, "is an alias; they are not read")
	case n.Anchor != "":
		d.at(position(n), path, "quote what begins with &", "has an anchor; they are not read")
	case n.Style&yaml.TaggedStyle != 0:
		d.at(position(n), path, "quote what begins with !", "has a tag; they are not read")
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		at := position(n)
		if n.Value == "" { // the parser tells where the next token is
			at = d.place(path)
		}
		d.at(at, path, "", "has no value; give it one or remove it")
	default:
		return true
	}
	return false
}

func position(n *yaml.Node) place { return place{line: n.Line, column: n.Column} }

func fieldNames(fields protoreflect.FieldDescriptors) []string {
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = string(fields.Get(i).Name())
	}
	return names
}
