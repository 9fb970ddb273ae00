// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reflection_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/reflection"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// refused loads, expects a refusal and returns what the user reads.
func refused(t *testing.T, source *reflection.Source) string {
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

// TestVersions: v1 is asked first, v1alpha when it is not implemented; what files import comes along, and neither reflection nor
// health, which the backend lists as well, is exposed (T6).
func TestVersions(t *testing.T) {
	for _, test := range []struct {
		name     string
		register func(*grpc.Server, *backend)
	}{
		{"v1", func(s *grpc.Server, b *backend) { reflectionv1.RegisterServerReflectionServer(s, b) }},
		{"v1alpha", func(s *grpc.Server, b *backend) {
			reflectionv1alpha.RegisterServerReflectionServer(s, alpha{backend: b})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBackend()
			b.Put(t, sourcetest.Second())
			conn := serve(t, func(s *grpc.Server) { test.register(s, b) })
			s := sourcetest.Load(t, open(t, reflection.Config{Name: "greeter", Conn: conn}))
			if got := sourcetest.Services(s); len(got) != 2 {
				t.Errorf("services are %v", got)
			}
			if _, err := s.FindDescriptorByName("greet.v1.Person"); err != nil { // in a file that has no service
				t.Error(err)
			}
			for _, path := range []string{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.health.v1.Health/Check"} {
				if s.FindMethod(path) != nil {
					t.Errorf("%s is exposed", path)
				}
			}
		})
	}
}

// TestNoReflection names both ways out.
func TestNoReflection(t *testing.T) {
	conn := serve(t, func(*grpc.Server) {})
	got := refused(t, open(t, reflection.Config{Name: "users", Conn: conn}))
	for _, want := range []string{"error[DG1008]: backend users does not serve reflection", "directory of .proto files", "--descriptor-set"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

// TestUnreachable says that, and why.
func TestUnreachable(t *testing.T) {
	conn := serve(t, func(*grpc.Server) {})
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	got := refused(t, open(t, reflection.Config{Name: "users", Conn: conn}))
	if !strings.Contains(got, "backend users does not tell its schema") {
		t.Errorf("the user reads:\n%s", got)
	}
}

// script is a backend that says what a test wants it to.
type script struct {
	reflectionv1.UnimplementedServerReflectionServer
	services []string
	files    map[string][]byte // by import name, and by symbol
	also     [][]byte          // files that are sent along with each
	silent   bool
}

// ServerReflectionInfo implements the service.
func (s *script) ServerReflectionInfo(stream reflectionv1.ServerReflection_ServerReflectionInfoServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.silent {
			<-stream.Context().Done()
			return nil
		}
		if err := stream.Send(s.answer(request)); err != nil {
			return err
		}
	}
}

func (s *script) answer(request *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
	key := request.GetFileByFilename() + request.GetFileContainingSymbol()
	if key == "" {
		list := new(reflectionv1.ListServiceResponse)
		for _, name := range s.services {
			list.Service = append(list.Service, &reflectionv1.ServiceResponse{Name: name})
		}
		return &reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}}
	}
	file, ok := s.files[key]
	if !ok {
		return &reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectionv1.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: key + " is not here"},
		}}
	}
	return &reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectionv1.FileDescriptorResponse{FileDescriptorProto: append([][]byte{file}, s.also...)},
	}}
}

// holding makes a file with a service, what imports it has, and whatever else a test adds.
func holding(name, service string, change func(*descriptorpb.FileDescriptorProto), imports ...string) []byte {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String(name), Dependency: imports,
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(service)}},
	}
	if change != nil {
		change(file)
	}
	encoded, err := proto.MarshalOptions{AllowPartial: true}.Marshal(file)
	if err != nil {
		panic(err)
	}
	return encoded
}

func enumOf(values int) func(*descriptorpb.FileDescriptorProto) {
	return func(file *descriptorpb.FileDescriptorProto) {
		enum := &descriptorpb.EnumDescriptorProto{Name: proto.String("E")}
		for i := range values {
			enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(fmt.Sprintf("V%d", i)), Number: proto.Int32(int32(i))})
		}
		file.EnumType = append(file.EnumType, enum)
	}
}

func messages(n int, name string) func(*descriptorpb.FileDescriptorProto) {
	return func(file *descriptorpb.FileDescriptorProto) {
		for i := range n {
			file.MessageType = append(file.MessageType, &descriptorpb.DescriptorProto{Name: proto.String(fmt.Sprintf("%s%d", name, i))})
		}
	}
}

// TestHostile: whatever a backend says, it is refused in little time and the good schema stays (I9).
func TestHostile(t *testing.T) {
	chain := make(map[string][]byte)
	chain["S"] = holding("0", "S", nil, "1")
	for i := 1; i < 3000; i++ {
		chain[fmt.Sprint(i)] = holding(fmt.Sprint(i), fmt.Sprintf("S%d", i), nil, fmt.Sprint(i+1))
	}
	bomb := map[string][]byte{"S": holding("0", "S", nil, "1", "2")}
	for i := 1; i < 60; i++ {
		bomb[fmt.Sprint(i)] = holding(fmt.Sprint(i), fmt.Sprintf("S%d", i), func(file *descriptorpb.FileDescriptorProto) {
			file.PublicDependency = []int32{0, 1}
		}, fmt.Sprint(i+1), fmt.Sprint(i+2))
	}
	bomb["60"], bomb["61"] = holding("60", "S60", nil), holding("61", "S61", nil)
	many := []string{}
	big := make(map[string][]byte)
	for i := range 40 {
		name := fmt.Sprintf("S%d", i)
		many = append(many, name)
		big[name] = holding("f"+name, name, messages(1000, name+"M"))
	}
	for _, test := range []struct {
		name     string
		services []string
		files    map[string][]byte
		want     string
	}{
		{"a million enum values", nil, map[string][]byte{"S": holding("a", "S", enumOf(1_000_000))}, "more than 300000 elements"},
		{"40,000 messages in 40 files", many, big, "more than 20000 messages"},
		{"a circle", nil, map[string][]byte{"S": holding("a", "S", nil, "b"), "b": holding("b", "B", nil, "a")}, "cyclic import path"},
		{"a missing import", nil, map[string][]byte{"S": holding("a", "S", nil, "gone")}, "a imports gone, which is not there"},
		{"a chain without an end", nil, chain, "import tree depth > 1024"},
		{"a bomb of public imports", nil, bomb, "reaches other files by public imports in more than"},
		{
			"two files of one name",
			[]string{"S", "T"},
			map[string][]byte{"S": holding("a", "S", nil), "T": holding("a", "T", nil)},
			`two different files with the import name "a"`,
		},
		{"one message in two files", []string{"S", "T"}, map[string][]byte{
			"S": holding("a", "S", messages(1, "M")), "T": holding("b", "T", messages(1, "M")),
		}, "M0 is defined in two files"},
		{"what is not a descriptor", nil, map[string][]byte{"S": []byte("hello")}, "sends what is not a descriptor"},
		{"another service", nil, map[string][]byte{"S": holding("a", "Other", nil)}, "service S"},
		{"no answer", nil, nil, "service S"},
		{"a field of a type that does not exist", nil, map[string][]byte{"S": holding("a", "S", func(file *descriptorpb.FileDescriptorProto) {
			messages(1, "M")(file)
			file.MessageType[0].Field = []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("f"), Number: proto.Int32(1), TypeName: proto.String(".Nowhere"),
				Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}}
		})}, "Nowhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := &script{services: []string{"S"}, files: map[string][]byte{"S": holding("good", "S", nil)}}
			conn := serve(t, func(s *grpc.Server) { reflectionv1.RegisterServerReflectionServer(s, good) })
			source := open(t, reflection.Config{Name: "bad", Conn: conn})
			before := sourcetest.Load(t, source)
			good.services, good.files = test.services, test.files
			if test.services == nil {
				good.services = []string{"S"}
			}
			start := time.Now()
			if got := refused(t, source); !strings.Contains(got, test.want) {
				t.Errorf("%q is not in:\n%s", test.want, got)
			}
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			if before.Stats().Services != 1 {
				t.Error("the good schema has changed")
			}
		})
	}
}

// TestRepeats bounds what a backend sends again and again.
func TestRepeats(t *testing.T) {
	s := &script{files: make(map[string][]byte)}
	common := holding("common", "Unlisted", messages(100, "M"))
	s.also = [][]byte{common}
	size := len(common)
	for i := range 100 {
		name := fmt.Sprintf("S%d", i)
		s.services = append(s.services, name)
		s.files[name] = holding("f"+name, name, nil, "common")
		size += len(s.files[name])
	}
	conn := serve(t, func(server *grpc.Server) { reflectionv1.RegisterServerReflectionServer(server, s) })
	limits := link.Limits{Bytes: size}
	if got := refused(t, open(t, reflection.Config{Name: "bad", Conn: conn, Limits: limits})); !strings.Contains(got, "the same files again and again") {
		t.Errorf("the user reads:\n%s", got)
	}
	limits.Bytes *= 10
	loaded := sourcetest.Load(t, open(t, reflection.Config{Name: "fine", Conn: conn, Limits: limits}))
	if got := loaded.Stats().Services; got != 100 {
		t.Errorf("%d services are exposed; want the 100 that are listed, not the one in their import", got)
	}
}

// TestSilent gives up on a backend that does not answer.
func TestSilent(t *testing.T) {
	s := &script{silent: true}
	conn := serve(t, func(server *grpc.Server) { reflectionv1.RegisterServerReflectionServer(server, s) })
	got := refused(t, open(t, reflection.Config{Name: "slow", Conn: conn, Timeout: 50 * time.Millisecond}))
	if !strings.Contains(got, "error[DG1009]: backend slow did not tell its schema in 50ms") {
		t.Errorf("the user reads:\n%s", got)
	}
}

// TestMessageSet: a backend with a MessageSet is served but for it.
func TestMessageSet(t *testing.T) {
	set := sourcetest.Compile(t, map[string]string{"odd.proto": `syntax = "proto2";
package odd;
message Set { option message_set_wire_format = true; extensions 4 to max; }
message Item { extend Set { optional Item item = 600000000; } optional Set set = 1; }
service Odd { rpc Get(Item) returns (Item); }
`})
	encoded, err := proto.Marshal(set.File[0])
	if err != nil {
		t.Fatal(err)
	}
	s := &script{services: []string{"odd.Odd"}, files: map[string][]byte{"odd.Odd": encoded}}
	conn := serve(t, func(server *grpc.Server) { reflectionv1.RegisterServerReflectionServer(server, s) })
	loaded := sourcetest.Load(t, open(t, reflection.Config{Name: "odd", Conn: conn}))
	if loaded.FindMethod("/odd.Odd/Get") == nil || len(loaded.Unserved()) != 2 {
		t.Errorf("stats are %+v, unserved is %v", loaded.Stats(), loaded.Unserved())
	}
}

// TestWatchFailure reports once that a backend cannot be asked any more, and again when it can.
func TestWatchFailure(t *testing.T) {
	b := newBackend()
	b.Put(t, sourcetest.First())
	conn := serve(t, func(server *grpc.Server) { reflectionv1.RegisterServerReflectionServer(server, b) })
	source := open(t, reflection.Config{Name: "greeter", Conn: conn, Interval: 5 * time.Millisecond})
	sourcetest.Load(t, source)
	changes := make(chan struct{})
	ctx := t.Context()
	done := make(chan error, 1)
	go func() {
		done <- source.Watch(ctx, func() {
			select {
			case changes <- struct{}{}:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	b.Break(t)
	<-changes
	if _, err := source.Load(ctx); err == nil {
		t.Error("a broken backend is loaded")
	}
	b.Put(t, sourcetest.Second())
	<-changes
	if got := sourcetest.Load(t, source).Stats().Services; got != 2 {
		t.Errorf("%d services are served; want 2", got)
	}
}

func TestConfig(t *testing.T) {
	_, err := reflection.New(reflection.Config{Interval: -1, Timeout: -1, Limits: link.Limits{Bytes: -1}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"reflection: name is empty", "reflection: conn is nil", "reflection: interval is -1ns; it must be 0",
		"reflection: timeout is -1ns; it must be 0", "reflection: limits: bytes is -1; it must be 0",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if !bytes.Contains([]byte(err.Error()), []byte("\n")) {
		t.Error("not all problems are named")
	}
}
