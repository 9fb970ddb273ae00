// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package wellknown provides the proto files that everybody imports, embedded as text and as linked descriptors.
//
// They are google/protobuf, google/api, google/rpc, google/type, google/longrunning, buf/validate, validate,
// gogoproto, protoc-gen-openapiv2 and v3, grpc/health, grpc/reflection and dragoman/policy: what a user's tree imports without
// bringing it (statement T3). A file that the user does bring under the same name goes before the one here; the
// schema sources see to that.
package wellknown

//go:generate go run -C ../../../tools/wellknown . ../../transcoder/schema/wellknown

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// DisplayPrefix stands before the import name where a position in an embedded file is shown to people.
const DisplayPrefix = "<built-in>/"

var (
	//go:embed files
	texts embed.FS
	//go:embed files.binpb
	set []byte
)

// Text returns the text of the embedded file with this import name, and whether there is one.
func Text(name string) (string, bool) {
	if !fs.ValidPath(name) {
		return "", false
	}
	text, err := texts.ReadFile(path.Join("files", name))
	if err != nil {
		return "", false
	}
	return string(text), true
}

// Has reports whether a file with this import name is embedded.
func Has(name string) bool {
	_, found := slices.BinarySearch(Names(), name)
	return found
}

// Names returns the import names of all embedded files, sorted. The caller must not change the slice.
func Names() []string { return names() }

var names = sync.OnceValue(func() []string { //nolint:gochecknoglobals // made once
	var all []string
	_ = fs.WalkDir(texts, "files", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, strings.TrimPrefix(file, "files/"))
		}
		return err
	})
	slices.Sort(all)
	return all
})

// Groups returns the top folders of the embedded files that people know by name, such as google/api, sorted.
func Groups() []string { return groups() }

var groups = sync.OnceValue(func() []string { //nolint:gochecknoglobals // made once
	var all []string
	for _, name := range Names() {
		all = append(all, path.Dir(name))
	}
	slices.Sort(all)
	return slices.Compact(all)
})

// Files returns the linked descriptors of all embedded files. They are linked when first asked for, once; the
// registry must not be changed. They share nothing with the registry of generated code.
func Files() *protoregistry.Files { return linked() }

var linked = sync.OnceValue(func() *protoregistry.Files { //nolint:gochecknoglobals // made once
	// The set is part of the program and a test links it: there is no error to be had here.
	files, _ := link(set)
	return files
})

// link builds the descriptors of a set. Options stay as they are on the wire, so that extensions that happen to be
// linked into this program do not change what they look like.
func link(set []byte) (*protoregistry.Files, error) {
	protos := new(descriptorpb.FileDescriptorSet)
	options := proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}
	if err := options.Unmarshal(set, protos); err != nil {
		return nil, fmt.Errorf("descriptor set: %w", err)
	}
	return protodesc.NewFiles(protos)
}

// File returns the linked descriptor of the embedded file with this import name, or nil.
func File(name string) protoreflect.FileDescriptor {
	file, err := Files().FindFileByPath(name)
	if err != nil {
		return nil
	}
	return file
}
