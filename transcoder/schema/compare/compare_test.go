// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compare_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

const base = `syntax = "proto3";
package acme.v1;
import "google/api/field_behavior.proto";
service Users {
  rpc Get(GetRequest) returns (User);
  rpc List(ListRequest) returns (stream User);
}
message GetRequest { string id = 1; string view = 2; }
message ListRequest { repeated string labels = 1; map<string, string> filter = 2; }
message User {
  string name = 1;
  int32 age = 2;
  Role role = 3;
  oneof contact { string mail = 4; string phone = 5; }
  User parent = 6;
}
enum Role { ROLE_UNSPECIFIED = 0; ROLE_ADMIN = 1; ROLE_GUEST = 2; }
`

// methods compiles a file.
func methods(t *testing.T, text string) []protoreflect.MethodDescriptor {
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
		t.Fatal(err)
	}
	var all []protoreflect.MethodDescriptor
	for _, sd := range s.Services() {
		for i := range sd.Methods().Len() {
			all = append(all, sd.Methods().Get(i))
		}
	}
	return all
}

// What breaks clients is told by method and by field, and what only adds something is told to break nothing.
func TestChanges(t *testing.T) {
	t.Parallel()
	before := methods(t, base)
	for _, row := range []struct {
		name     string
		from, to string // replaced in the file
		rule     compare.Rule
		element  string
		breaking bool
		methods  string
	}{
		{"a method is gone", "  rpc Get(GetRequest) returns (User);\n", "", compare.MethodRemoved, "acme.v1.Users/Get", true, "acme.v1.Users/Get"},
		{"a service is gone", "service Users", "service People", compare.ServiceRemoved, "acme.v1.Users", true, ""},
		{"a method takes another message", "Get(GetRequest)", "Get(ListRequest)", compare.RequestTypeChanged, "acme.v1.Users/Get", true, "acme.v1.Users/Get"},
		{"a method returns another message", "Get(GetRequest) returns (User)", "Get(GetRequest) returns (ListRequest)", compare.ResponseTypeChanged, "acme.v1.Users/Get", true, "acme.v1.Users/Get"},
		{"a stream is none any more", "returns (stream User)", "returns (User)", compare.StreamingChanged, "acme.v1.Users/List", true, "acme.v1.Users/List"},
		{"a field is gone", "  int32 age = 2;\n", "", compare.FieldRemoved, "acme.v1.User.age", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a field of a request is gone", " string view = 2;", "", compare.FieldRemoved, "acme.v1.GetRequest.view", true, "acme.v1.Users/Get"},
		{"a field has another name, which JSON shows", "int32 age", "int32 years", compare.FieldRenamed, "acme.v1.User.age", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a field has another number, which the wire shows", "age = 2", "age = 9", compare.FieldNumberChanged, "acme.v1.User.age", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a field has another type", "int32 age", "string age", compare.FieldTypeChanged, "acme.v1.User.age", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a list is one value", "repeated string labels", "string labels", compare.FieldLabelChanged, "acme.v1.ListRequest.labels", true, "acme.v1.Users/List"},
		{"a map has other values", "map<string, string>", "map<string, int32>", compare.FieldTypeChanged, "acme.v1.ListRequest.filter", true, "acme.v1.Users/List"},
		{"a field leaves its oneof", "oneof contact { string mail = 4; string phone = 5; }", "oneof contact { string mail = 4; } string phone = 5;", compare.FieldOneofChanged, "acme.v1.User.phone", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a field of a request is required", "string view = 2", "string view = 2 [(google.api.field_behavior) = REQUIRED]", compare.FieldBecameRequired, "acme.v1.GetRequest.view", true, "acme.v1.Users/Get"},
		{"a required field is new", "string view = 2;", "string view = 2; string why = 3 [(google.api.field_behavior) = REQUIRED];", compare.RequiredFieldAdded, "acme.v1.GetRequest.why", true, "acme.v1.Users/Get"},
		{"a value is gone", " ROLE_GUEST = 2;", "", compare.EnumValueRemoved, "acme.v1.Role.ROLE_GUEST", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a value has another name", "ROLE_GUEST = 2", "ROLE_VISITOR = 2", compare.EnumValueRenamed, "acme.v1.Role.ROLE_GUEST", true, "acme.v1.Users/Get acme.v1.Users/List"},
		{"a method is new", "service Users {", "service Users {\n  rpc Put(User) returns (User);", compare.MethodAdded, "acme.v1.Users/Put", false, "acme.v1.Users/Put"},
		{"a service is new", "message GetRequest", "service More { rpc Get(GetRequest) returns (User); }\nmessage GetRequest", compare.ServiceAdded, "acme.v1.More", false, ""},
		{"a field is new", "string view = 2;", "string view = 2; string why = 3;", compare.FieldAdded, "acme.v1.GetRequest.why", false, "acme.v1.Users/Get"},
		{"a value is new", "ROLE_GUEST = 2;", "ROLE_GUEST = 2; ROLE_OTHER = 3;", compare.EnumValueAdded, "acme.v1.Role.ROLE_OTHER", false, "acme.v1.Users/Get acme.v1.Users/List"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(base, row.from) {
				t.Fatalf("the file has no %q", row.from)
			}
			after := methods(t, strings.Replace(base, row.from, row.to, 1))
			for _, c := range compare.Methods(before, after) {
				if c.Rule == row.rule && c.Element == row.element {
					if c.Breaking != row.breaking || strings.Join(c.Methods, " ") != row.methods || c.Message == "" {
						t.Errorf("got %+v; want breaking %t, methods %s", c, row.breaking, row.methods)
					}
					return
				}
			}
			t.Errorf("%s of %s is not told: %+v", row.rule, row.element, compare.Methods(before, after))
		})
	}
}

// Two loads of one file differ in nothing; and messages that hold themselves end the walk.
func TestTheSameHasNoChanges(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]compare.Change(nil), compare.Methods(methods(t, base), methods(t, base))); diff != "" {
		t.Error(diff)
	}
}

// Who reads a list reads what hurts first.
func TestBreakingChangesComeFirst(t *testing.T) {
	t.Parallel()
	text := strings.Replace(strings.Replace(base, "int32 age = 2;", "", 1), "string id = 1;", "string id = 1; string also = 7;", 1)
	changes := compare.Methods(methods(t, base), methods(t, text))
	if len(changes) != 2 || !changes[0].Breaking || changes[1].Breaking || compare.Breaking(changes) != 1 {
		t.Errorf("got %+v; want the field that is gone, then the new one", changes)
	}
}
