// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// proto returns the text of a file with a message, a service over it, and imports.
func proto(pkg, message string, imports ...string) string {
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\npackage " + pkg + ";\n")
	for _, imported := range imports {
		b.WriteString("import \"" + imported + "\";\n")
	}
	b.WriteString("message " + message + " { string id = 1; }\n")
	b.WriteString("service " + message + "Service { rpc Get(" + message + ") returns (" + message + "); }\n")
	return b.String()
}

// TestImportNames loads trees as people have them. Each file has one import name, whoever imports it and how.
func TestImportNames(t *testing.T) {
	embedded := func(name string) string {
		text, ok := wellknown.Text(name)
		if !ok {
			t.Fatalf("%s is not built in", name)
		}
		return text
	}
	for _, test := range []struct {
		name    string
		files   map[string]string // on disk, by path
		dirs    []string
		imports []string // import paths; DIR is the folder of the test
		want    []string // import names of the files that are served
	}{
		{
			name:  "the folder is the import path",
			files: map[string]string{"acme/a.proto": proto("acme", "A", "acme/b.proto"), "acme/b.proto": proto("acme", "B")},
			dirs:  []string{"."},
			want:  []string{"acme/a.proto", "acme/b.proto"},
		},
		{
			name: "etcd: a virtual import path over the folder above, and imports relative to the folder",
			files: map[string]string{
				"api/etcdserverpb/rpc.proto": proto("etcdserverpb", "Rpc",
					"gogoproto/gogo.proto", "etcd/api/mvccpb/kv.proto", "google/api/annotations.proto"),
				"api/etcdserverpb/raft_internal.proto": proto("etcdserverpb", "Raft", "rpc.proto", "etcd/api/mvccpb/kv.proto"),
				"api/mvccpb/kv.proto":                  proto("mvccpb", "KeyValue", "gogoproto/gogo.proto"),
			},
			dirs:    []string{"api/etcdserverpb"},
			imports: []string{"etcd/api=DIR/api"},
			want:    []string{"etcd/api/etcdserverpb/raft_internal.proto", "rpc.proto"},
		},
		{
			name: "one file imported by two names",
			files: map[string]string{
				"api/x/a.proto": proto("x", "A", "api/x/b.proto"),
				"api/x/b.proto": proto("x", "B"),
				"api/x/c.proto": "syntax = \"proto3\";\npackage x;\nimport \"b.proto\";\nimport \"api/x/a.proto\";\nmessage C { B b = 1; A a = 2; }\n",
			},
			dirs:    []string{"api/x"},
			imports: []string{"DIR"},
			want:    []string{"api/x/a.proto", "api/x/b.proto", "api/x/c.proto"},
		},
		{
			name: "imports begin two folders above the given one",
			files: map[string]string{
				"proto/acme/a.proto":   proto("acme", "A", "proto/acme/b.proto"),
				"proto/acme/b.proto":   proto("acme", "B"),
				"proto/other/un.proto": "not a proto file",
			},
			dirs: []string{"proto/acme"},
			want: []string{"proto/acme/a.proto", "proto/acme/b.proto"},
		},
		{
			name: "imports begin one folder above the given one, and what lies beside it is found",
			files: map[string]string{
				"proto/acme/a.proto":     proto("acme", "A", "acme/b.proto", "common/c.proto"),
				"proto/acme/b.proto":     proto("acme", "B"),
				"proto/common/c.proto":   proto("common", "C"),
				"proto/common/bad.proto": "nobody asked for this",
			},
			dirs: []string{"proto/acme"},
			want: []string{"acme/a.proto", "acme/b.proto"},
		},
		{
			name: "imports begin in a folder below the given one",
			files: map[string]string{
				"src/proto/acme/a.proto": proto("acme", "A", "acme/b.proto"),
				"src/proto/acme/b.proto": proto("acme", "B"),
			},
			dirs: []string{"."},
			want: []string{"acme/a.proto", "acme/b.proto"},
		},
		{
			name: "copies of built-in files elsewhere in the tree are passed over",
			files: map[string]string{
				"acme/a.proto": proto("acme", "A", "google/api/annotations.proto"),
				"third_party/googleapis/google/api/annotations.proto": embedded("google/api/annotations.proto"),
				"third_party/googleapis/google/api/http.proto":        embedded("google/api/http.proto"),
			},
			dirs: []string{"."},
			want: []string{"acme/a.proto"},
		},
		{
			name: "a user's file goes before the built-in one, and what is built in uses it",
			files: map[string]string{
				"acme/a.proto":          proto("acme", "A", "google/api/annotations.proto"),
				"google/api/http.proto": embedded("google/api/http.proto") + "\nmessage Mine {}\n",
			},
			dirs: []string{"."},
			want: []string{"acme/a.proto", "google/api/http.proto"},
		},
		{
			name:  "a file that only ends like a built-in one is not a copy",
			files: map[string]string{"acme/validate/validate.proto": proto("acme.validate", "Rule")},
			dirs:  []string{"."},
			want:  []string{"acme/validate/validate.proto"},
		},
		{
			name: "two folders, one inside the other",
			files: map[string]string{
				"p/acme/a.proto": proto("acme", "A", "acme/b.proto"), "p/acme/b.proto": proto("acme", "B"),
			},
			dirs: []string{"p", "p/acme"},
			want: []string{"acme/a.proto", "acme/b.proto"},
		},
		{
			name: "the same file in two folders is one (T5)",
			files: map[string]string{
				"one/x.proto": proto("acme", "X"), "two/x.proto": proto("acme", "X"), "two/y.proto": proto("acme", "Y", "x.proto"),
			},
			dirs: []string{"one", "two"},
			want: []string{"x.proto", "y.proto"},
		},
		{
			name: "the same file at two places of a tree, imported by two names, is one",
			files: map[string]string{
				"a/common/x.proto": proto("common", "X"), "b/lib/common/x.proto": proto("common", "X"),
				"a/a.proto": proto("a", "A", "common/x.proto"), "b/b.proto": proto("b", "B", "b/lib/common/x.proto"),
			},
			dirs: []string{"."},
			want: []string{"a.proto", "b/b.proto", "common/x.proto"},
		},
		{
			name: "hidden folders are passed over",
			files: map[string]string{
				"a.proto": proto("acme", "A"), ".git/b.proto": "no proto", "..data/c.proto": "no proto", "sub/.x.proto": "no proto",
			},
			dirs: []string{"."},
			want: []string{"a.proto"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, test.files)
			config := protofile.Config{}
			for _, dir := range test.dirs {
				config.Dirs = append(config.Dirs, filepath.Join(root, dir))
			}
			for _, path := range test.imports {
				config.ImportPaths = append(config.ImportPaths, strings.ReplaceAll(path, "DIR", root))
			}
			s := sourcetest.Load(t, open(t, config))
			var got []string
			for _, file := range s.Files() {
				got = append(got, file.Path())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("import names (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusedImports names what is missing or not to be told apart, and the way out (T2, T5).
func TestRefusedImports(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		dirs  []string
		want  []string // parts of what the user reads
	}{
		{
			name: "an import that lies above the given folder",
			files: map[string]string{
				"proto/acme/users/a.proto": proto("acme", "A", "acme/common/b.proto"), "proto/acme/common/b.proto": proto("acme", "B"),
			},
			dirs: []string{"proto/acme/users"},
			want: []string{`cannot find the import "acme/common/b.proto"`, "a.proto:3:1", "help: it is in ", "/proto: --import-path "},
		},
		{
			name: "an import whose name begins with more than there are folders for",
			files: map[string]string{
				"api/users/a.proto": proto("acme", "A", "acme/api/common/b.proto"), "api/common/b.proto": proto("acme", "B"),
			},
			dirs: []string{"api/users"},
			want: []string{`cannot find the import "acme/api/common/b.proto"`, "help: api/common/b.proto is in ", "--import-path acme="},
		},
		{
			name:  "two files of one name that differ (T5)",
			files: map[string]string{"one/x.proto": proto("acme", "X"), "two/x.proto": proto("acme", "Y")},
			dirs:  []string{"one", "two"},
			want:  []string{`two different files have the import name "x.proto"`, "one/x.proto", "two/x.proto", "--import-path NAME=FOLDER"},
		},
		{
			name:  "an import may not leave its import path",
			files: map[string]string{"p/a.proto": proto("acme", "A", "../secret.proto"), "secret.proto": proto("acme", "B")},
			dirs:  []string{"p"},
			want:  []string{"../secret.proto"},
		},
		{
			name: "nothing there",
			dirs: []string{"."},
			want: []string{"there is no .proto file in "},
		},
		{
			name: "no folder there",
			dirs: []string{"missing", "other"},
			want: []string{"missing: no such file or directory", "other: no such file or directory"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, test.files)
			config := protofile.Config{}
			for _, dir := range test.dirs {
				config.Dirs = append(config.Dirs, filepath.Join(root, dir))
			}
			got := refused(t, open(t, config))
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in:\n%s", want, got)
				}
			}
		})
	}
}
