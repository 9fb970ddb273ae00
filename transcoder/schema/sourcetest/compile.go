// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package sourcetest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// Compile compiles files as protoc would, without well-known imports in the result: they are what a user forgets.
// It uses another compiler than the sources do, so that it can be compared with.
func Compile(t testing.TB, files map[string]string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	texts := maps.Clone(files)
	for _, name := range wellknown.Names() {
		if _, own := texts[name]; !own {
			texts[name], _ = wellknown.Text(name)
		}
	}
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(texts)},
		SourceInfoMode: protocompile.SourceInfoStandard | protocompile.SourceInfoExtraOptionLocations,
	}
	names := slices.Sorted(maps.Keys(files))
	linked, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	for _, file := range linked {
		// Through the wire, with options left as they are there.
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(file))
		if err != nil {
			t.Fatal(err)
		}
		plain := new(descriptorpb.FileDescriptorProto)
		if err := (proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}).Unmarshal(wire, plain); err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, plain)
	}
	return set
}
