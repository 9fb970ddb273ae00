// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

const enumProto = `
	syntax = "proto3";
	package a;
	enum HTTPMethod { HTTP_METHOD_UNSPECIFIED = 0; HTTP_METHOD_GET = 1; HTTP_METHOD_2 = 2; POST = 3; HTTP_METHOD_ = 4; }
	message M { HTTPMethod method = 1; map<string, HTTPMethod> methods = 2; }`

// Only proto2 lets such names pass.
const clashProto = `
	syntax = "proto2";
	package a;
	import "a.proto";
	enum Clash { CLASH_A = 0; A = 1; }
	enum Fold { up = 0; UP = 1; Only = 2; }
	message Strips { optional M m = 1; optional Clash clash = 2; }
	message Folds { repeated Strips strips = 1; map<string, Fold> fold = 3; }`

// TestEnumNames: T80.
func TestEnumNames(t *testing.T) {
	t.Parallel()
	s := newSchema(t, compileFiles(t, map[string]string{"a.proto": enumProto, "b.proto": clashProto}))
	var (
		strict = &codec.DecodeOptions{}
		strip  = &codec.DecodeOptions{StripEnumPrefix: true}
		fold   = &codec.DecodeOptions{FoldEnumCase: true}
		both   = &codec.DecodeOptions{StripEnumPrefix: true, FoldEnumCase: true}
	)
	f := s.message(t, "a.M").FieldByName("method")
	for _, c := range []struct {
		text string
		o    *codec.DecodeOptions
		want string // "" if refused
	}{
		{"HTTP_METHOD_GET", strict, `"HTTP_METHOD_GET"`},
		{"GET", strict, ""},
		{"GET", strip, `"HTTP_METHOD_GET"`},
		{"HTTP_METHOD_GET", strip, `"HTTP_METHOD_GET"`},
		{"get", strip, ""},
		{"get", fold, ""},
		{"http_method_get", fold, `"HTTP_METHOD_GET"`},
		{"http_Method_Get", both, `"HTTP_METHOD_GET"`},
		{"get", both, `"HTTP_METHOD_GET"`},
		{"Post", both, `"POST"`},
		{"2", strip, `"HTTP_METHOD_2"`}, // as a number, since a name never looks like one
		{"", strip, ""},
		{"po\u017ft", fold, ""}, // a letter that Unicode folds to s
	} {
		wire, err := f.AppendText(nil, c.text, c.o)
		if (err != nil) != (c.want == "") {
			t.Errorf("%q with %+v: got %v, want %s", c.text, c.o, err, c.want)
		}
		if err != nil {
			continue
		}
		if got, err := f.AppendJSON(nil, wire, nil); err != nil || string(got) != c.want {
			t.Errorf("%q with %+v: got %s, %v, want %s", c.text, c.o, got, err, c.want)
		}
		viaJSON, err := f.AppendWire(nil, []byte(`"`+c.text+`"`), c.o)
		if c.text != "2" && (err != nil || string(viaJSON) != string(wire)) {
			t.Errorf("%q as JSON with %+v: got %x, %v, want %x", c.text, c.o, viaJSON, err, wire)
		}
	}
	out := &codec.EncodeOptions{StripEnumPrefix: true}
	for number, want := range map[string]string{"0": `"UNSPECIFIED"`, "1": `"GET"`, "2": `"HTTP_METHOD_2"`, "3": `"POST"`, "4": `"HTTP_METHOD_"`, "9": `9`} {
		wire, err := f.AppendText(nil, number, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.AppendJSON(nil, wire, out); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", number, got, err, want)
		}
	}
}

func TestCheckEnumNames(t *testing.T) {
	t.Parallel()
	s := newSchema(t, compileFiles(t, map[string]string{"a.proto": enumProto, "b.proto": clashProto}))
	for _, c := range []struct {
		message     string
		strip, fold bool
		want        []string // parts of the error
	}{
		{"a.M", true, true, nil},
		{"a.Strips", false, false, nil},
		{"a.Strips", false, true, nil},
		{"a.Strips", true, false, []string{"enum a.Clash: CLASH_A and A would both be A"}},
		{"a.Folds", false, true, []string{"enum a.Fold: up and UP would both be UP"}},
		{"a.Folds", true, true, []string{"a.Fold", "a.Clash"}},
	} {
		err := s.message(t, c.message).CheckEnumNames(c.strip, c.fold)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s, strip %t, fold %t: got %v, want %q", c.message, c.strip, c.fold, err, c.want)
		}
		for _, part := range c.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s, strip %t, fold %t: got %v, want %q", c.message, c.strip, c.fold, err, part)
			}
		}
	}
	// A name that is ambiguous is refused, and not taken for either.
	f := s.message(t, "a.Folds").FieldByName("fold")
	if _, err := f.AppendMapEntry(nil, "k", "Up", &codec.DecodeOptions{FoldEnumCase: true}); err == nil {
		t.Error("an ambiguous name was taken")
	}
	if _, err := f.AppendMapEntry(nil, "k", "up", &codec.DecodeOptions{FoldEnumCase: true}); err != nil {
		t.Errorf("a name as it is declared: %v", err)
	}
}
