// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// TestFieldAppendWire: T103, what body: "f" takes.
func TestFieldAppendWire(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct {
		name, message, field, json, want string
		kind                             codec.Kind
		path                             string
	}{
		{"scalar", scalarsName, "fInt32", `5`, `{"fInt32":5}`, 0, ""},
		{"scalar with space", scalarsName, "fString", " \"a\"\n", `{"fString":"a"}`, 0, ""},
		{"scalar with byte order mark", scalarsName, "fBool", "\xef\xbb\xbftrue", `{"fBool":true}`, 0, ""},
		{"default", scalarsName, "fInt32", `0`, `{}`, 0, ""},
		{"optional default", optionals, "fInt32", `0`, `{"fInt32":0}`, 0, ""},
		{"enum", scalarsName, "fKind", `"KIND_POEM"`, `{"fKind":"KIND_POEM"}`, 0, ""},
		{"list", listsName, "fInt32", `[1,2]`, `{"fInt32":[1,2]}`, 0, ""},
		{"empty list", listsName, "fInt32", `[]`, `{}`, 0, ""},
		{"list of messages", listsName, "fTree", `[{"name":"a"},{}]`, `{"fTree":[{"name":"a"},{}]}`, 0, ""},
		{"map", mapsName, "fString", `{"a":"b"}`, `{"fString":{"a":"b"}}`, 0, ""},
		{"message", treeName, "left", `{"name":"a"}`, `{"left":{"name":"a"}}`, 0, ""},
		{"empty message", treeName, "left", `{}`, `{"left":{}}`, 0, ""},
		{"wrapper", knownName, "int64Value", `"5"`, `{"int64Value":"5"}`, 0, ""},
		{"Timestamp", knownName, "timestamp", `"2024-01-01T00:00:00Z"`, `{"timestamp":"2024-01-01T00:00:00Z"}`, 0, ""},
		{"Struct", knownName, "struct", `{"a":[1]}`, `{"struct":{"a":[1]}}`, 0, ""},
		{"Any", knownName, "any", `{"a":{},"@type":"x/google.protobuf.Struct"}`, "", codec.KindUnknownField, "any.a"},
		{"group", oldName, "single", `{"text":"a"}`, `{"single":{"text":"a"}}`, 0, ""},
		{"null", treeName, "left", `null`, `{}`, 0, ""},
		{"null list", listsName, "fInt32", ` null `, `{}`, 0, ""},
		{"null scalar", scalarsName, "fInt32", `null`, `{}`, 0, ""},
		{"null Value", knownName, "value", `null`, `{"value":null}`, 0, ""},
		{"null wrapper", knownName, "stringValue", `null`, `{}`, 0, ""},
		{"T94 two values", scalarsName, "fInt32", `5 6`, "", codec.KindSyntax, ""},
		{"T93 empty", scalarsName, "fInt32", ``, "", codec.KindSyntax, "fInt32"},
		{"wrong type", scalarsName, "fInt32", `{}`, "", codec.KindType, "fInt32"},
		{"wrong element", listsName, "fTree", `[{},5]`, "", codec.KindType, "fTree[1]"},
		{"not the parent", treeName, "left", `{"left":{}, "x":1}`, "", codec.KindUnknownField, "left.x"},
	} {
		m := s.message(t, c.message)
		wire, err := m.FieldByName(c.field).AppendWire([]byte("kept"), []byte(c.json), nil)
		if c.kind != 0 {
			var e *codec.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Path != c.path || string(wire) != "kept" {
				t.Errorf("%s: got %q, %+v, want kind %v at %q", c.name, wire, err, c.kind, c.path)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := m.AppendJSON(nil, wire[len("kept"):], omit); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

// TestFieldAppendJSON: T117, what response_body: "f" gives.
func TestFieldAppendJSON(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct{ name, message, field, text, want string }{
		{"scalar", scalarsName, "fInt32", `f_int32: 5 f_string: "x"`, `5`},
		{"unset scalar", scalarsName, "fInt32", ``, `0`},
		{"unset int64", scalarsName, "fInt64", ``, `"0"`},
		{"unset enum", scalarsName, "fKind", ``, `"KIND_UNSPECIFIED"`},
		{"unset optional", optionals, "fInt32", ``, `null`},
		{"set optional", optionals, "fInt32", `f_int32: 0`, `0`},
		{"message", treeName, "left", `left { name: "a" }`, `{"name":"a","branches":[],"named":{}}`},
		{"unset message", treeName, "left", `name: "a"`, `null`},
		{"list", listsName, "fInt32", `f_int32: [1, 2]`, `[1,2]`},
		{"unset list", listsName, "fInt32", ``, `[]`},
		{"list of messages", listsName, "fTree", `f_tree {} f_tree { number: 1 }`, `[{"name":"","branches":[],"named":{}},{"name":"","branches":[],"named":{},"number":1}]`},
		{"map", mapsName, "fString", `f_string { key: "b" } f_string { key: "a" value: "x" }`, `{"a":"x","b":""}`},
		{"unset map", mapsName, "fString", ``, `{}`},
		{"Timestamp", knownName, "timestamp", `timestamp {}`, `"1970-01-01T00:00:00Z"`},
		{"unset wrapper", knownName, "stringValue", ``, `null`},
		{"Value", knownName, "value", `value { null_value: 0 }`, `null`},
		{"oneof member", oneofsName, "text", `text: "a"`, `"a"`},
		{"other oneof member", oneofsName, "number", `text: "a"`, `null`},
		{"group", oldName, "single", `Single { text: "a" }`, `{"text":"a"}`},
	} {
		m := s.message(t, c.message)
		wire := fromText(t, s, c.message, c.text)
		got, err := m.FieldByName(c.field).AppendJSON([]byte("kept"), wire, nil)
		if err != nil || string(got) != "kept"+c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

// TestFieldAppendJSONMatchesParent: the value of a field is what the JSON of its parent holds, however scattered the
// bytes are.
func TestFieldAppendJSONMatchesParent(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, md := range s.roots {
		if md.ParentFile().Package() == "google.protobuf" {
			continue
		}
		for seed := range uint64(20) {
			g := newGenerator(s, seed)
			wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(g.message(md, 0))
			if err != nil {
				continue
			}
			wire = g.rewire(md, wire, 0)
			m := s.codec.Message(md)
			whole, err := m.AppendJSON(nil, wire, nil)
			if err != nil {
				continue
			}
			n, err := parseNode(whole)
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range n.names {
				f := m.FieldByName(name)
				if f == nil {
					continue // an extension
				}
				got, err := f.AppendJSON(nil, wire, nil)
				if err != nil {
					t.Fatalf("%s.%s: %v", md.FullName(), name, err)
				}
				v, err := parseNode(got)
				if err != nil || !sameNode(v, n.members[i]) {
					t.Errorf("%s.%s: got %s in %s", md.FullName(), name, got, whole)
				}
			}
		}
	}
}

func sameNode(a, b *node) bool {
	if a.token != b.token || a.open != b.open || len(a.members) != len(b.members) {
		return false
	}
	for i := range a.members {
		if !sameNode(a.members[i], b.members[i]) || a.open == '{' && a.names[i] != b.names[i] {
			return false
		}
	}
	return true
}

// TestAppending: a request is bound by appending what path, query and body give.
func TestAppending(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	m := s.message(t, treeName)
	wire, err := m.FieldByName("left").AppendWire(nil, []byte(`{"branches":[{}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if wire, err = m.FieldByName("name").AppendText(wire, "a", nil); err != nil {
		t.Fatal(err)
	}
	if wire, err = m.FieldByName("left").AppendWire(wire, []byte(`{"name":"b","branches":[{"name":"c"}]}`), nil); err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"a","left":{"name":"b","branches":[{},{"name":"c"}]}}`
	if got, err := m.AppendJSON(nil, wire, omit); err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestCustom(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for name, want := range map[string]bool{
		treeName: false, "google.protobuf.Empty": false, "google.protobuf.Any": true, "google.protobuf.Timestamp": true,
		"google.protobuf.Duration": true, "google.protobuf.FieldMask": true, "google.protobuf.Struct": true, "google.protobuf.Value": true,
		"google.protobuf.ListValue": true, "google.protobuf.Int32Value": true,
	} {
		if got := s.message(t, name).Custom(); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestFieldLookup(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	names := s.message(t, namesName)
	for name, want := range map[string]string{
		"snakeCaseName": "snake_case_name", "snake_case_name": "snake_case_name", "other": "renamed", "renamed": "renamed",
		"Leading": "_leading", "_leading": "_leading", "@kind": "type",
	} {
		if f := names.FieldByName(name); f == nil || string(f.Descriptor().Name()) != want {
			t.Errorf("T50: %q gives %v, want %s", name, f, want)
		}
	}
	for _, name := range []string{"", "nope", "SnakeCaseName", "snakecasename"} {
		if f := names.FieldByName(name); f != nil {
			t.Errorf("%q gives %s", name, f.Descriptor().FullName())
		}
	}
	old := s.message(t, oldName)
	for _, name := range []string{"single", "Single"} {
		if f := old.FieldByName(name); f == nil || f.Message() == nil || f.Message().Descriptor().Name() != "Single" {
			t.Errorf("%q gives %v, want the group", name, f)
		}
	}
	if f := old.Field(s.find(t, treeName).Fields().Get(0)); f != nil {
		t.Errorf("the field of another message gives %v", f.Descriptor().FullName())
	}
	xt, err := s.types.FindExtensionByName("codec.two.zebra")
	if err != nil {
		t.Fatal(err)
	}
	var xd protoreflect.FieldDescriptor = xt.TypeDescriptor()
	f := s.message(t, carrierName).Field(xd)
	if f == nil || old.Field(xd) != nil {
		t.Fatalf("the extension gives %v, and %v for another message", f, old.Field(xd))
	}
	wire, err := f.AppendWire(nil, []byte(`5`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.AppendJSON(nil, wire, nil); err != nil || string(got) != "5" {
		t.Errorf("got %s, %v, want 5", got, err)
	}
}
