// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// TestMissingRequired: T73.
func TestMissingRequired(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct {
		name, message, text string
		want                []string
	}{
		{"none in the type", treeName, ``, nil},
		{"top", oldName, ``, []string{"name"}},
		{"complete", oldName, `name: ""`, nil},
		{"message", oldName, `name: "" strict { a: 1 }`, []string{"strict.b"}},
		{"chain", oldName, `name: "" strict { a: 1 b: "" next { next { b: "" } } }`, []string{"strict.next.a", "strict.next.next.a", "strict.next.b"}},
		{"list", oldName, `name: "" strict_list { a: 1 b: "" } strict_list {}`, []string{"strictList[1].a", "strictList[1].b"}},
		{"list of groups", oldName, `name: "" Many { id: 1 } Many {}`, []string{"many[1].id"}},
		{"map", oldName, `name: "" stricts { key: 5 value { a: 1 } } stricts { key: -5 value { b: "" } }`, []string{`stricts["-5"].a`, `stricts["5"].b`}},
		{"group within a group", oldName, `name: "" Single { inner {} }`, []string{"single.inner.name"}},
		{"Any is not looked into", oldName, `name: "" any { type_url: "x/codec.two.Strict" }`, nil},
		{"edition", editionName, `must: "" prefixed {} delimited { must: "" } delimiteds {}`, []string{"delimiteds[0].must", "prefixed.must"}},
	} {
		got, err := s.message(t, c.message).MissingRequired(fromText(t, s, c.message, c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	// Merging counts: what path, query and body give is appended.
	wire, err := hex.DecodeString("0a00" + "52020801" + "52021a00")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.message(t, oldName).MissingRequired(wire); err != nil || got != nil {
		t.Errorf("in pieces: got %v, %v, want nothing", got, err)
	}
	var e *codec.Error
	if _, err := s.message(t, oldName).MissingRequired([]byte{0x0a, 5}); !errors.As(err, &e) || e.Kind != codec.KindWire || !e.Wire {
		t.Errorf("malformed: got %v", err)
	}
}

// TestMissingRequiredIsBounded: a list of a million incomplete messages does not give a million paths.
func TestMissingRequiredIsBounded(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	wire := []byte{0x0a, 0}
	for range 10000 {
		wire = append(wire, 0x7a, 0)
	}
	got, err := s.message(t, oldName).MissingRequired(wire)
	if err != nil || len(got) != 100 {
		t.Errorf("got %d paths, %v, want 100", len(got), err)
	}
}

func TestMissingRequiredMatchesOracle(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, md := range s.roots {
		for seed := range uint64(60) {
			g := newGenerator(s, seed)
			wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(g.message(md, 0))
			if err != nil {
				continue
			}
			wire = g.rewire(md, wire, 0)
			msg, err := s.parse(md, wire)
			if err != nil {
				continue
			}
			got, err := s.codec.Message(md).MissingRequired(wire)
			if want := proto.CheckInitialized(msg); err != nil || (len(got) == 0) != (want == nil) {
				t.Errorf("%s: %x: got %v, %v, want %v", md.FullName(), wire, got, err, want)
			}
		}
	}
}
