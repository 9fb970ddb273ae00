// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// uploads are descriptor sets for the source that takes what is sent to it.
type uploads struct {
	Whole  []byte `json:"whole"`  // two services with a method each
	Less   []byte `json:"less"`   // one of them is gone: clients break
	Broken []byte `json:"broken"` // two of its messages are nowhere
}

func newUploads(t *testing.T) uploads {
	t.Helper()
	type method struct{ name, request, response string }
	// Each method has a file and a service of its own, in a file more its message.
	set := func(methods ...method) []byte {
		all := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
			Name: proto.String("garden/v1/bed.proto"), Package: proto.String("garden.v1"), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Bed")}},
		}}}
		for _, m := range methods {
			all.File = append(all.File, &descriptorpb.FileDescriptorProto{
				Name: proto.String("garden/v1/" + strings.ToLower(m.name) + ".proto"), Package: proto.String("garden.v1"), Syntax: proto.String("proto3"),
				Dependency: []string{"garden/v1/bed.proto"},
				Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(m.name + "Service"), Method: []*descriptorpb.MethodDescriptorProto{{
					Name: proto.String(m.name), InputType: proto.String(".garden.v1." + m.request), OutputType: proto.String(".garden.v1." + m.response),
				}}}},
			})
		}
		data, err := proto.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	water, prune := method{"Water", "Bed", "Bed"}, method{"Prune", "Bed", "Bed"}
	return uploads{Whole: set(water, prune), Less: set(water), Broken: set(method{"Water", "Rain", "Bed"}, method{"Prune", "Bed", "Shears"})}
}
