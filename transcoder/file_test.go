// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// lattice is files in layers of two, each of which imports both of the next: there are two to the number of layers ways through it.
func lattice(t *testing.T, layers int) []protoreflect.FileDescriptor {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	for i := layers - 1; i >= 0; i-- {
		for _, side := range []string{"a", "b"} {
			f := &descriptorpb.FileDescriptorProto{Name: new(fmt.Sprintf("%s%d.proto", side, i)), Package: new(fmt.Sprintf("p%s%d", side, i)), Syntax: new("proto3")}
			if i+1 < layers {
				f.Dependency = []string{fmt.Sprintf("a%d.proto", i+1), fmt.Sprintf("b%d.proto", i+1)}
			}
			f.MessageType = []*descriptorpb.DescriptorProto{{Name: new("M")}}
			if i == 0 {
				name := "." + f.GetPackage() + ".M"
				f.Service = []*descriptorpb.ServiceDescriptorProto{{Name: new("S"), Method: []*descriptorpb.MethodDescriptorProto{{Name: new("C"), InputType: &name, OutputType: &name}}}}
			}
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
	return files
}

// Threat I9: a schema that imports the same files in many ways costs no more than its files; and what no service that can be called
// needs is not told.
func TestThreatI9_FilesOfALattice(t *testing.T) {
	t.Parallel()
	const layers = 60
	s, err := schema.New(schema.Config{Source: "lattice", Files: lattice(t, layers)})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}, Expose: func(service, _ string) bool { return service == "pa0.S" }})
	if err != nil {
		t.Fatal(err)
	}
	files := mux.Files()
	if len(files) != 2*layers-1 || files["b0.proto"] != nil {
		t.Errorf("there are %d files; want all but the one that nothing needs", len(files))
	}
	top := mux.FileOf("pa0.S.C")
	if top == nil || top != files["a0.proto"] || mux.FileOf("pb0.S") != nil || mux.FileOf("pb0.M") != nil || mux.FileOf("pb1.M") != files["b1.proto"] {
		t.Errorf("symbols are not in their files: %v", top)
	}
	if !slices.Equal(top.Imports, []*transcoder.File{files["a1.proto"], files["b1.proto"]}) {
		t.Errorf("it imports %v", top.Imports)
	}
	first, err := top.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := top.Bytes()
	if err != nil || &first[0] != &again[0] {
		t.Errorf("the bytes are made twice: %v", err)
	}
	if err := proto.Unmarshal(first, &descriptorpb.FileDescriptorProto{}); err != nil {
		t.Error(err)
	}
}
