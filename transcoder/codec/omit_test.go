// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"encoding/hex"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// T171: what goes elsewhere is left out of the JSON, whether it has a value, has none, or comes late.
func TestT171OmittedFields(t *testing.T) {
	t.Parallel()
	m := corpusSchema(t).message(t, "codec.three.Tree")
	name, number := m.FieldByName("name"), m.FieldByName("number")
	const nameA, left, seven = "0a0161", "12030a0162", "3007"
	for _, c := range []struct{ reason, wire, want string }{
		{"in the order of declaration", nameA + left, `{"left":{}}`},
		{"late", left + nameA, `{"left":{}}`},
		{"twice", nameA + left + nameA, `{"left":{}}`},
		{"in a oneof", nameA + seven, `{}`},
		{"nothing else", nameA, `{}`},
	} {
		wire, err := hex.DecodeString(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.AppendJSON(nil, wire, &codec.EncodeOptions{Defaults: codec.DefaultsOmit, Omit: []*codec.Field{name, number}})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.reason, got, err, c.want)
		}
	}
	with, err := m.AppendJSON(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	without, err := m.AppendJSON(nil, nil, &codec.EncodeOptions{Omit: []*codec.Field{name}})
	if err != nil || string(without) == string(with) {
		t.Errorf("the default is written: %s, %v", without, err)
	}
}
