// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proto_test

import (
	"embed"
	"io/fs"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
	_ "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/proto"
)

// TestSourcesAreThoseOfTheGeneratedCode holds that each generated file has its source, and each source its generated file.
func TestSourcesAreThoseOfTheGeneratedCode(t *testing.T) {
	t.Parallel()
	for name, sources := range map[protoreflect.FullName]embed.FS{"bookstore.v1": proto.Bookstore, "dragoman.test.v1": proto.Test} {
		generated := 0
		protoregistry.GlobalFiles.RangeFilesByPackage(name, func(file protoreflect.FileDescriptor) bool {
			generated++
			if _, err := fs.Stat(sources, file.Path()); err != nil {
				t.Errorf("%s has no source: %v", file.Path(), err)
			}
			return true
		})
		embedded := 0
		err := fs.WalkDir(sources, ".", func(_ string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				embedded++
			}
			return err
		})
		if err != nil || generated == 0 || embedded != generated {
			t.Errorf("%s: %d sources for %d generated files, error %v", name, embedded, generated, err)
		}
	}
}
