// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// ambiguous has enums whose names clash without their prefix, or in one case.
const ambiguous = `
name: "clash.proto" package: "clash" syntax: "proto2"
enum_type { name: "Kind" value { name: "KIND_A" number: 0 } value { name: "A" number: 1 } }
enum_type { name: "Fold" value { name: "up" number: 0 } value { name: "UP" number: 1 } }
message_type { name: "In" field { name: "fold" number: 1 type: TYPE_ENUM type_name: ".clash.Fold" label: LABEL_OPTIONAL } }
message_type { name: "Out" field { name: "kind" number: 1 type: TYPE_ENUM type_name: ".clash.Kind" label: LABEL_OPTIONAL } }
service { name: "S" method { name: "M" input_type: ".clash.In" output_type: ".clash.Out" } }
`

// T80: what would be ambiguous is told when routes are made, and not when a client meets it.
func TestT80AmbiguousEnumNamesAreALoadError(t *testing.T) {
	t.Parallel()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(ambiguous), file); err != nil {
		t.Fatal(err)
	}
	fd, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Config{Files: []protoreflect.FileDescriptor{fd}})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	table, problems := httprule.Build([]protoreflect.MethodDescriptor{mux.Methods()[0].Desc}, httprule.Config{
		DefaultBinding: func(protoreflect.ServiceDescriptor) bool { return true },
	})
	if table == nil {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	for _, test := range []struct {
		name string
		cfg  rest.Config
		want string // "" is good
	}{
		{"strict", rest.Config{}, ""},
		{"folded in", rest.Config{Bind: bind.Config{Decode: codec.DecodeOptions{FoldEnumCase: true}}}, "enum clash.Fold: up and UP would both be UP"},
		{"stripped in", rest.Config{Bind: bind.Config{Decode: codec.DecodeOptions{StripEnumPrefix: true}}}, "enum clash.Kind: KIND_A and A would both be A"},
		{"stripped out", rest.Config{Encode: codec.EncodeOptions{StripEnumPrefix: true}}, "enum clash.Kind: KIND_A and A would both be A"},
	} {
		_, err := rest.New(rest.Configs{Default: test.cfg}, mux)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// T57: a field that cannot take parameters is told at once too.
func TestT57BadCaptureFieldIsALoadError(t *testing.T) {
	t.Parallel()
	_, err := rest.New(rest.Configs{Default: rest.Config{Bind: bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: "name"}}}, newMux(t))
	if err == nil || !strings.Contains(err.Error(), "must be a map<string, string>") {
		t.Errorf("got %v", err)
	}
}

// T116: a message that nobody here knows is sent as its bytes, or makes the answer an error that is not the client's.
func TestT116AnyOfUnknownType(t *testing.T) {
	t.Parallel()
	const known = "\x0a\x0c" + "\x0a\x06x/Nope" + "\x12\x02\x08\x01" // WellKnown.any
	var met []string
	loose := rest.Config{Encode: codec.EncodeOptions{Defaults: codec.DefaultsOmit, OnUnknownAny: func(url string) { met = append(met, url) }}}
	a := serve(t, loose, &answering{answer: known}, request(t, "GET", "/test/v1/messages/well-known", ""))
	if want := `{"any":{"@type":"x/Nope","value":"CAE="}}`; a.Code != 200 || a.Body.String() != want {
		t.Errorf("got %d %s, want 200 %s", a.Code, a.Body, want)
	}
	if len(met) != 1 || met[0] != "x/Nope" {
		t.Errorf("told of %q", met)
	}
	strict := rest.Config{Encode: codec.EncodeOptions{RefuseUnknownAny: true}}
	a = serve(t, strict, &answering{answer: known}, request(t, "GET", "/test/v1/messages/well-known", ""))
	if a.Code != 500 || !strings.Contains(a.Body.String(), `"code":13`) || strings.Contains(a.Body.String(), "Nope") {
		t.Errorf("got %d %s, want 500 with code 13", a.Code, a.Body)
	}
	// What is no message at all stays the backend's fault (T120).
	if a = serve(t, strict, &answering{answer: "\x0a"}, request(t, "GET", "/test/v1/messages/well-known", "")); a.Code != 502 {
		t.Errorf("got %d %s, want 502", a.Code, a.Body)
	}
}
