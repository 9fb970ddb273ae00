// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1" // what it is about
)

var update = flag.Bool("update", false, "rewrite the types of the admin API that the console's sources use")

const typesFile = "web/src/api/types.ts"

// TestTypesAreThoseOfTheAPI: the console's sources know the messages of the admin API, as JSON has them, and no others: what is renamed there
// is a mistake of types here.
func TestTypesAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	want := typeScript()
	if *update {
		const mode = 0o644
		if err := os.WriteFile(typesFile, []byte(want), mode); err != nil { //nolint:gosec // a source file
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(typesFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the admin API says; run: go test ./gateway/admin/console -update && make console", typesFile)
	}
}

// typeScript writes the messages and enums of the API as types of TypeScript. All fields can be absent: JSON leaves out what is zero.
func typeScript() string {
	types := map[string]string{}
	protoregistry.GlobalFiles.RangeFilesByPackage("dragoman.admin.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Enums().Len() {
			e := f.Enums().Get(i)
			var names []string
			for j := range e.Values().Len() {
				names = append(names, "'"+string(e.Values().Get(j).Name())+"'")
			}
			types[string(e.Name())] = fmt.Sprintf("export type %s = %s;\n", e.Name(), strings.Join(names, " | "))
		}
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			var b strings.Builder
			fmt.Fprintf(&b, "export interface %s {\n", m.Name())
			for j := range m.Fields().Len() {
				fmt.Fprintf(&b, "  %s?: %s;\n", m.Fields().Get(j).JSONName(), fieldType(m.Fields().Get(j)))
			}
			b.WriteString("}\n")
			types[string(m.Name())] = b.String()
		}
		return true
	})
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("// Copyright 2026 The Dragoman Authors\n// SPDX-License-Identifier: Apache-2.0\n\n" +
		"// The messages of the admin API as JSON has them. Written by a test: go test ./gateway/admin/console -update.\n")
	for _, name := range names {
		b.WriteString("\n" + types[name])
	}
	return b.String()
}

func fieldType(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "Record<string, " + plainType(f.MapValue()) + ">"
	case f.IsList():
		return plainType(f) + "[]"
	default:
		return plainType(f)
	}
}

func plainType(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return "boolean"
	case protoreflect.EnumKind:
		return string(f.Enum().Name())
	case protoreflect.MessageKind:
		if f.Message().ParentFile().Package() == "dragoman.admin.v1" {
			return string(f.Message().Name())
		}
		return "string" // times and durations
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.DoubleKind, protoreflect.FloatKind:
		return "number"
	default:
		return "string" // 64 bits, and bytes, too
	}
}
