// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/upload"
)

// echoSet is the descriptor set of the file of EchoService, with what it imports; edit changes that file.
func echoSet(t *testing.T, edit func(*descriptorpb.FileDescriptorProto)) []byte {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if slices.ContainsFunc(set.GetFile(), func(o *descriptorpb.FileDescriptorProto) bool { return o.GetName() == f.Path() }) {
			return
		}
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(testv1.File_dragoman_test_v1_canary_proto)
	if edit != nil {
		edit(set.GetFile()[len(set.GetFile())-1])
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// uploaded is a gateway that has nothing but what is uploaded to it.
type uploaded struct {
	*dragoman

	file string
}

func startUploaded(t *testing.T, address, file string, edit func(*config.Config)) *uploaded {
	t.Helper()
	return &uploaded{file: file, dragoman: startFor(t, address, func(c *config.Config) {
		c.Schemas = config.Schemas{Sources: []config.Source{{Name: "ci", Upload: &config.Upload{File: file}}}}
		c.Admin.DataDir = filepath.Dir(filepath.Dir(file))
		if edit != nil {
			edit(c)
		}
	})}
}

// serves says whether it has the method, as clients see it.
func (u *uploaded) serves(t *testing.T) bool {
	t.Helper()
	a := u.h1(t).call(t, "GET", "/canary/v1/echo", "")
	if a.status != 200 && a.status != 404 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	return a.status == 200
}

// source is what is told of its source.
func (u *uploaded) source(t *testing.T) *adminv1.SchemaSource {
	t.Helper()
	all, err := adminv1.NewSchemaServiceClient(u.administer(t)).ListSources(within(t), &adminv1.ListSourcesRequest{})
	if err != nil || len(all.GetSources()) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all.GetSources()[0]
}

// A schema that is uploaded is put in force whole, or refused with all the reasons; over gRPC and over REST; and the last that was good is there after
// a restart.
func TestSchemasAreUploaded(t *testing.T) {
	t.Parallel()
	backend := start(t, nil).backend.Address()
	file := filepath.Join(t.TempDir(), "data", "schemas", "ci.binpb")
	careful := func(c *config.Config) { c.Schemas.BreakingChanges = config.BreakingReject }
	u := startUploaded(t, backend, file, careful)
	client := adminv1.NewSchemaServiceClient(u.administer(t))
	send := func(in *adminv1.UploadSchemaRequest, data []byte) *adminv1.Reload {
		t.Helper()
		in.Source, in.DescriptorSet = "ci", &httpbody.HttpBody{Data: data}
		answer, err := client.UploadSchema(within(t), in)
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetReload()
	}
	kept := func() []byte {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := os.Stat(file + ".new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("beside the file is another one: %v", err)
		}
		return data
	}
	good := echoSet(t, nil)
	fewer := echoSet(t, func(f *descriptorpb.FileDescriptorProto) { f.Service = f.GetService()[:0] })
	alone := echoSet(t, nil)
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(alone, set); err != nil {
		t.Fatal(err)
	}
	set.File = set.GetFile()[len(set.GetFile())-1:]
	alone, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}

	// Before the first one there is nothing, and that is no mistake.
	if s := u.source(t); u.serves(t) || s.GetKind() != "upload" || s.GetLocation() != file || !s.GetOk() || s.GetServices() != 0 {
		t.Errorf("before the first upload: %v", s)
	}
	refusals := func(when string) {
		t.Helper()
		before, inForce, version := kept(), u.serves(t), u.source(t).GetVersion()
		for _, row := range []struct {
			reason string
			data   []byte
			want   string
		}{
			{"no descriptor set", []byte("hello"), "not a descriptor"},
			{"imports are missing", alone, "which is not there"},
			{"a bomb", compressed(t, make([]byte, upload.Limits().Bytes+1)), "which is the limit"},
		} {
			r := send(&adminv1.UploadSchemaRequest{AllowBreaking: true}, row.data)
			if r.GetResult() != adminv1.ReloadResult_RELOAD_RESULT_REFUSED || !strings.Contains(r.String(), row.want) || r.GetTrigger() != adminv1.Trigger_TRIGGER_ADMIN {
				t.Errorf("%s, %s: %v; want that it says %q", when, row.reason, r, row.want)
			}
		}
		if s := u.source(t); !bytes.Equal(kept(), before) || u.serves(t) != inForce || s.GetVersion() != version || !s.GetOk() || len(s.GetProblems()) > 0 {
			t.Errorf("%s: what was refused left something: %v", when, s)
		}
	}
	refusals("at first")
	if r := send(&adminv1.UploadSchemaRequest{DryRun: true}, good); !r.GetDryRun() || len(r.GetRoutesAdded()) == 0 || u.serves(t) || kept() != nil {
		t.Errorf("a dry run: %v", r)
	}
	if r := send(&adminv1.UploadSchemaRequest{}, good); r.GetResult() != adminv1.ReloadResult_RELOAD_RESULT_APPLIED || !u.serves(t) || !bytes.Equal(kept(), good) {
		t.Fatalf("the first upload: %v", r)
	}
	refusals("behind a good one")

	// Over REST the body is the set; what breaks clients is refused unless it is meant.
	status, answer := u.adminJSON(t, "PUT", "/api/v1/schemas/sources/ci", string(fewer))
	if r, _ := answer["reload"].(map[string]any); status != 200 || r["result"] != "RELOAD_RESULT_REFUSED" || !u.serves(t) || !bytes.Equal(kept(), good) {
		t.Errorf("what breaks clients: %d %v", status, answer)
	}
	status, answer = u.adminJSON(t, "PUT", "/api/v1/schemas/sources/ci?allowBreaking=true", string(compressed(t, fewer)))
	if r, _ := answer["reload"].(map[string]any); status != 200 || r["result"] != "RELOAD_RESULT_APPLIED" || u.serves(t) {
		t.Errorf("what breaks clients and is meant: %d %v", status, answer)
	}
	if status, answer = u.adminJSON(t, "PUT", "/api/v1/schemas/sources/ci", string(good)); status != 200 || !u.serves(t) {
		t.Errorf("the good one again: %d %v", status, answer)
	}

	for _, row := range []struct {
		reason, source string
		data           []byte
		want           codes.Code
	}{
		{"no such source", "nobody", good, codes.NotFound},
		{"no name", "", good, codes.NotFound},
		{"nothing", "ci", nil, codes.InvalidArgument},
		{"a byte too much", "ci", make([]byte, upload.MaxSize+1), codes.InvalidArgument},
	} {
		_, err := client.UploadSchema(within(t), &adminv1.UploadSchemaRequest{Source: row.source, DescriptorSet: &httpbody.HttpBody{Data: row.data}})
		if grpcCode(err) != row.want {
			t.Errorf("%s: %v; want %s", row.reason, err, row.want)
		}
	}

	// The next gateway begins with it, and so does one that is read-only, which takes none.
	if err := u.stop(patience); err != nil {
		t.Fatal(err)
	}
	again := startUploaded(t, backend, file, func(c *config.Config) { c.Admin.ReadOnly = true })
	if !again.serves(t) {
		t.Error("what was uploaded is gone after a restart")
	}
	_, err = adminv1.NewSchemaServiceClient(again.administer(t)).UploadSchema(within(t), &adminv1.UploadSchemaRequest{Source: "ci", DescriptorSet: &httpbody.HttpBody{Data: fewer}})
	if grpcCode(err) != codes.PermissionDenied || !again.serves(t) || !bytes.Equal(kept(), good) {
		t.Errorf("a gateway that is read-only: %v", err)
	}
}

// Who uploads a schema is told what is doubtful of it, each time, and what it makes doubtful elsewhere, and not what was so of other sources before.
func TestAnUploadIsToldItsOwnWarnings(t *testing.T) {
	t.Parallel()
	u := startUploaded(t, start(t, nil).backend.Address(), filepath.Join(t.TempDir(), "data", "schemas", "ci.binpb"), func(c *config.Config) {
		c.Schemas.Sources = append(c.Schemas.Sources, configFor(t, "127.0.0.1:1").Schemas.Sources...)
	})
	client := adminv1.NewSchemaServiceClient(u.administer(t))
	all := func() []*adminv1.Diagnostic {
		t.Helper()
		s, err := adminv1.NewStatusServiceClient(u.administer(t)).GetStatus(within(t), &adminv1.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return s.GetWarnings()
	}
	others := len(all())
	if others == 0 {
		t.Fatal("nothing is doubtful of the other source")
	}
	// A rule of HTTP for a method that streams both ways.
	options := &descriptorpb.MethodOptions{}
	proto.SetExtension(options, annotations.E_Http, &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/garden/v1/beds"}})
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: proto.String("garden/v1/bed.proto"), Package: proto.String("garden.v1"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Bed")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Beds"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Dig"), InputType: proto.String(".garden.v1.Bed"), OutputType: proto.String(".garden.v1.Bed"), Options: options,
			ClientStreaming: proto.Bool(true), ServerStreaming: proto.Bool(true),
		}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		reason string
		dryRun bool
	}{{"a dry run", true}, {"in force", false}, {"once more, when it is no news", false}} {
		answer, err := client.UploadSchema(within(t), &adminv1.UploadSchemaRequest{Source: "ci", DryRun: row.dryRun, DescriptorSet: &httpbody.HttpBody{Data: set}})
		if err != nil {
			t.Fatal(err)
		}
		if told := answer.GetReload().GetWarnings(); len(told) != 1 || told[0].GetCode() != "DG1117" || told[0].GetSpans()[0].GetPosition().GetFile() != "garden/v1/bed.proto" {
			t.Errorf("%s: it tells %v", row.reason, told)
		}
	}
	if now := len(all()); now != others+1 {
		t.Errorf("the status tells %d warnings; want those %d of the other source and the one of the upload", now, others)
	}
}

// Who may not use the admin API uploads nothing.
func TestUploadsNeedTheToken(t *testing.T) {
	t.Parallel()
	backend := start(t, nil).backend.Address()
	u := startUploaded(t, backend, filepath.Join(t.TempDir(), "schemas", "ci.binpb"), func(c *config.Config) { c.Admin.Token = "a-token-of-sixteen-bytes" })
	if status, answer := u.adminJSON(t, "PUT", "/api/v1/schemas/sources/ci", string(echoSet(t, nil))); status != 401 {
		t.Errorf("over REST: %d %v", status, answer)
	}
	_, err := adminv1.NewSchemaServiceClient(u.administer(t)).UploadSchema(within(t), &adminv1.UploadSchemaRequest{Source: "ci", DescriptorSet: &httpbody.HttpBody{Data: echoSet(t, nil)}})
	if grpcCode(err) != codes.Unauthenticated || u.serves(t) {
		t.Errorf("over gRPC: %v", err)
	}
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
