// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// twoMasks is a request with a mask of what to change and one of what to return.
const twoMasks = `
name: "masks.proto" package: "masks" syntax: "proto3" dependency: "google/protobuf/field_mask.proto"
message_type {
  name: "Update"
  field { name: "thing" number: 1 type: TYPE_MESSAGE type_name: ".masks.Thing" label: LABEL_OPTIONAL }
  field { name: "update_mask" json_name: "updateMask" number: 2 type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
  field { name: "read_mask" json_name: "readMask" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
}
message_type { name: "Thing" field { name: "title" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
service { name: "S" method { name: "Update" input_type: ".masks.Update" output_type: ".masks.Thing" } }
`

// T106: of several masks, the one that is filled in is the one that the configuration names, and without a name none is.
func TestT106WhichMask(t *testing.T) {
	t.Parallel()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(twoMasks), file); err != nil {
		t.Fatal(err)
	}
	fd, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	files := &protoregistry.Files{}
	if err := files.RegisterFile(fd); err != nil {
		t.Fatal(err)
	}
	c, err := codec.New(dynamicpb.NewTypes(files), codec.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rule := &annotations.HttpRule{
		Selector: "masks.S.Update", Body: "thing", Pattern: &annotations.HttpRule_Patch{Patch: "/things"},
	}
	table, problems := httprule.Build([]protoreflect.MethodDescriptor{fd.Services().Get(0).Methods().Get(0)}, httprule.Config{Rules: []*annotations.HttpRule{rule}})
	if table == nil {
		t.Fatal(problems)
	}
	for name, rows := range map[string][]row{
		"": {
			{"PATCH /things", `{"title":"t"}`, `{"thing":{"title":"t"}}`},
			{"PATCH /things?updateMask=nope", `{}`, `{"thing":{},"updateMask":"nope"}`}, // T85: nobody knows what it is about
		},
		"update_mask": {
			{"PATCH /things", `{"title":"t"}`, `{"thing":{"title":"t"},"updateMask":"title"}`},
			{"PATCH /things?readMask=nope", `{"title":"t"}`, `{"thing":{"title":"t"},"updateMask":"title","readMask":"nope"}`},
			{"PATCH /things?updateMask=nope", `{}`, `!"nope" is not a field of masks.Thing`},
		},
		"readMask": {
			{"PATCH /things?updateMask=nope", `{"title":"t"}`, `{"thing":{"title":"t"},"updateMask":"nope","readMask":"title"}`},
		},
		"other": {{"PATCH /things", `{"title":"t"}`, `{"thing":{"title":"t"}}`}},
	} {
		run(t, &binder{table: table, codec: c, cfg: bind.Config{MaskField: name}}, rows)
	}
}
