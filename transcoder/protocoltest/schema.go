// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// NewMux returns the methods of the contract: one for each kind of stream, all with a message that has a text.
func NewMux(t testing.TB) *transcoder.Mux {
	t.Helper()
	file, err := protodesc.NewFile(protocolFile(), new(protoregistry.Files))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Config{Source: "protocoltest", Files: []protoreflect.FileDescriptor{file}})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{DefaultBinding: func(protoreflect.ServiceDescriptor) bool { return true }})
	if table == nil {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	return mux
}

// protocolFile is the file in which the methods are.
func protocolFile() *descriptorpb.FileDescriptorProto {
	const text = ".protocoltest.Text"
	method := func(name string, client, server bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(text), OutputType: proto.String(text),
			ClientStreaming: proto.Bool(client), ServerStreaming: proto.Bool(server),
			Options: &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()},
		}
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("protocoltest.proto"), Package: proto.String("protocoltest"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Text"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("text"), JsonName: proto.String("text"), Number: proto.Int32(textField),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Contract"), Method: []*descriptorpb.MethodDescriptorProto{
			method("Unary", false, false), method("ServerStream", false, true), method("ClientStream", true, false), method("Both", true, true),
		}}},
	}
}

// textField is the number of the one field of the messages.
const textField = 1

// message is a message with a text.
func message(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return protowire.AppendString(protowire.AppendTag(nil, textField, protowire.BytesType), text)
}

// textOf returns the text of a message.
func textOf(t testing.TB, message []byte) string {
	t.Helper()
	if len(message) == 0 {
		return ""
	}
	_, _, n := protowire.ConsumeTag(message)
	text, m := protowire.ConsumeString(message[max(n, 0):])
	if n < 0 || m < 0 || n+m != len(message) {
		t.Fatalf("%x is not a message of the contract", message)
	}
	return text
}
