// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

// The JSON Schema is what the comments and the rules of proto/dragoman/config/v1 say.
func TestSchemaIsOfTheProtos(t *testing.T) {
	t.Parallel()
	source, err := protofile.New(protofile.Config{Dirs: []string{"../../proto"}})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := source.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := loaded.FindDescriptorByName("dragoman.config.v1.Config")
	if err != nil {
		t.Fatal(err)
	}
	w := &schemaWriter{t: t, defs: map[string]any{}}
	root := w.object(d.(protoreflect.MessageDescriptor)) //nolint:errcheck // it is one
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "dragoman.yaml"
	root["$defs"] = w.defs
	text, err := json.MarshalIndent(root, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.json", string(text)+"\n")
	if !*update && config.Schema != string(text)+"\n" {
		t.Error("the schema in the program is another one")
	}
}

// schemaWriter makes JSON Schema of descriptors.
type schemaWriter struct {
	t    *testing.T
	defs map[string]any
}

func (w *schemaWriter) object(d protoreflect.MessageDescriptor) map[string]any {
	properties := map[string]any{}
	var required []string
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		p := w.field(f)
		if comment := commentOf(f); comment != "" {
			p["description"] = comment
		}
		properties[string(f.Name())] = p
		if rulesOf(w.t, f).GetRequired() {
			required = append(required, string(f.Name()))
		}
	}
	object := map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "description": commentOf(d)}
	if required != nil {
		object["required"] = required
	}
	return object
}

// reference puts a message into the definitions and returns how it is named.
func (w *schemaWriter) reference(d protoreflect.MessageDescriptor) map[string]any {
	name := strings.TrimPrefix(string(d.FullName()), "dragoman.config.v1.")
	if _, known := w.defs[name]; !known {
		w.defs[name] = nil // so that what holds itself ends
		w.defs[name] = w.object(d)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

func (w *schemaWriter) field(f protoreflect.FieldDescriptor) map[string]any {
	rules := rulesOf(w.t, f)
	switch {
	case f.IsMap():
		return map[string]any{"type": "object", "additionalProperties": w.single(f.MapValue(), rules.GetMap().GetValues())}
	case f.IsList():
		list := map[string]any{"type": "array", "items": w.single(f, rules.GetRepeated().GetItems())}
		if rules.GetRepeated().GetMinItems() > 0 {
			list["minItems"] = rules.GetRepeated().GetMinItems()
		}
		if rules.GetRepeated().HasMaxItems() {
			list["maxItems"] = rules.GetRepeated().GetMaxItems()
		}
		return list
	default:
		return w.single(f, rules)
	}
}

// variable is what may stand in the place of what is no text: it becomes one when the file is read.
const variable = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`

func (w *schemaWriter) single(f protoreflect.FieldDescriptor, rules *validate.FieldRules) map[string]any {
	fromVariable := map[string]any{"type": "string", "pattern": variable}
	switch {
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.Duration":
		return map[string]any{"type": "string", "pattern": `^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$|` + variable}
	case f.Message() != nil:
		return w.reference(f.Message())
	case f.Kind() == protoreflect.BoolKind:
		return map[string]any{"anyOf": []any{map[string]any{"type": "boolean"}, fromVariable}}
	case f.Kind() == protoreflect.Uint32Kind:
		number := map[string]any{"type": "integer"}
		r := rules.GetUint32()
		number["minimum"] = r.GetGte()
		if r.HasLte() {
			number["maximum"] = r.GetLte()
		}
		return map[string]any{"anyOf": []any{number, fromVariable}}
	default:
		if in := rules.GetString().GetIn(); len(in) > 0 {
			return map[string]any{"anyOf": []any{map[string]any{"enum": slices.Clone(in)}, fromVariable}}
		}
		return map[string]any{"type": "string"}
	}
}

// rulesOf returns the rules of a field, whatever type of Go the extension came as.
func rulesOf(t *testing.T, f protoreflect.FieldDescriptor) *validate.FieldRules {
	t.Helper()
	data, err := proto.Marshal(f.Options())
	if err != nil {
		t.Fatal(err)
	}
	options := f.Options().ProtoReflect().New().Interface()
	if err := proto.Unmarshal(data, options); err != nil {
		t.Fatal(err)
	}
	rules, _ := proto.GetExtension(options, validate.E_Field).(*validate.FieldRules)
	return rules
}

func commentOf(d protoreflect.Descriptor) string {
	lines := strings.Split(strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
