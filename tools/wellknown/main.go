// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Command wellknown writes the proto files that everybody imports, and their linked form, into the folder that
// transcoder/schema/wellknown embeds. What a Go module ships as text is copied with its comments; the rest is printed
// from the descriptors that generated Go code carries.
//
// Usage: wellknown FOLDER
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/wellknownimports"
	"github.com/jhump/protoreflect/desc"
	"github.com/jhump/protoreflect/desc/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// shipped lists the texts that lie in the zip of a Go module.
var shipped = []struct{ module, file, name string }{
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "protoc-gen-openapiv2/options/annotations.proto", "protoc-gen-openapiv2/options/annotations.proto"},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "protoc-gen-openapiv2/options/openapiv2.proto", "protoc-gen-openapiv2/options/openapiv2.proto"},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "protoc-gen-openapiv3/options/annotations.proto", "protoc-gen-openapiv3/options/annotations.proto"},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "protoc-gen-openapiv3/options/openapiv3.proto", "protoc-gen-openapiv3/options/openapiv3.proto"},
	{"github.com/envoyproxy/protoc-gen-validate", "validate/validate.proto", "validate/validate.proto"},
	{"github.com/gogo/protobuf", "gogoproto/gogo.proto", "gogoproto/gogo.proto"},
}

// own lists the files of this project that users' protos import, from this folder.
var own = []struct{ file, name string }{
	{"../../proto/dragoman/policy/v1/policy.proto", "dragoman/policy/v1/policy.proto"},
}

// printed lists where the files that are printed begin. Imports of theirs must lie in the set too.
var printed = []string{
	"google/api/", "google/rpc/", "google/type/", "google/longrunning/", "buf/validate/",
	"grpc/health/v1/", "grpc/reflection/v1/", "grpc/reflection/v1alpha/",
}

// left lists what lies under those but is nothing that an API imports.
var left = []string{"google/api/expr/"}

// gogoAlias makes the second name of gogo.proto the same file, so that a tree which uses both names links.
const gogoAlias = `// The import name that older gogo/protobuf trees use. It stands for gogoproto/gogo.proto.
syntax = "proto2";

package gogoproto;

import public "gogoproto/gogo.proto";
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wellknown FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "wellknown:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	texts := map[string]string{"github.com/gogo/protobuf/gogoproto/gogo.proto": gogoAlias}
	for _, add := range []func(map[string]string) error{addPrinted, addShipped, addStandard, addOwn} {
		if err := add(texts); err != nil {
			return err
		}
	}
	set, err := compile(texts)
	if err != nil {
		return err
	}
	files := filepath.Join(folder, "files")
	if err := os.RemoveAll(files); err != nil {
		return err
	}
	for name, text := range texts {
		to := filepath.Join(files, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "files.binpb"), set, 0o644)
}

// addStandard takes google/protobuf from the compiler, which ships it as text.
func addStandard(texts map[string]string) error {
	standard := wellknownimports.FS()
	return fs.WalkDir(standard, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".proto" {
			return err
		}
		text, err := fs.ReadFile(standard, name)
		texts[name] = string(text)
		return err
	})
}

func addShipped(texts map[string]string) error {
	for _, s := range shipped {
		dir, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-f", "{{.Dir}}", s.module).Output()
		if err != nil {
			return fmt.Errorf("module %s: %w", s.module, err)
		}
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(s.file)))
		if err != nil {
			return err
		}
		texts[s.name] = string(text)
	}
	return nil
}

func addOwn(texts map[string]string) error {
	for _, o := range own {
		text, err := os.ReadFile(filepath.FromSlash(o.file))
		if err != nil {
			return err
		}
		texts[o.name] = string(text)
	}
	return nil
}

func addPrinted(texts map[string]string) error {
	var errs []error
	printer := protoprint.Printer{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !isPrinted(file.Path()) {
			return true
		}
		wrapped, err := desc.WrapFile(file)
		if err != nil {
			errs = append(errs, err)
			return true
		}
		text, err := printer.PrintProtoToString(wrapped)
		texts[file.Path()] = "// Printed from the descriptors of generated Go code: the comments of the original are not there.\n" + text
		errs = append(errs, err)
		return true
	})
	return errors.Join(errs...)
}

func isPrinted(name string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	return slices.ContainsFunc(printed, begins) && !slices.ContainsFunc(left, begins)
}

// compile links the texts and returns them as a descriptor set in the order of imports, without source positions.
func compile(texts map[string]string) ([]byte, error) {
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(texts),
	}}
	linked, err := compiler.Compile(context.Background(), slices.Sorted(maps.Keys(texts))...)
	if err != nil {
		return nil, err
	}
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	for _, file := range linked {
		add(file)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(set)
}
