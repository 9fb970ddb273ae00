// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/redact"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// methods are those of the canary, by path.
func methods(t testing.TB) map[string]*transcoder.Method {
	t.Helper()
	s, err := schema.New(schema.Config{Source: "test", Files: []protoreflect.FileDescriptor{testv1.File_dragoman_test_v1_canary_proto}})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*transcoder.Method{}
	for _, m := range mux.Methods() {
		all[m.Path] = m
	}
	return all
}

// Methods of the canary: of one, things are taken out.
const (
	hidden = "/dragoman.test.v1.EchoService/Echo"
	open   = "/dragoman.test.v1.PublicService/Get"
)

// policy takes out what is marked, and the request as text, of one method.
func policy(t testing.TB, unless string) (*redact.Policy, map[string]*transcoder.Method) {
	t.Helper()
	all := methods(t)
	cfg := &redact.Config{Marked: true, Fields: []string{"seen.request_json"}}
	if unless != "" {
		var err error
		if cfg.Unless, err = expression.New(unless, expression.Head); err != nil {
			t.Fatal(err)
		}
	}
	p, err := redact.New([]redact.Method{{Method: all[hidden], Config: cfg}, {Method: all[open]}})
	if err != nil {
		t.Fatal(err)
	}
	return p, all
}

func callOf(m *transcoder.Method, id *transcoder.Identity) *transcoder.Call {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method, c.Identity = m, id
	return c
}

// Who may see all is said by an expression; where it cannot be told, nobody may.
func TestWhoSeesAll(t *testing.T) {
	t.Parallel()
	id := &transcoder.Identity{Provider: "p", Subject: "ada", Scopes: []string{"read"}, Groups: []string{"staff"}, Claims: map[string]any{"level": "high"}}
	for _, tt := range []struct {
		unless string
		id     *transcoder.Identity
		edits  bool
	}{
		{"", id, true},
		{"'read' in auth.scopes", id, false},
		{"'support' in auth.scopes", id, true},
		{"'staff' in auth.groups", id, false},
		{"auth.authenticated", id, false},
		{"auth.authenticated", nil, true},
		{"'read' in auth.scopes", nil, true},
		{"auth.claims.none == 'x'", id, true},
		{"auth.claims.level > 3", id, true},
		{"int(auth.claims.level) > 3", id, true},
	} {
		p, all := policy(t, tt.unless)
		if got := p.Edits(callOf(all[hidden], tt.id)); got != tt.edits {
			t.Errorf("%q: fields are taken out: %t; want %t", tt.unless, got, tt.edits)
		}
		if p.Edits(callOf(all[open], tt.id)) {
			t.Errorf("%q: fields are taken out of a method that the policy is not for", tt.unless)
		}
	}
}

func TestMessagesOfAnswers(t *testing.T) {
	t.Parallel()
	p, all := policy(t, "")
	c := callOf(all[hidden], nil)
	request, err := anypb.New(&testv1.CanaryRequest{Text: "t", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(&testv1.CanaryResponse{Seen: &testv1.Seen{Method: "m", Request: request, RequestJson: "{}"}})
	if err != nil {
		t.Fatal(err)
	}
	m := transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data[:10]), mem.SliceBuffer(data[10:])}}
	if err := p.Edit(c, &m); err != nil {
		t.Fatal(err)
	}
	got := &testv1.CanaryResponse{}
	if err := proto.Unmarshal(m.View(), got); err != nil {
		t.Fatal(err)
	}
	inner := &testv1.CanaryRequest{}
	if err := got.GetSeen().GetRequest().UnmarshalTo(inner); err != nil || inner.GetSecret() != "" || inner.GetText() != "t" || got.GetSeen().GetRequestJson() != "" || got.GetSeen().GetMethod() != "m" {
		t.Errorf("%v, %v", got, err)
	}
	for reason, bad := range map[string]transcoder.Message{
		"no protobuf":              {Data: mem.BufferSlice{mem.SliceBuffer("\x0a\x05a")}},
		"an encoding there is not": {Data: mem.BufferSlice{mem.SliceBuffer("a")}, Encoding: "lzw"},
		"gzip that is none":        {Data: mem.BufferSlice{mem.SliceBuffer("a")}, Encoding: "gzip"},
	} {
		err := p.Edit(c, &bad)
		if e, ok := errors.AsType[*status.Error](err); !ok || e.Code != codes.Internal || e.Cause == nil {
			t.Errorf("%s: %v; want INTERNAL", reason, err)
		}
	}
}

// Of an error, what may not be seen goes out of the details that the schema knows, and those that cannot be read go whole.
func TestDetailsOfErrors(t *testing.T) {
	t.Parallel()
	p, all := policy(t, "")
	c := callOf(all[hidden], nil)
	known, err := anypb.New(&testv1.CanaryRequest{Text: "t", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := anypb.New(&errdetails.ErrorInfo{Reason: "R"})
	if err != nil {
		t.Fatal(err)
	}
	broken := &anypb.Any{TypeUrl: known.GetTypeUrl(), Value: []byte("\x0a\x05a")}
	backends := grpcstatus.ErrorProto(&spb.Status{Code: 9, Message: "no", Details: []*anypb.Any{known, info, broken}})
	got := status.Proto(p.EditError(c, backends))
	want := &testv1.CanaryRequest{}
	if len(got.GetDetails()) != 2 || got.GetCode() != 9 || got.GetMessage() != "no" || got.GetDetails()[0].UnmarshalTo(want) != nil || want.GetSecret() != "" || want.GetText() != "t" || !proto.Equal(got.GetDetails()[1], info) {
		t.Errorf("%v", got)
	}
	plain := grpcstatus.Error(codes.NotFound, "none")
	if err := p.EditError(c, plain); err != plain { //nolint:errorlint // it is to be the same
		t.Errorf("an error without details: %v", err)
	}
	own := status.Errorf(codes.Unavailable, status.ReasonNoReadyBackend, "ours")
	if err := p.EditError(c, own); err != own { //nolint:errorlint // it is to be the same
		t.Errorf("the gateway's own error: %v", err)
	}
}

func TestNothingToTakeOut(t *testing.T) {
	t.Parallel()
	all := methods(t)
	if p, err := redact.New([]redact.Method{{Method: all[hidden], Config: &redact.Config{}}, {Method: all[open]}}); p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	_, err := redact.New([]redact.Method{{Method: all[hidden], Config: &redact.Config{Fields: []string{"seen.method.x", ".a.B"}}}})
	for _, want := range []string{`"seen.method.x" is in no answer that the policy is for: field method of dragoman.test.v1.Seen is no message`, `".a.B"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// Who may see all, and methods of which nothing is taken out, cost no memory.
func TestWhatIsShownCostsNothing(t *testing.T) { //nolint:paralleltest // it counts allocations
	p, all := policy(t, "'read' in auth.scopes")
	for _, c := range []*transcoder.Call{
		callOf(all[hidden], &transcoder.Identity{Provider: "p", Subject: "ada", Scopes: []string{"read"}}), callOf(all[open], nil),
	} {
		if n := testing.AllocsPerRun(100, func() {
			if p.Admit(c) != nil || p.Edits(c) {
				t.Error("it is edited")
			}
		}); n > 0 {
			t.Errorf("%s takes %.0f allocations", c.Method.Path, n)
		}
	}
}
