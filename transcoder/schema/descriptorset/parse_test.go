// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/descriptorset"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// TestParse: a set in memory is what one in a file is, and is refused for the same reasons (T5, I9).
func TestParse(t *testing.T) {
	set := sourcetest.Compile(t, sourcetest.Second())
	binary := encode(t, set)
	for name, content := range map[string][]byte{"binary": binary, "binary.gz": compress(t, binary)} {
		s, err := descriptorset.Parse("ci", content, link.Limits{})
		if err != nil || len(sourcetest.Services(s)) != 2 || s.Source() != "ci" {
			t.Errorf("%s: %v", name, err)
		}
	}
	last := proto.CloneOf(set.GetFile()[len(set.GetFile())-1])
	last.Service = nil
	for _, row := range []struct {
		reason  string
		content []byte
		limits  link.Limits
		want    string
	}{
		{"no set", []byte("hello"), link.Limits{}, "not a descriptor"},
		{"nothing", nil, link.Limits{}, "it holds no file"},
		{"a bomb", compress(t, make([]byte, 10<<20)), link.Limits{Bytes: 1 << 20}, "more than 1048576 bytes"},
		{"no gzip", []byte{0x1f, 0x8b, 1, 2, 3}, link.Limits{}, "gzip: unexpected EOF"},
		{"too many files", binary, link.Limits{Files: 2}, "more than 2 files"},
		{"two files of a name", encode(t, &descriptorpb.FileDescriptorSet{File: append(set.GetFile(), last)}), link.Limits{}, "two different files have the import name"},
	} {
		_, err := descriptorset.Parse("ci", row.content, row.limits)
		if refused, ok := errors.AsType[*schema.LoadError](err); !ok || !strings.Contains(refused.Error(), row.want) {
			t.Errorf("%s: %v; want %q", row.reason, err, row.want)
		}
	}
	for name, content := range map[string][]byte{
		"a binary set that begins as JSON may": likeJSON(t), "JSON that begins as a binary set may": []byte("\n" + `{"file": [{"name": "a.proto", "syntax": "proto3"}]}`),
	} {
		if s, err := descriptorset.Parse("ci", content, link.Limits{}); err != nil || len(s.Files()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := descriptorset.Parse("ci", binary, link.Limits{Files: -1}); err == nil {
		t.Error("limits that cannot be are taken")
	}
}

// likeJSON is a set of one file with as many bytes as a brace has as a number: it begins with a line break and a brace.
func likeJSON(t *testing.T) []byte {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("a.proto"), Syntax: proto.String("proto3"), Package: proto.String("a")}
	file.Package = proto.String("a" + strings.Repeat("b", '{'-proto.Size(file)))
	content := encode(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
	if !strings.HasPrefix(string(content), "\n{") {
		t.Fatalf("it begins with %q", content[:2])
	}
	return content
}
