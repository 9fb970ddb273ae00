// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/descriptorset"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// refused loads, expects a refusal and returns what the user reads.
func refused(t *testing.T, source *descriptorset.Source) string {
	t.Helper()
	_, err := source.Load(t.Context())
	var refused *schema.LoadError
	if !errors.As(err, &refused) {
		t.Fatalf("Load returns %v; want a *schema.LoadError", err)
	}
	var b strings.Builder
	if err := schema.Render(&b, refused.All(), schema.RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rule returns the HTTP rule of the greeter, encoded.
func rule(t *testing.T, s *schema.Schema) string {
	t.Helper()
	method := s.FindMethod("/greet.v1.Greeter/Hello")
	if method == nil {
		t.Fatal("there is no method /greet.v1.Greeter/Hello")
	}
	values, err := schema.OptionBytes(method.Options(), 72295728)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Join(values, nil))
}

// TestOrder loads a set whatever the order of its files (T1).
func TestOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set.binpb")
	set := sourcetest.Compile(t, sourcetest.Second())
	for seed := range uint64(10) {
		rand.New(rand.NewPCG(seed, 2)).Shuffle(len(set.File), func(i, j int) { set.File[i], set.File[j] = set.File[j], set.File[i] })
		write(t, path, encode(t, set))
		s := sourcetest.Load(t, open(t, descriptorset.Config{Paths: []string{path}}))
		if got := sourcetest.Services(s); len(got) != 2 {
			t.Errorf("order %d: services are %v", seed, got)
		}
	}
}

// TestForms reads binary and JSON, plain and compressed, with options that the set itself defines.
func TestForms(t *testing.T) {
	files := sourcetest.First()
	files["opts.proto"] = `syntax = "proto3";
package opts;
import "google/protobuf/descriptor.proto";
import "greet/v1/greeter.proto";
extend google.protobuf.MethodOptions { Scope scope = 50077; }
message Scope { string name = 1; repeated int32 levels = 2; }
service Scoped { rpc Do(Scope) returns (greet.v1.HelloReply) { option (scope) = { name: "admin" levels: [1, 2] }; } }
`
	set := sourcetest.Compile(t, files)
	binary := encode(t, set)
	for name, content := range map[string][]byte{
		"binary": binary, "json": inJSON(t, binary), "binary.gz": compress(t, binary), "json.gz": compress(t, inJSON(t, binary)),
	} {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, content)
		source := open(t, descriptorset.Config{Paths: []string{path}})
		s := sourcetest.Load(t, source)
		if sourcetest.Load(t, source) != s {
			t.Errorf("%s: a load without a change makes a new schema", name)
		}
		values, err := schema.OptionBytes(s.FindMethod("/opts.Scoped/Do").Options(), 50077)
		if err != nil || string(bytes.Join(values, nil)) != "\x0a\x05admin\x12\x02\x01\x02" {
			t.Errorf("%s: the option that the set defines is %q, %v", name, values, err)
		}
		if got := rule(t, s); !strings.Contains(got, "/v1/hello") {
			t.Errorf("%s: the rule is %q", name, got)
		}
	}
}

// inJSON writes a set as buf does, extensions by their names.
func inJSON(t *testing.T, binary []byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "set")
	write(t, path, binary)
	types := sourcetest.Load(t, open(t, descriptorset.Config{Paths: []string{path}})).Types()
	set := new(descriptorpb.FileDescriptorSet)
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(binary, set); err != nil {
		t.Fatal(err)
	}
	content, err := protojson.MarshalOptions{Resolver: types, Indent: " "}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(`"[google.api.http]"`)) || !bytes.Contains(content, []byte(`"[opts.scope]"`)) {
		t.Fatalf("the options are not written by name:\n%s", content)
	}
	return content
}

func compress(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMerge takes one file from several sets, and imports from one set into another (T5).
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	all := sourcetest.Compile(t, sourcetest.Second())
	byName := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, file := range all.File {
		byName[file.GetName()] = file
	}
	bare := proto.CloneOf(byName["greet/v1/common.proto"])
	bare.SourceCodeInfo = nil
	write(t, dir+"/a.binpb", encode(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{byName["greet/v1/greeter.proto"], bare}}))
	write(t, dir+"/b.binpb", encode(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{byName["greet/v1/common.proto"]}}))
	write(t, dir+"/c.binpb", encode(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{byName["greet/v1/farewell.proto"], bare}}))
	write(t, dir+"/note.txt", []byte("not a set"))
	source := open(t, descriptorset.Config{Paths: []string{dir + "/*.binpb", dir + "/a.binpb"}})
	s := sourcetest.Load(t, source)
	if s.Stats().Files != 3 || s.Stats().Services != 2 {
		t.Errorf("stats are %+v", s.Stats())
	}
	person, err := s.FindDescriptorByName("greet.v1.Person")
	if err != nil || s.Locate(person).Line == 0 {
		t.Errorf("greet.v1.Person is at %v, %v; want the position from the set that has it", s.Locate(person), err)
	}

	bare.MessageType[0].Field[0].Number = proto.Int32(7)
	write(t, dir+"/c.binpb", encode(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{byName["greet/v1/farewell.proto"], bare}}))
	got := refused(t, source)
	for _, want := range []string{`two different files have the import name "greet/v1/common.proto"`, "b.binpb", "c.binpb"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

// TestRefused says what is wrong with each set, all at once.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	alone := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{sourcetest.Compile(t, sourcetest.First()).File[1]}}
	for name, content := range map[string][]byte{
		"missing.binpb": encode(t, alone), "garbage.binpb": []byte("hello"), "empty.binpb": nil, "bad.json": []byte(`{"file": 3}`),
		"bad.gz": {0x1f, 0x8b, 1, 2, 3}, "nofile.json": []byte("{}"),
	} {
		write(t, filepath.Join(dir, name), content)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		paths []string
		want  []string
	}{
		{[]string{"missing.binpb"}, []string{"greet/v1/greeter.proto imports greet/v1/common.proto, which is not there", "--include_imports"}},
		{[]string{"garbage.binpb", "empty.binpb", "bad.json", "bad.gz", "nofile.json", "gone.binpb", "folder", "*.nothing"}, []string{
			"garbage.binpb", "not a descriptor", "empty.binpb: it holds no file", "bad.json: it is not a FileDescriptorSet", "bad.gz: gzip: unexpected EOF",
			"nofile.json: it holds no file", "gone.binpb: no such file or directory", "folder: it is not a file", "*.nothing: no file matches",
		}},
	} {
		config := descriptorset.Config{}
		for _, path := range test.paths {
			config.Paths = append(config.Paths, filepath.Join(dir, path))
		}
		got := refused(t, open(t, config))
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%v: %q is not in:\n%s", test.paths, want, got)
			}
		}
	}
}

// TestTorn loads beginnings of a set: each is refused, or is a whole number of files of which none misses an import
// (I10). None of them changes the good schema.
func TestTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set.binpb")
	set := sourcetest.Compile(t, sourcetest.Second())
	whole := encode(t, set)
	var ends []int
	for i := range set.File {
		ends = append(ends, len(encode(t, &descriptorpb.FileDescriptorSet{File: set.File[:i+1]})))
	}
	write(t, path, whole)
	source := open(t, descriptorset.Config{Paths: []string{path}})
	good := sourcetest.Load(t, source)
	for n := range len(whole) {
		write(t, path, whole[:n])
		_, err := source.Load(t.Context())
		if err == nil && !slices.Contains(ends, n) {
			t.Errorf("the first %d of %d bytes are accepted", n, len(whole))
		}
	}
	write(t, path, whole)
	if got := sourcetest.Load(t, source).Stats(); got != good.Stats() {
		t.Errorf("the whole set has %+v; want %+v", got, good.Stats())
	}
}

// TestLimits refuses sets beyond the limits, compressed ones too (I9).
func TestLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set")
	binary := encode(t, sourcetest.Compile(t, sourcetest.Second()))
	zeros := compress(t, make([]byte, 10<<20))
	for _, test := range []struct {
		name    string
		content []byte
		limits  link.Limits
		want    string
	}{
		{"bytes", binary, link.Limits{Bytes: len(binary) - 1}, "bytes, which is the limit"},
		{"files", binary, link.Limits{Files: 2}, "more than 2 files"},
		{"messages", binary, link.Limits{Messages: 2}, "more than 2 messages"},
		{"elements", binary, link.Limits{Elements: 10}, "more than 10 elements"},
		{"a bomb", zeros, link.Limits{Bytes: 1 << 20}, "more than 1048576 bytes"},
		{"json", append([]byte("{"), bytes.Repeat([]byte(" "), 1000)...), link.Limits{Bytes: 4000}, "as JSON it has more than 500 bytes"},
	} {
		write(t, path, test.content)
		source := open(t, descriptorset.Config{Paths: []string{path}, Limits: test.limits})
		if got := refused(t, source); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q is not in:\n%s", test.name, test.want, got)
		}
	}
}

// TestWellKnown: what a set brings under a well-known name is used and not served.
func TestWellKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set")
	files := sourcetest.First()
	for _, name := range wellknown.Names() {
		files[name], _ = wellknown.Text(name)
	}
	files["google/rpc/status.proto"] += "\nmessage Mine {}\n"
	files["health.proto"] = "syntax = \"proto3\";\npackage grpc.health.v2;\nmessage M {}\nservice Health { rpc Check(M) returns (M); }\n"
	write(t, path, encode(t, sourcetest.Compile(t, maps.Clone(files))))
	s := sourcetest.Load(t, open(t, descriptorset.Config{Paths: []string{path}}))
	if got := sourcetest.Services(s); len(got) != 1 {
		t.Errorf("services are %v; want greet.v1.Greeter alone", got)
	}
	if s.Stats().Files != 3 {
		t.Errorf("stats are %+v; want the three files that are not well-known", s.Stats())
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		config descriptorset.Config
		want   string
	}{
		{descriptorset.Config{}, "descriptorset: paths is empty; it must name a file or a pattern"},
		{descriptorset.Config{Paths: []string{"["}}, `descriptorset: paths[0] is "["; it must be a file or a pattern`},
		{descriptorset.Config{Paths: []string{""}}, `descriptorset: paths[0] is ""`},
		{descriptorset.Config{Paths: []string{"x"}, Poll: -1}, "descriptorset: poll is -1ns; it must be 0"},
		{descriptorset.Config{Paths: []string{"x"}, Limits: link.Limits{Files: -4}}, "descriptorset: limits: files is -4; it must be 0"},
	} {
		if _, err := descriptorset.New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New returns %v; want %q", err, test.want)
		}
	}
}
