// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package sourcetest provides the contract that every schema source passes, and what its tests need.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// patience is how long something that takes milliseconds may take on a busy machine.
const patience = 20 * time.Second

// Backing is what a source loads from, in the hands of the test.
type Backing interface {
	// Put makes these files what there is: import name → text. They import nothing but each other and well-known
	// files, and the source brings those itself where it can.
	Put(t *testing.T, files map[string]string)
	// Break makes the next Load fail, until the next Put.
	Break(t *testing.T)
}

// Run checks a source against the contract of [schema.Source] and, if it is one, of [schema.Watcher]. open returns a
// new source over a backing that Put has not been called on yet; what must be closed is its business.
func Run(t *testing.T, open func(t *testing.T) (schema.Source, Backing)) {
	t.Helper()
	tests := []contract{
		{"loads what is there", testLoad},
		{"resolves the user's types and the well-known ones (T3)", testTypes},
		{"carries google.api.http in the options (T4)", testOptions},
		{"hides reflection and health (T6)", testHidden},
		{"loads what is new and leaves the old schema as it is (T8)", testReload},
		{"refuses what is broken and loads again after it (T7)", testBroken},
		{"returns when the context ends", testCancelled},
	}
	if source, _ := open(t); isWatcher(source) {
		tests = append(tests,
			contract{"reports a change", testWatch},
			contract{"reports a change since the last load", testWatchSince},
			contract{"stops watching when the context ends", testWatchEnds})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, backing := open(t)
			test.run(t, source, backing)
		})
	}
}

// contract is one thing that a source promises.
type contract struct {
	name string
	run  func(*testing.T, schema.Source, Backing)
}

func isWatcher(source schema.Source) bool {
	_, ok := source.(schema.Watcher)
	return ok
}

const commonText = `syntax = "proto3";
package greet.v1;
import "google/protobuf/timestamp.proto";
message Person {
  string name = 1;
  google.protobuf.Timestamp born = 2;
}
`

const greeterText = `syntax = "proto3";
package greet.v1;
import "google/api/annotations.proto";
import "greet/v1/common.proto";
message HelloRequest {
  Person person = 1;
}
message HelloReply {
  string text = 1;
}
service Greeter {
  rpc Hello(HelloRequest) returns (HelloReply) {
    option (google.api.http) = {
      post: "/v1/hello"
      body: "person"
    };
  }
}
`

const farewellText = `syntax = "proto3";
package greet.v1;
import "greet/v1/common.proto";
service Farewell {
  rpc Bye(Person) returns (Person);
}
`

// First returns files with one service, greet.v1.Greeter.
func First() map[string]string {
	return map[string]string{"greet/v1/common.proto": commonText, "greet/v1/greeter.proto": greeterText}
}

// Second returns the files of First and one more, with the service greet.v1.Farewell.
func Second() map[string]string {
	files := First()
	files["greet/v1/farewell.proto"] = farewellText
	return files
}

// Load loads and fails the test if that fails.
func Load(t *testing.T, source schema.Source) *schema.Schema {
	t.Helper()
	loaded, err := source.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return loaded
}

// Services returns the full names of the services of a schema.
func Services(s *schema.Schema) []string {
	var names []string
	for _, service := range s.Services() {
		names = append(names, string(service.FullName()))
	}
	return names
}

func testLoad(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	name := source.Name()
	if name == "" {
		t.Error("Name is empty")
	}
	s := Load(t, source)
	if s.Source() != name || source.Name() != name {
		t.Errorf("the schema is of %q and the source is named %q and then %q; want one name", s.Source(), name, source.Name())
	}
	if got := Services(s); len(got) != 1 || got[0] != "greet.v1.Greeter" {
		t.Errorf("services are %v; want greet.v1.Greeter", got)
	}
	want := schema.Stats{Files: 2, Services: 1, Methods: 1, Messages: 3}
	if s.Stats() != want {
		t.Errorf("stats are %+v; want %+v", s.Stats(), want)
	}
	method := s.FindMethod("/greet.v1.Greeter/Hello")
	if method == nil {
		t.Fatal("FindMethod does not find /greet.v1.Greeter/Hello")
	}
	if at := s.Locate(method, 4); at.File == "" {
		t.Error("Locate does not name the file of a method")
	}
	if s.FindMethod("/greet.v1.Greeter/Nothing") != nil {
		t.Error("FindMethod finds a method that does not exist")
	}
	if len(s.Unserved()) != 0 {
		t.Errorf("something is unserved: %v", s.Unserved())
	}
	if again := Load(t, source); again.Stats() != want {
		t.Errorf("a second load has %+v; want %+v", again.Stats(), want)
	}
}

func testTypes(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	types := Load(t, source).Types()
	person, err := types.FindMessageByName("greet.v1.Person")
	if err != nil {
		t.Fatal(err)
	}
	message := person.New().Interface()
	const text = `{"name":"Ada","born":"1815-12-10T00:00:00Z"}`
	if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal([]byte(text), message); err != nil {
		t.Fatal(err)
	}
	got, err := protojson.MarshalOptions{Resolver: types}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if got = bytes.ReplaceAll(got, []byte(" "), nil); string(got) != text {
		t.Errorf("%s comes back as %s", text, got)
	}
	for _, name := range []protoreflect.FullName{"google.rpc.BadRequest", "google.protobuf.Any", "google.api.HttpRule", "buf.validate.FieldRules"} {
		if _, err := types.FindMessageByURL("type.googleapis.com/" + string(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := types.FindMessageByName("greet.v1.Nobody"); err == nil {
		t.Error("a message that does not exist is found")
	}
	if _, err := types.FindExtensionByNumber("google.protobuf.MethodOptions", 72295728); err != nil {
		t.Errorf("google.api.http: %v", err)
	}
}

func testOptions(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	method := Load(t, source).FindMethod("/greet.v1.Greeter/Hello")
	if method == nil {
		t.Fatal("there is no method /greet.v1.Greeter/Hello")
	}
	values, err := schema.OptionBytes(method.Options(), 72295728)
	if err != nil || len(values) == 0 {
		t.Fatalf("OptionBytes returns %v, %v; want the rule", values, err)
	}
	got := new(annotations.HttpRule)
	if err := proto.Unmarshal(bytes.Join(values, nil), got); err != nil {
		t.Fatal(err)
	}
	want := &annotations.HttpRule{Pattern: &annotations.HttpRule_Post{Post: "/v1/hello"}, Body: "person"}
	if !proto.Equal(got, want) {
		t.Errorf("the rule is %v; want %v", got, want)
	}
}

func testHidden(t *testing.T, source schema.Source, backing Backing) {
	files := First()
	files["greet/v1/probe.proto"] = `syntax = "proto3";
package greet.v1;
import "grpc/health/v1/health.proto";
message Probe { grpc.health.v1.HealthCheckRequest request = 1; }
service Prober { rpc Probe(greet.v1.Probe) returns (grpc.health.v1.HealthCheckResponse); }
`
	backing.Put(t, files)
	s := Load(t, source)
	if got := Services(s); len(got) != 2 {
		t.Errorf("services are %v; want greet.v1.Greeter and greet.v1.Prober", got)
	}
	if s.FindMethod("/grpc.health.v1.Health/Check") != nil {
		t.Error("grpc.health.v1.Health is exposed")
	}
}

func testReload(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	old := Load(t, source)
	backing.Put(t, Second())
	loaded := Load(t, source)
	if loaded.FindMethod("/greet.v1.Farewell/Bye") == nil {
		t.Error("the new method is not there")
	}
	if old.FindMethod("/greet.v1.Farewell/Bye") != nil || old.Stats().Files != 2 {
		t.Error("the old schema has changed")
	}
	backing.Put(t, First())
	if Load(t, source).FindMethod("/greet.v1.Farewell/Bye") != nil {
		t.Error("a method that is gone is still there")
	}
}

func testBroken(t *testing.T, source schema.Source, backing Backing) {
	for _, name := range []string{"at first", "after a good load"} {
		backing.Break(t)
		_, err := source.Load(t.Context())
		var refused *schema.LoadError
		if !errors.As(err, &refused) || len(refused.All()) == 0 {
			t.Fatalf("%s: Load returns %v; want a *schema.LoadError", name, err)
		}
		for _, d := range refused.All() {
			if d.Message == "" || d.Position().File == "" {
				t.Errorf("%s: %#v names no message or no place", name, d)
			}
		}
		backing.Put(t, First())
		if got := Services(Load(t, source)); len(got) != 1 {
			t.Errorf("%s: the load after it has the services %v", name, got)
		}
	}
}

func testCancelled(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := source.Load(ctx); !errors.Is(err, cause) {
		t.Errorf("Load returns %v; want the cause of the context", err)
	}
	Load(t, source)
}

// watch starts watching and returns where changes arrive. The watch ends with the test.
func watch(t *testing.T, source schema.Source) <-chan struct{} {
	t.Helper()
	watcher := source.(schema.Watcher) //nolint:errcheck // Run has asked
	changes := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- watcher.Watch(ctx, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returns %v; want nil", err)
		}
	})
	return changes
}

// Await watches a source until a Load after a report returns what is wanted.
func Await(t *testing.T, source schema.Source, changes <-chan struct{}, wanted func(*schema.Schema) bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case <-changes:
			if s, err := source.Load(t.Context()); err == nil && wanted(s) {
				return
			}
		case <-timeout.C:
			t.Fatalf("no change was reported in %v", patience)
		}
	}
}

func testWatch(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	Load(t, source)
	changes := watch(t, source)
	for _, step := range []struct {
		files map[string]string
		want  int
	}{{Second(), 2}, {First(), 1}} {
		backing.Put(t, step.files)
		Await(t, source, changes, func(s *schema.Schema) bool { return s.Stats().Services == step.want })
	}
}

func testWatchSince(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	Load(t, source)
	backing.Put(t, Second())
	Await(t, source, watch(t, source), func(s *schema.Schema) bool { return s.Stats().Services == 2 })
}

func testWatchEnds(t *testing.T, source schema.Source, backing Backing) {
	backing.Put(t, First())
	watcher := source.(schema.Watcher) //nolint:errcheck // Run has asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := watcher.Watch(ctx, func() {}); err != nil {
		t.Errorf("Watch returns %v; want nil", err)
	}
}
