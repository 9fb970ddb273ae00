// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// TestRelinksOnlyWhatIsNeeded changes one file of a tree. What does not import it keeps its descriptors.
func TestRelinksOnlyWhatIsNeeded(t *testing.T) {
	dir := t.TempDir()
	const files = 200
	generate(t, dir, files)
	source := open(t, protofile.Config{Dirs: []string{dir}})
	first := sourcetest.Load(t, source)
	if got := source.Relinked(); got != files {
		t.Errorf("the first load links %d files; want %d", got, files)
	}
	touch := func(i int) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(generatedName(i)))
		if err := os.WriteFile(path, []byte(generatedText(i)+"message More { string x = 1; }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The last file of a group is imported by none, the first by the whole group.
	touch(99)
	second := sourcetest.Load(t, source)
	if got := source.Relinked(); got != 1 {
		t.Errorf("a file that nobody imports links %d files; want 1", got)
	}
	for i, old := range first.Files() {
		if file := second.Files()[i]; (file == old) != (old.Path() != generatedName(99)) {
			t.Errorf("%s: kept is %t", old.Path(), file == old)
		}
	}
	touch(50)
	third := sourcetest.Load(t, source)
	if got := source.Relinked(); got != groupSize {
		t.Errorf("a file that %d import links %d files; want %d", groupSize-1, got, groupSize)
	}
	// Every file sees the new descriptor, not the old one.
	for _, file := range third.Files() {
		for i := range file.Imports().Len() {
			imported := file.Imports().Get(i).FileDescriptor
			if now, err := third.FindFileByPath(imported.Path()); err != nil || now != imported {
				t.Errorf("%s imports another %s than the schema has", file.Path(), imported.Path())
			}
		}
	}
	if sourcetest.Load(t, source) != third {
		t.Error("a load without a change makes a new schema")
	}
}

// TestClash makes a changed file claim a name of one that did not change: both places are named.
func TestClash(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.proto": proto("acme", "A"), "b.proto": proto("acme", "B")})
	source := open(t, protofile.Config{Dirs: []string{dir}})
	good := sourcetest.Load(t, source)
	write(t, dir, map[string]string{"b.proto": proto("acme", "A") + "// Not word for word the same.\n"})
	got := refused(t, source)
	for _, want := range []string{"`A` declared multiple times", "a.proto:3:9", "b.proto:3:9"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	// The same by number: two extensions that do not know of each other.
	write(t, dir, map[string]string{
		"b.proto":    proto("acme", "B"),
		"base.proto": "syntax = \"proto2\";\npackage acme;\nmessage Base { extensions 1 to 9; }\n",
		"x.proto":    "syntax = \"proto2\";\npackage acme;\nimport \"base.proto\";\nextend Base { optional int32 x = 5; }\n",
	})
	sourcetest.Load(t, source)
	write(t, dir, map[string]string{
		"y.proto": "syntax = \"proto2\";\npackage acme;\nimport \"base.proto\";\nextend Base { optional int32 y = 5; }\n",
	})
	got = refused(t, source)
	for _, want := range []string{"x.proto", "y.proto", "`5`"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	if good.FindMethod("/acme.BService/Get") == nil {
		t.Error("the good schema has changed (T7)")
	}
}

// TestOneOddFile: what cannot be served is named, and the rest of the tree works.
func TestOneOddFile(t *testing.T) {
	dir := t.TempDir()
	generate(t, dir, 20)
	write(t, dir, map[string]string{
		"odd/set.proto": `syntax = "proto2";
package odd;
message Set {
  option message_set_wire_format = true;
  extensions 4 to max;
}
message Item {
  optional string before = 1;
  extend Set { optional Item first = 100; }
  extend Other { optional string tag = 101; }
  extend Set { optional Item huge = 536870912; }
  optional string after = 2;
}
message Other {
  extensions 100 to 200;
  optional Set set = 1;
  repeated group Row = 2 { optional int32 x = 1; }
}
service Odd { rpc Get(Other) returns (Item); }
`,
		"odd/weird.proto": `edition = "2024";
package odd;
import "odd/set.proto";
import option "google/api/annotations.proto";
export message Weird { odd.Other other = 1 [features.message_encoding = DELIMITED]; }
service Weirds { rpc Get(Weird) returns (Weird) { option (google.api.http) = { get: "/weird" }; } }
`,
	})
	source := open(t, protofile.Config{Dirs: []string{dir}})
	for range 2 { // what was left out is still named when its file is kept
		s := sourcetest.Load(t, source)
		var got []string
		for _, d := range s.Unserved() {
			got = append(got, strings.TrimPrefix(d.String(), dir+"/"))
		}
		want := []string{
			"odd/set.proto:4:3: warning[DG1011]: message odd.Set is a MessageSet, a wire format of proto1: in JSON it has no content",
			"odd/set.proto:11:16: warning[DG1011]: extension odd.Item.huge of the MessageSet odd.Set is left out",
			"odd/set.proto:9:16: warning[DG1011]: extension odd.Item.first of the MessageSet odd.Set is left out",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("unserved (-want +got):\n%s", diff)
		}
		if s.Stats().Services != 22 || s.FindMethod("/odd.Odd/Get") == nil || s.FindMethod("/odd.Weirds/Get") == nil {
			t.Errorf("stats are %+v; want 22 services, the odd ones among them", s.Stats())
		}
		tag, err := s.FindDescriptorByName("odd.Item.tag")
		if err != nil {
			t.Fatal(err)
		}
		if at := s.Locate(tag); at.Line != 10 {
			t.Errorf("the extension that is left is at %v; want line 10", at)
		}
		write(t, dir, map[string]string{generatedName(19): generatedText(19) + "message Extra {}\n"})
	}
}

// TestLocate points into the source, into option values too.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.proto": `syntax = "proto3";
package acme;
import "google/api/annotations.proto";
message Request {
	string id = 1;
	oneof choice { string left = 2; }
	enum Kind { NONE = 0; }
	message Inner { string x = 1; }
}
service Things {
	rpc Get(Request) returns (Request) {
		option (google.api.http) = {
			get: "/v1/{id}"
			additional_bindings { get: "/v2/{id}" }
			additional_bindings: { get: "/v5" }
		};
	}
	rpc Old(Request) returns (Request) {
		option (google.api.http).post = "/old";
	}
	rpc List(Request) returns (Request) {
		option (google.api.http) = {
			additional_bindings { get: "/v6" }
			additional_bindings: [{ get: "/v7" }, { get: "/v8" body: "*" }]
		};
	}
	rpc Plain(Request) returns (Request);
}
`})
	s := sourcetest.Load(t, open(t, protofile.Config{Dirs: []string{dir}}))
	for _, test := range []struct {
		name string
		path []int32
		want string // line, column and the text from there
	}{
		{"acme.Things", nil, "service Things {"},
		{"acme.Things.Get", nil, "rpc Get(Request) returns (Request) {"},
		{"acme.Things.Get", []int32{2}, "Request) returns (Request) {"},
		{"acme.Things.Get", []int32{4, 72295728}, "(google.api.http) = {"},
		{"acme.Things.Get", []int32{4, 72295728, 2}, `get: "/v1/{id}"`},
		{"acme.Things.Get", []int32{4, 72295728, 11, 0, 2}, `get: "/v2/{id}" }`},
		{"acme.Things.Get", []int32{4, 72295728, 11, 1, 2}, `get: "/v5" }`},
		{"acme.Things.Get", []int32{4, 72295728, 11, 9, 2}, `(google.api.http) = {`},
		{"acme.Things.Old", []int32{4, 72295728, 4}, `(google.api.http).post = "/old";`},
		{"acme.Things.List", []int32{4, 72295728, 11, 2, 2}, `additional_bindings { get: "/v6" }`},
		{"acme.Things.Plain", []int32{4, 72295728, 2}, "rpc Plain(Request) returns (Request);"},
		{"acme.Request.id", nil, "string id = 1;"},
		{"acme.Request.left", nil, "string left = 2; }"},
		{"acme.Request.choice", nil, "oneof choice { string left = 2; }"},
		{"acme.Request.Kind", nil, "enum Kind { NONE = 0; }"},
		{"acme.Request.NONE", nil, "NONE = 0; }"},
		{"acme.Request.Inner", nil, "message Inner { string x = 1; }"},
		{"acme.Request.Inner.x", nil, "string x = 1; }"},
	} {
		d, err := s.FindDescriptorByName(protoName(test.name))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		at := s.Locate(d, test.path...)
		if want := filepath.ToSlash(filepath.Join(dir, "a.proto")); at.File != want {
			t.Errorf("%s is in %s; want %s", test.name, at.File, want)
		}
		line := []rune(s.Line(at.File, at.Line))
		if at.Column < 1 || at.Column > len(line) || string(line[at.Column-1:]) != test.want {
			t.Errorf("%s %v is at %v, in %q; want %q", test.name, test.path, at, string(line), test.want)
		}
	}
	if line := s.Line("a.proto", 2); line != "package acme;" {
		t.Errorf("line 2 by import name is %q", line)
	}
	if line := s.Line("a.proto", 99); line != "" {
		t.Errorf("line 99 is %q; want nothing", line)
	}
}

// TestBounds refuses trees that are too large, before they are compiled.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.proto": proto("acme", "A"), "b.proto": proto("acme", "B"), "c.proto": proto("acme", "C")})
	size := len(proto("acme", "A"))
	for _, test := range []struct {
		name   string
		config protofile.Config
		want   string
	}{
		{"files", protofile.Config{MaxFiles: 2}, "there are more than 2 files, which is the limit"},
		{"bytes", protofile.Config{MaxBytes: 3*size - 1}, "bytes, which is the limit"},
	} {
		test.config.Dirs = []string{dir}
		if got := refused(t, open(t, test.config)); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q is not in:\n%s", test.name, test.want, got)
		}
	}
	sourcetest.Load(t, open(t, protofile.Config{Dirs: []string{dir}, MaxFiles: 3, MaxBytes: 3 * size}))
}

// TestImportsCount: files that are only imported count against the bounds.
func TestImportsCount(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"p/a.proto": proto("acme", "A", "i/b.proto"), "i/b.proto": proto("acme", "B")})
	config := protofile.Config{Dirs: []string{filepath.Join(dir, "p")}, ImportPaths: []string{dir}, MaxFiles: 1}
	if got := refused(t, open(t, config)); !strings.Contains(got, "more than 1 files") {
		t.Errorf("the load is refused with:\n%s", got)
	}
	config.MaxFiles = 2
	s := sourcetest.Load(t, open(t, config))
	if got := sourcetest.Services(s); len(got) != 1 {
		t.Errorf("services are %v; want those of the folder alone", got)
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		config protofile.Config
		want   []string
	}{
		{"empty", protofile.Config{}, []string{"protofile: dirs is empty; it must name a folder of .proto files"}},
		{"everything wrong", protofile.Config{Dirs: []string{""}, ImportPaths: []string{"x="}, MaxFiles: -1, MaxBytes: -2, Poll: -3}, []string{
			"protofile: dirs[0]: the folder is empty", `protofile: import_paths[0]: "x=": the folder is empty`,
			"protofile: max_files is -1; it must be 0, for 50000, or more", "protofile: max_bytes is -2; it must be 0",
			"protofile: poll is -3ns; it must be 0, for events, or more",
		}},
	} {
		_, err := protofile.New(test.config)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", test.name, want, err)
			}
		}
	}
}

// TestHalfWritten loads every beginning of a file: each is refused or valid by itself, and the last good schema is
// untouched (T7).
func TestHalfWritten(t *testing.T) {
	dir := t.TempDir()
	whole := sourcetest.First()["greet/v1/greeter.proto"]
	write(t, dir, sourcetest.First())
	source := open(t, protofile.Config{Dirs: []string{dir}})
	good := sourcetest.Load(t, source)
	for n := 0; n < len(whole); n += 7 {
		write(t, dir, map[string]string{"greet/v1/greeter.proto": whole[:n]})
		s, err := source.Load(t.Context())
		var refused *schema.LoadError
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
		if err == nil && s.FindMethod("/greet.v1.Greeter/Hello") != nil {
			t.Errorf("the first %d of %d bytes have the method", n, len(whole))
		}
	}
	write(t, dir, map[string]string{"greet/v1/greeter.proto": whole})
	if sourcetest.Load(t, source).FindMethod("/greet.v1.Greeter/Hello") == nil || good.FindMethod("/greet.v1.Greeter/Hello") == nil {
		t.Error("the method is gone")
	}
}
