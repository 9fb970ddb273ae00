// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// corpus is files of every kind. Edition 2024 is not among them: the other compiler does not know it.
func corpus() map[string]string {
	files := sourcetest.Second()
	maps.Copy(files, map[string]string{
		"two.proto": `syntax = "proto2";
package two;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { optional Rule rule = 50001; repeated string tag = 50002; }
extend google.protobuf.MethodOptions { optional Rule method_rule = 50003; }
message Rule {
  optional int32 min = 1 [default = -3];
  optional double ratio = 2 [default = inf];
  optional bytes raw = 3 [default = "a\000b"];
  map<string, Rule> nested = 4;
  optional Kind kind = 5 [default = B];
  enum Kind { A = 1; B = 2; C = 2; option allow_alias = true; reserved 5 to max; reserved "X"; }
  extensions 100 to 199 [declaration = { number: 100 full_name: ".two.extra" type: "string" }];
  reserved 7, 9 to 11;
}
extend Rule { optional string extra = 100; }
message User {
  required string id = 1 [(rule) = { min: 4 nested { key: "a" value { ratio: -inf } } }, (tag) = "x", (tag) = "y", deprecated = true];
  optional group Address = 2 { optional string street = 1 [json_name = "strasse"]; }
  oneof choice { string left = 3; User right = 4; }
  repeated int32 packed = 5 [packed = true];
}
service Users {
  // Leading.
  rpc Get(User) returns (stream User) { option idempotency_level = NO_SIDE_EFFECTS; option (method_rule).min = 7; option (method_rule).kind = C; }
}
`,
		"three.proto": `syntax = "proto3";
package three;
import public "two.proto";
import "buf/validate/validate.proto";
import "protoc-gen-openapiv2/options/annotations.proto";
import "google/api/annotations.proto";
option (grpc.gateway.protoc_gen_openapiv2.options.openapiv2_swagger) = { info: { title: "T" version: "1" } };
option go_package = "example.com/three;three";
message M {
  optional string maybe = 1 [(buf.validate.field).string = { min_len: 1, pattern: "^[a-z]+$" }];
  repeated int64 many = 2;
  map<uint32, E> by_number = 3;
  enum E { E_NONE = 0; E_ONE = 1 [deprecated = true]; }
}
service S {
  rpc Do(M) returns (M) {
    option (google.api.http) = { put: "/v1/{maybe}" body: "*" additional_bindings { custom { kind: "HEAD" path: "/x" } } };
  }
}
`,
		"edition.proto": `edition = "2023";
package edition;
import "two.proto";
option features.field_presence = IMPLICIT;
message M {
  string a = 1 [features.field_presence = EXPLICIT];
  two.User user = 2 [features.message_encoding = DELIMITED];
  repeated int32 unpacked = 3 [features.repeated_field_encoding = EXPANDED];
  enum Closed { option features.enum_type = CLOSED; ONE = 1; }
}
`,
	})
	return files
}

func opener(files map[string]string) compile.Opener {
	return func(name string) (compile.File, bool) {
		if text, ok := files[name]; ok {
			return compile.File{Display: name, Text: text}, true
		}
		text, ok := wellknown.Text(name)
		return compile.File{Display: wellknown.DisplayPrefix + name, Text: text}, ok
	}
}

// TestAgrees compares the descriptors with those of the other compiler of the same authors, which is as old as it is
// proven, for files of ours and for all well-known ones.
func TestAgrees(t *testing.T) {
	files := corpus()
	for _, name := range wellknown.Names() {
		files[name], _ = wellknown.Text(name)
	}
	got, err := compile.New().Compile(t.Context(), opener(files), slices.Sorted(maps.Keys(files))...)
	if err != nil {
		t.Fatal(err)
	}
	others := sourcetest.Compile(t, files).File
	resolver := resolverOf(t, others)
	for _, want := range others {
		made := got[want.GetName()]
		if diff := cmp.Diff(canonical(t, resolver, want), canonical(t, resolver, made), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-other +ours):\n%s", want.GetName(), diff)
		}
		compareComments(t, want, made)
	}
	if len(got) != len(files) {
		t.Errorf("%d files come from %d", len(got), len(files))
	}
}

// resolverOf knows all extensions that these files define.
func resolverOf(t *testing.T, files []*descriptorpb.FileDescriptorProto) *schema.Types {
	t.Helper()
	protos := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, file := range files {
		protos[file.GetName()] = proto.CloneOf(file)
	}
	linked, err := link.Link(link.Input{Protos: protos})
	if err != nil {
		t.Fatal(err)
	}
	config := schema.Config{}
	for _, file := range linked.Files {
		config.Files = append(config.Files, file)
	}
	s, err := schema.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s.Types()
}

// canonical leaves out what two right compilers may do differently: positions, and the order in which the fields of an
// option are written to the wire.
func canonical(t *testing.T, resolver *schema.Types, file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	t.Helper()
	wire, err := proto.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	known := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{Resolver: resolver}).Unmarshal(wire, known); err != nil {
		t.Fatal(err)
	}
	known.SourceCodeInfo = nil
	return known
}

// compareComments: each comment of the other compiler is there, at the same element.
func compareComments(t *testing.T, want, got *descriptorpb.FileDescriptorProto) {
	t.Helper()
	comments := make(map[string]bool)
	for _, at := range got.GetSourceCodeInfo().GetLocation() {
		comments[fmt.Sprint(at.Path, at.GetLeadingComments())] = true
	}
	for _, at := range want.GetSourceCodeInfo().GetLocation() {
		// An odd path is a statement such as "reserved", which is no element.
		if len(at.Path)%2 == 0 && at.LeadingComments != nil && !comments[fmt.Sprint(at.Path, at.GetLeadingComments())] {
			t.Errorf("%s: the comment %q is not at %v", want.GetName(), at.GetLeadingComments(), at.Path)
		}
	}
}

// TestEdition2024 compiles the newest edition.
func TestEdition2024(t *testing.T) {
	got, err := compile.New().Compile(t.Context(), opener(map[string]string{"a.proto": `edition = "2024";
package acme;
import option "google/api/annotations.proto";
export message M { string a = 1; }
local message N { int32 b = 1 [features.field_presence = IMPLICIT]; }
service S { rpc Get(M) returns (M) { option (google.api.http) = { get: "/v1/{a}" }; } }
`}), "a.proto")
	if err != nil {
		t.Fatal(err)
	}
	file := got["a.proto"]
	if file.GetEdition() != descriptorpb.Edition_EDITION_2024 || !slices.Equal(file.GetOptionDependency(), []string{"google/api/annotations.proto"}) {
		t.Errorf("the file has %v and the imports for options %v", file.GetEdition(), file.GetOptionDependency())
	}
	values, err := schema.OptionBytes(file.Service[0].Method[0].Options, 72295728)
	if err != nil || len(values) != 1 {
		t.Errorf("the rule is %v, %v", values, err)
	}
}

// TestPositions: what was pruned is only what nobody asks for.
func TestPositions(t *testing.T) {
	got, err := compile.New().Compile(t.Context(), opener(corpus()), "two.proto")
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]bool)
	for _, at := range got["two.proto"].GetSourceCodeInfo().GetLocation() {
		paths[strings.Trim(fmt.Sprint(at.Path), "[]")] = true
	}
	for path, want := range map[string]bool{
		"4 0": true, "4 0 1": true, "4 0 2 0": true, "4 0 4 0": true, "4 0 4 0 2 1": true, "7 0": true, "6 0 2 0": true, "6 0 2 0 2": true,
		"4 1 2 0 8 50001": true, "6 0 2 0 4 50003 1": true, "4 1 2 0 8 3": true, "4 1 8 0": true,
		"4 0 2 0 1": false, "4 0 2 0 5": false, "4 0 4 0 2 1 2": false, "7 0 1": false, "4 1 2 1 3": false,
	} {
		if paths[path] != want {
			t.Errorf("the position of %s is there: %t; want %t", path, paths[path], want)
		}
	}
}

// TestSuggestion keeps what the compiler proposes, in words.
func TestSuggestion(t *testing.T) {
	_, err := compile.New().Compile(t.Context(), opener(map[string]string{
		"a.proto": "syntax = \"proto3\";\nimport \"google//protobuf/any.proto\";\nmessage A { google.protobuf.Any a = 1; }\n",
	}), "a.proto")
	var refused *schema.LoadError
	if !errors.As(err, &refused) || len(refused.All()) != 1 {
		t.Fatalf("Compile returns %v; want one problem", err)
	}
	d := refused.All()[0]
	if at := d.Position(); at.File != "a.proto" || at.Line != 2 {
		t.Errorf("the problem is at %v", d.Position())
	}
	if help := strings.Join(d.Help, "\n"); !strings.Contains(help, "google/protobuf/any.proto") {
		t.Errorf("help is %q; want the path that is proposed", help)
	}
}

// TestCause returns why a context ended, and nothing of a compilation without files.
func TestCause(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := compile.New().Compile(ctx, opener(corpus()), "two.proto"); !errors.Is(err, cause) {
		t.Errorf("Compile returns %v; want the cause", err)
	}
	if got, err := compile.New().Compile(t.Context(), opener(nil)); err != nil || len(got) != 0 {
		t.Errorf("Compile of nothing returns %v, %v", got, err)
	}
}
