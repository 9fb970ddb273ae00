// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// TestMaskPaths: T107 and T108.
func TestMaskPaths(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	lenient := &codec.DecodeOptions{DiscardUnknown: true}
	for _, c := range []struct {
		name, message, json string
		want                []string
		o                   *codec.DecodeOptions
	}{
		{"empty object", treeName, `{}`, nil, nil},
		{"proto spelling", namesName, `{"snakeCaseName":"a","other":"b","_leading":1}`, []string{"_leading", "renamed", "snake_case_name"}, nil},
		{"null and defaults count", scalarsName, `{"fInt32":0,"fString":null,"fBool":false}`, []string{"f_bool", "f_int32", "f_string"}, nil},
		{"nested", treeName, `{"left":{"name":"a","right":{"number":1}},"name":"b"}`, []string{"left.name", "left.right.number", "name"}, nil},
		{"empty message", treeName, `{"left":{},"right": { }}`, []string{"left", "right"}, nil},
		{"null message", treeName, `{"left":null}`, []string{"left"}, nil},
		{"list", treeName, `{"branches":[{"name":"a"}]}`, []string{"branches"}, nil},
		{"map", treeName, `{"named":{"k":{"name":"a"}}}`, []string{"named"}, nil},
		{"Any", treeName, `{"left":{"any":{"@type":"x/codec.three.Tree","name":"a"}}}`, []string{"left.any"}, nil},
		{"Struct", treeName, `{"struct":{"a":{"b":1}},"value":{"c":1}}`, []string{"struct", "value"}, nil},
		{"well-known types", knownName, `{"timestamp":"2024-01-01T00:00:00Z","empty":{},"int32Value":5,"listValue":[1]}`, []string{"empty", "int32_value", "list_value", "timestamp"}, nil},
		{"oneof", treeName, `{"deeper":{"text":"x"}}`, []string{"deeper.text"}, nil},
		{"group", oldName, `{"Single":{"deep":{"n":1}}}`, []string{"single.deep.n"}, nil},
		{"unknown, discarded", treeName, `{"nope":{"name":1},"name":""}`, []string{"name"}, lenient},
	} {
		got, err := s.message(t, c.message).MaskPaths([]byte(c.json), c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		// What gives a mask is a message.
		if _, err := s.message(t, c.message).AppendWire(nil, []byte(c.json), c.o); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, c := range []struct {
		name, message, json string
		kind                codec.Kind
		path                string
	}{
		{"unknown", treeName, `{"left":{"nope":1}}`, codec.KindUnknownField, "left.nope"},
		{"extension", carrierName, `{"[codec.two.zebra]":1}`, codec.KindUnsupported, "[codec.two.zebra]"},
		{"not an object", treeName, `5`, codec.KindType, ""},
		{"not JSON", treeName, `{"name":}`, codec.KindSyntax, "name"},
		{"well-known type", "google.protobuf.Timestamp", `"2024-01-01T00:00:00Z"`, codec.KindUnsupported, ""},
		{"two values", treeName, `{}{}`, codec.KindSyntax, ""},
	} {
		_, err := s.message(t, c.message).MaskPaths([]byte(c.json), nil)
		var e *codec.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Path != c.path {
			t.Errorf("%s: got %+v, want kind %v at %q", c.name, err, c.kind, c.path)
		}
	}
}
