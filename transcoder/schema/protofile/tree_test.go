// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

func protoName(name string) protoreflect.FullName { return protoreflect.FullName(name) }

// groupSize is how many files of a generated tree import each other, directly or not.
const groupSize = 50

// generatedName returns the import name of the i-th file of a generated tree.
func generatedName(i int) string {
	return fmt.Sprintf("acme/g%03d/s%04d.proto", i/groupSize, i)
}

// generatedText returns a file like most: three messages, a service with two methods and three HTTP rules, imports of
// two well-known files and of up to two neighbours.
func generatedText(i int) string {
	var b strings.Builder
	pkg := func(i int) string { return fmt.Sprintf("acme.g%03d.s%04d", i/groupSize, i) }
	fmt.Fprintf(&b, "syntax = \"proto3\";\n\npackage %s;\n\n", pkg(i))
	b.WriteString("import \"google/api/annotations.proto\";\nimport \"google/protobuf/timestamp.proto\";\n")
	var neighbours []int
	for _, distance := range []int{1, 7} {
		if j := i - distance; j >= i/groupSize*groupSize {
			neighbours = append(neighbours, j)
			fmt.Fprintf(&b, "import %q;\n", generatedName(j))
		}
	}
	b.WriteString(`
// Thing is what the service is about.
message Thing {
  // The name of the thing.
  string id = 1;
  string name = 2;
  int64 size = 3;
  google.protobuf.Timestamp created = 4;
  map<string, string> labels = 5;
  oneof kind {
    int32 a = 6;
    string b = 7;
  }
`)
	for k, j := range neighbours {
		fmt.Fprintf(&b, "  %s.Thing neighbour_%d = %d;\n", pkg(j), k, 10+k)
	}
	fmt.Fprintf(&b, `}

message GetRequest {
  string id = 1;
  int32 view = 2;
}

message CreateRequest {
  string parent = 1;
  Thing thing = 2;
}

// Things serves things.
service Things {
  // Get returns a thing.
  rpc Get(GetRequest) returns (Thing) {
    option (google.api.http) = {
      get: "/v1/s%04[1]d/{id}"
      additional_bindings { get: "/v2/s%04[1]d/{id}" }
    };
  }
  // Create makes a thing.
  rpc Create(CreateRequest) returns (Thing) {
    option (google.api.http) = {
      post: "/v1/{parent=s%04[1]d/*}/things"
      body: "thing"
    };
  }
}
`, i)
	return b.String()
}

func generate(t testing.TB, dir string, files int) {
	t.Helper()
	texts := make(map[string]string, files)
	for i := range files {
		texts[generatedName(i)] = generatedText(i)
	}
	write(t, dir, texts)
}

// BenchmarkLoad loads 5,000 files; the requirement is 10 seconds and 1 GiB on two cores.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	generate(b, dir, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(b, protofile.Config{Dirs: []string{dir}}).Load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReload loads 5,000 files again after one was changed; the requirement is a second.
func BenchmarkReload(b *testing.B) {
	dir := b.TempDir()
	generate(b, dir, 5000)
	for _, benchmark := range []struct {
		name string
		file int
	}{{"imported by none", 4999}, {"imported by 49", 4950}} {
		b.Run(benchmark.name, func(b *testing.B) {
			source := open(b, protofile.Config{Dirs: []string{dir}})
			if _, err := source.Load(b.Context()); err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(dir, filepath.FromSlash(generatedName(benchmark.file)))
			var n int
			for b.Loop() {
				n++
				text := fmt.Sprintf("%smessage More%d {}\n", generatedText(benchmark.file), n)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
				if _, err := source.Load(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
