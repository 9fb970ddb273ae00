// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"testing"

	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// This test is inside because a whole gateway says the same, only later.

// Threat I9: an answer has each file once, in however many ways it is imported, and costs no more than that. Layers of two files that
// each import both of the next have two to the number of layers ways through them.
func TestThreatI9_EachFileOnce(t *testing.T) {
	t.Parallel()
	const layers = 40
	set := &descriptorpb.FileDescriptorSet{}
	for i := layers - 1; i >= 0; i-- {
		for _, side := range []string{"a", "b"} {
			f := &descriptorpb.FileDescriptorProto{Name: new(fmt.Sprintf("%s%d.proto", side, i)), Package: new(fmt.Sprintf("p%s%d", side, i)), Syntax: new("proto3")}
			if i+1 < layers {
				f.Dependency = []string{fmt.Sprintf("a%d.proto", i+1), fmt.Sprintf("b%d.proto", i+1)}
			}
			f.MessageType = []*descriptorpb.DescriptorProto{{Name: new("M")}}
			name := "." + f.GetPackage() + ".M"
			f.Service = []*descriptorpb.ServiceDescriptorProto{{Name: new("S"), Method: []*descriptorpb.MethodDescriptorProto{{Name: new("C"), InputType: &name, OutputType: &name}}}}
			set.File = append(set.File, f)
		}
	}
	linked, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	var files []protoreflect.FileDescriptor
	linked.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		files = append(files, fd)
		return true
	})
	s, err := schema.New(schema.Config{Source: "lattice", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	sent := map[*transcoder.File]bool{}
	for _, row := range []struct {
		symbol string
		want   int
	}{
		{"pa0.S", 2*layers - 1}, // all but its own neighbour
		{"pa0.S.C", 1},          // the client has the rest
		{"pb0.S", 1},
		{"pa1.M", 1},
	} {
		out := &reflectionv1.ServerReflectionResponse{}
		in := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: row.symbol}}
		if err := answer(mux, in, out, sent); err != nil {
			t.Fatal(err)
		}
		if got := len(out.GetFileDescriptorResponse().GetFileDescriptorProto()); got != row.want {
			t.Errorf("%s: %d files; want %d", row.symbol, got, row.want)
		}
	}
}
