// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wellknown_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// TestText: the texts and the descriptors are of the same files, and say the same.
func TestText(t *testing.T) {
	texts := make(map[string]string)
	for _, name := range wellknown.Names() {
		text, ok := wellknown.Text(name)
		if !ok || text == "" {
			t.Errorf("%s has no text", name)
		}
		if !wellknown.Has(name) {
			t.Errorf("Has says that %s is not there", name)
		}
		texts[name] = text
	}
	for _, want := range sourcetest.Compile(t, texts).File {
		file := wellknown.File(want.GetName())
		if file == nil {
			t.Errorf("%s is not linked", want.GetName())
			continue
		}
		want.SourceCodeInfo = nil
		if diff := cmp.Diff(want, protodesc.ToFileDescriptorProto(file), protocmp.Transform()); diff != "" {
			t.Errorf("run go generate: %s (-text +linked):\n%s", want.GetName(), diff)
		}
	}
	if got := wellknown.Files().NumFiles(); got != len(texts) {
		t.Errorf("%d files are linked and %d have a text", got, len(texts))
	}
}

// TestImports lists what people import without bringing it (T3).
func TestImports(t *testing.T) {
	for _, name := range []string{
		"google/protobuf/any.proto", "google/protobuf/descriptor.proto", "google/protobuf/compiler/plugin.proto",
		"google/protobuf/go_features.proto", "google/protobuf/cpp_features.proto", "google/protobuf/timestamp.proto",
		"google/api/annotations.proto", "google/api/http.proto", "google/api/httpbody.proto", "google/api/field_behavior.proto",
		"google/api/resource.proto", "google/api/client.proto", "google/api/launch_stage.proto", "google/api/visibility.proto",
		"google/api/field_info.proto", "google/api/routing.proto", "google/api/service.proto",
		"google/rpc/status.proto", "google/rpc/code.proto", "google/rpc/error_details.proto",
		"google/type/money.proto", "google/type/date.proto", "google/type/latlng.proto", "google/longrunning/operations.proto",
		"buf/validate/validate.proto", "validate/validate.proto",
		"protoc-gen-openapiv2/options/annotations.proto", "protoc-gen-openapiv3/options/annotations.proto",
		"gogoproto/gogo.proto", "github.com/gogo/protobuf/gogoproto/gogo.proto",
		"grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto",
	} {
		if !wellknown.Has(name) || wellknown.File(name) == nil {
			t.Errorf("%s is not built in", name)
		}
	}
	for _, name := range []string{"", "acme/a.proto", "../wellknown.go", "google/api", "/google/api/http.proto"} {
		if _, ok := wellknown.Text(name); ok || wellknown.Has(name) || wellknown.File(name) != nil {
			t.Errorf("%q is built in", name)
		}
	}
	if groups := wellknown.Groups(); !slices.Contains(groups, "google/api") || !slices.Contains(groups, "buf/validate") || !slices.IsSorted(groups) {
		t.Errorf("groups are %v", groups)
	}
}

// TestBothNamesOfGogo: a tree may use both names of one file.
func TestBothNamesOfGogo(t *testing.T) {
	set := sourcetest.Compile(t, map[string]string{"a.proto": `syntax = "proto2";
import "gogoproto/gogo.proto";
import "github.com/gogo/protobuf/gogoproto/gogo.proto";
message A { optional string id = 1 [(gogoproto.nullable) = false]; }
`})
	file, err := protodesc.NewFile(set.File[0], wellknown.Files())
	if err != nil {
		t.Fatal(err)
	}
	if file.Messages().ByName(protoreflect.Name("A")) == nil {
		t.Error("message A is not there")
	}
}
