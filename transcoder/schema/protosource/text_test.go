// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protosource_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protosource"
)

const users = `syntax = "proto3";
package acme.v1;
import "google/api/annotations.proto";
// Users keeps users.
service Users {
  // Get returns one.
  rpc Get(GetRequest) returns (stream User) {
    option (google.api.http) = {get: "/v1/{id}" additional_bindings: {post: "/v1/get" body: "*"}};
  }
}
message GetRequest { string id = 1; map<string, int32> wanted = 2; reserved 7 to 9; reserved "old"; }
message User {
  string name = 1 [deprecated = true];
  optional int32 age = 2;
  Role role = 3;
  oneof contact { string mail = 4; string phone = 5; }
  repeated User friends = 6 [json_name = "mates"];
  enum Role { ROLE_UNSPECIFIED = 0; ROLE_ADMIN = 1; }
}
`

// load compiles a file.
func load(t *testing.T, text string) *schema.Schema {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users.proto"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := protofile.New(protofile.Config{Dirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := source.Load(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// A file that is written from its descriptor compiles to the same descriptor, options with what they mean.
func TestWhatIsWrittenIsTheSame(t *testing.T) {
	t.Parallel()
	file := func(s *schema.Schema) (protoreflect.FileDescriptor, proto.Message) {
		f, err := s.FindFileByPath("users.proto")
		if err != nil {
			t.Fatal(err)
		}
		p := protodesc.ToFileDescriptorProto(f)
		p.SourceCodeInfo = nil // it moves
		data, err := proto.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(data, p); err != nil { // options whose types differ from load to load are read as they are on the wire
			t.Fatal(err)
		}
		return f, p
	}
	f, want := file(load(t, users))
	text, err := protosource.Text(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, got := file(load(t, text)); !cmp.Equal(want, got, protocmp.Transform()) {
		t.Errorf("(-want +got):\n%s\n%s", cmp.Diff(want, got, protocmp.Transform()), text)
	}
}

// Every kind of element is written by itself, with its comments.
func TestEveryElementHasAText(t *testing.T) {
	t.Parallel()
	s := load(t, users)
	for name, want := range map[protoreflect.FullName]string{
		"acme.v1.Users": "// Users keeps users.\nservice Users {\n  // Get returns one.\n  rpc Get ( GetRequest ) returns ( stream User ) {\n    option (google.api.http) = {\n" +
			"      get: \"/v1/{id}\",\n      additional_bindings: [ { post: \"/v1/get\", body: \"*\" } ]\n    };\n  }\n}\n",
		"acme.v1.User.Role":  "enum Role {\n  ROLE_UNSPECIFIED = 0;\n  ROLE_ADMIN = 1;\n}\n",
		"acme.v1.User.age":   "optional int32 age = 2;\n",
		"acme.v1.GetRequest": "message GetRequest {\n  string id = 1;\n  map<string, int32> wanted = 2;\n  reserved 7 to 9;\n  reserved \"old\";\n}\n",
	} {
		d, err := s.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := protosource.Text(d)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
}
