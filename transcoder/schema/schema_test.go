// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// linked compiles files and links them with the well-known ones.
func linked(t *testing.T, files map[string]string) []protoreflect.FileDescriptor {
	t.Helper()
	set := sourcetest.Compile(t, files)
	own := make(map[string]bool)
	for _, file := range set.File {
		own[file.GetName()] = true
	}
	wellknown.Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !own[file.Path()] {
			set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
		}
		return true
	})
	registry, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	var all []protoreflect.FileDescriptor
	registry.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if own[file.Path()] {
			all = append(all, file)
		}
		return true
	})
	return all
}

func TestSchema(t *testing.T) {
	unserved := []schema.Diagnostic{{Level: schema.Warning, Message: "something"}}
	files := linked(t, sourcetest.Second())
	s, err := schema.New(schema.Config{
		Source: "test", Files: files, Unserved: unserved,
		Hide: func(name protoreflect.FullName) bool { return name == "greet.v1.Farewell" },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := sourcetest.Services(s); len(got) != 1 || got[0] != "greet.v1.Greeter" {
		t.Errorf("services are %v; want the one that is not hidden", got)
	}
	if s.FindMethod("/greet.v1.Farewell/Bye") != nil || s.FindMethod("greet.v1.Greeter/Hello") != nil {
		t.Error("a method is found that should not be")
	}
	if want := (schema.Stats{Files: 3, Services: 1, Methods: 1, Messages: 3}); s.Stats() != want {
		t.Errorf("stats are %+v; want %+v", s.Stats(), want)
	}
	var paths []string
	for _, file := range s.Files() {
		paths = append(paths, file.Path())
	}
	if got := strings.Join(paths, " "); got != "greet/v1/common.proto greet/v1/farewell.proto greet/v1/greeter.proto" {
		t.Errorf("files are %s", got)
	}
	if len(s.Unserved()) != 1 || s.Source() != "test" {
		t.Errorf("unserved is %v of %s", s.Unserved(), s.Source())
	}
	// The import of an import is there, as a protodesc.Resolver has it, but is not the user's own.
	if _, err := s.FindFileByPath("google/api/http.proto"); err != nil {
		t.Error(err)
	}
	if d, err := s.FindDescriptorByName("google.protobuf.Timestamp"); err != nil || d.ParentFile().Path() != "google/protobuf/timestamp.proto" {
		t.Errorf("google.protobuf.Timestamp is %v, %v", d, err)
	}
	if _, err := s.FindDescriptorByName("google.type.Money"); err == nil {
		t.Error("what nobody imports is in the schema")
	}
}

// TestTwoSchemas: two schemas define one name differently, and differently from what is linked into the program (T5).
func TestTwoSchemas(t *testing.T) {
	load := func(text string) *schema.Schema {
		t.Helper()
		s, err := schema.New(schema.Config{Files: linked(t, map[string]string{"google/protobuf/any.proto": text})})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one := load("syntax = \"proto3\";\npackage google.protobuf;\nmessage Any { string mine = 1; }\n")
	other := load("syntax = \"proto3\";\npackage google.protobuf;\nmessage Any { string yours = 1; }\n")
	for s, want := range map[*schema.Schema]protoreflect.Name{one: "mine", other: "yours"} {
		message, err := s.Types().FindMessageByURL("type.googleapis.com/google.protobuf.Any")
		if err != nil || message.Descriptor().Fields().ByName(want) == nil {
			t.Errorf("google.protobuf.Any has no field %s: %v", want, err)
		}
	}
}

// TestConflict: files that cannot be one schema are refused.
func TestConflict(t *testing.T) {
	text := "syntax = \"proto3\";\npackage p;\nmessage M {}\n"
	a, b := linked(t, map[string]string{"a.proto": text}), linked(t, map[string]string{"b.proto": text})
	if _, err := schema.New(schema.Config{Source: "s", Files: append(a, b...)}); err == nil || !strings.Contains(err.Error(), "p.M") {
		t.Errorf("two files with one message: %v", err)
	}
	again := linked(t, map[string]string{"a.proto": text})
	_, err := schema.New(schema.Config{Source: "s", Files: append(again, a...)})
	if err == nil || !strings.Contains(err.Error(), "schema s: two files have the import name a.proto") {
		t.Errorf("two files with one name: %v", err)
	}
}

// TestTypes finds extensions, the schema's own before the well-known ones.
func TestTypes(t *testing.T) {
	s, err := schema.New(schema.Config{Files: linked(t, map[string]string{"x.proto": `syntax = "proto2";
package x;
import "google/protobuf/descriptor.proto";
message Outer {
  extensions 5 to 9;
  extend google.protobuf.MethodOptions { optional Outer inside = 50001; }
  enum E { A = 0; }
}
extend Outer { optional string five = 5; }
`})})
	if err != nil {
		t.Fatal(err)
	}
	types := s.Types()
	for _, name := range []protoreflect.FullName{"x.five", "x.Outer.inside", "google.api.http", "buf.validate.field"} {
		if found, err := types.FindExtensionByName(name); err != nil || found.TypeDescriptor().FullName() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for message, number := range map[protoreflect.FullName]protoreflect.FieldNumber{"x.Outer": 5, "google.protobuf.MethodOptions": 50001, "google.protobuf.FieldOptions": 1159} {
		if _, err := types.FindExtensionByNumber(message, number); err != nil {
			t.Errorf("extension %d of %s: %v", number, message, err)
		}
	}
	seen := make(map[protoreflect.FullName]bool)
	types.RangeExtensionsByMessage("google.protobuf.MethodOptions", func(extension protoreflect.ExtensionType) bool {
		seen[extension.TypeDescriptor().FullName()] = true
		return true
	})
	if !seen["x.Outer.inside"] || !seen["google.api.http"] {
		t.Errorf("extensions of MethodOptions are %v", seen)
	}
	var n int
	types.RangeExtensionsByMessage("google.protobuf.MethodOptions", func(protoreflect.ExtensionType) bool { n++; return false })
	if n != 1 {
		t.Errorf("the range goes on %d times after false", n-1)
	}
	if enum, err := types.FindEnumByName("x.Outer.E"); err != nil || enum.Descriptor().Values().Len() != 1 {
		t.Errorf("x.Outer.E: %v", err)
	}
	for name, err := range map[string]error{
		"message": second(types.FindMessageByName("x.five")), "enum": second(types.FindEnumByName("x.Outer")),
		"extension": second(types.FindExtensionByName("x.Outer")), "number": second(types.FindExtensionByNumber("x.Outer", 6)),
	} {
		if err != protoregistry.NotFound { //nolint:errorlint // resolvers must return it as it is
			t.Errorf("%s: %v; want protoregistry.NotFound", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestOptionForms reads google.api.http alike in the three forms in which it comes (T4).
func TestOptionForms(t *testing.T) {
	want := &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/{id}"}, ResponseBody: "x"}
	known := &descriptorpb.MethodOptions{Deprecated: proto.Bool(true)}
	proto.SetExtension(known, annotations.E_Http, want)
	wire, err := proto.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(resolver interface {
		protoregistry.ExtensionTypeResolver
		FindMessageByName(protoreflect.FullName) (protoreflect.MessageType, error)
		FindMessageByURL(string) (protoreflect.MessageType, error)
	},
	) *descriptorpb.MethodOptions {
		t.Helper()
		options := new(descriptorpb.MethodOptions)
		if err := (proto.UnmarshalOptions{Resolver: resolver}).Unmarshal(wire, options); err != nil {
			t.Fatal(err)
		}
		return options
	}
	s, err := schema.New(schema.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]proto.Message{
		"known": known, "dynamic": decode(s.Types()), "unknown": decode((*protoregistry.Types)(nil)),
	} {
		values, err := schema.OptionBytes(options, 72295728)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := new(annotations.HttpRule)
		if err := proto.Unmarshal(bytes.Join(values, nil), got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: the rule is %v, %v; want %v", name, got, err, want)
		}
		if values, err := schema.OptionBytes(options, 72295729); err != nil || values != nil {
			t.Errorf("%s: an option that is not there is %v, %v", name, values, err)
		}
	}
	if values, err := schema.OptionBytes((*descriptorpb.MethodOptions)(nil), 1); err != nil || values != nil {
		t.Errorf("no options at all: %v, %v", values, err)
	}
	if values, err := schema.OptionBytes(nil, 1); err != nil || values != nil {
		t.Errorf("nil: %v, %v", values, err)
	}
}

// TestLocateWithoutPositions: the file is known even when nothing else is.
func TestLocateWithoutPositions(t *testing.T) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("a.proto"), Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S")}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Config{
		Files: []protoreflect.FileDescriptor{file}, Display: func(name string) string { return "shown/" + name },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Locate(s.Services()[0], 3); got != (schema.Position{File: "shown/a.proto"}) {
		t.Errorf("the service is at %#v", got)
	}
	if got := s.Line("shown/a.proto", 1); got != "" {
		t.Errorf("line 1 is %q", got)
	}
}
