// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func all(string, string) bool { return true }

func named(name string) func(string, string) bool {
	return func(_, method string) bool { return method == name }
}

// allow is a rule for all methods.
func allow(t testing.TB, text string) authz.Rule {
	t.Helper()
	e, err := expression.New(text, expression.Request)
	if err != nil {
		t.Fatal(err)
	}
	return authz.Rule{Name: text, Match: all, Allow: e}
}

// methodOf is a method of the canary.
func methodOf(name string) *transcoder.Method {
	services := testv1.File_dragoman_test_v1_canary_proto.Services()
	for i := range services.Len() {
		if md := services.Get(i).Methods().ByName(protoreflect.Name(name)); md != nil {
			m := transcoder.BareMethod("/"+string(services.Get(i).FullName())+"/"+name, md.IsStreamingClient(), md.IsStreamingServer())
			m.Desc = md
			return m
		}
	}
	return nil
}

// policy is that of some rules for the method Echo.
func policy(t testing.TB, cfg authz.Config) *authz.Policy {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a, err := authz.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Policy([]*transcoder.Method{methodOf("Echo")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rules(r ...authz.Rule) authz.Config { return authz.Config{Rules: r} }

// ada is somebody who may do something.
var ada = &transcoder.Identity{Provider: "p", Subject: "ada", Claims: map[string]any{"roles": []any{"admin"}}}

func call(m *transcoder.Method, who *transcoder.Identity) *transcoder.Call {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method, c.Identity = m, who
	return c
}

// try makes a call with messages of a user, and returns the outcome.
func try(p *authz.Policy, c *transcoder.Call, users ...string) error {
	if err := interceptor.Admit(p, c); err != nil {
		return err
	}
	if !p.Inspects(c) {
		return nil
	}
	for i, user := range users {
		data, err := proto.Marshal(&testv1.CanaryRequest{UserId: user})
		if err != nil {
			return err
		}
		if err := p.Inspect(c, int64(i+1), &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}); err != nil {
			return err
		}
	}
	return nil
}

// Statement of docs/authorization.md: all rules that are for a method must permit a call; what cannot be told is refused.
func TestAllRulesMustPermitACall(t *testing.T) {
	t.Parallel()
	yes, no := allow(t, "true"), allow(t, "false")
	other := allow(t, "false")
	other.Match = named("Other")
	narrow := allow(t, "true")
	narrow.Match = named("Echo")
	for _, row := range []struct {
		name string
		cfg  authz.Config
		who  *transcoder.Identity
		want codes.Code
	}{
		{"one that permits", rules(yes), nil, codes.OK},
		{"one that does not", rules(no), nil, codes.PermissionDenied},
		{"both", rules(yes, no), nil, codes.PermissionDenied},
		{"whatever their order", rules(no, yes), nil, codes.PermissionDenied},
		{"a narrow one takes nothing back", rules(no, narrow), nil, codes.PermissionDenied},
		{"one for another method", rules(other), nil, codes.OK},
		{"one for another method, and no is the default", authz.Config{Rules: []authz.Rule{other}, Deny: true}, nil, codes.PermissionDenied},
		{"no is the default, and a rule permits", authz.Config{Rules: []authz.Rule{yes}, Deny: true}, nil, codes.OK},
		{"no is the default, and there are no rules", authz.Config{Deny: true}, nil, codes.PermissionDenied},
		{"a role", rules(allow(t, "'admin' in auth.claims.roles")), ada, codes.OK},
		{"a claim that is not there", rules(allow(t, "'admin' in auth.claims.permissions")), ada, codes.PermissionDenied},
		{"and its opposite", rules(allow(t, "!('admin' in auth.claims.permissions)")), ada, codes.PermissionDenied},
		{"what cannot be evaluated", rules(allow(t, "int(headers['x']) > 0")), ada, codes.PermissionDenied},
		{"nobody", rules(allow(t, "'admin' in auth.claims.roles")), nil, codes.Unauthenticated},
		{"whom it does not matter", rules(allow(t, "method == 'Other' && auth.subject == 'ada'")), nil, codes.PermissionDenied},
		{"somebody", rules(allow(t, "auth.authenticated")), ada, codes.OK},
		{"nobody, who is asked for alone", rules(allow(t, "auth.authenticated")), nil, codes.Unauthenticated},
		{"one's own", rules(allow(t, "request.user_id == auth.subject")), ada, codes.OK},
		{"another's", rules(allow(t, "request.user_id == 'bob'")), ada, codes.PermissionDenied},
		{"nobody's own", rules(allow(t, "request.user_id == auth.subject")), nil, codes.Unauthenticated},
		{"by the head and the message", rules(allow(t, "'admin' in auth.claims.roles && request.user_id == 'ada'")), ada, codes.OK},
		{"by the head, whatever the message", rules(allow(t, "'owner' in auth.claims.roles && request.user_id == 'ada'")), ada, codes.PermissionDenied},
	} {
		p := policy(t, row.cfg)
		if got := grpcstatus.Code(try(p, call(methodOf("Echo"), row.who), "ada")); got != row.want {
			t.Errorf("%s: %s; want %s", row.name, got, row.want)
		}
	}
	if p := policy(t, authz.Config{}); p != nil {
		t.Error("there is a policy though there is nothing to decide")
	}
}

// What the head shows is refused before the body is read.
func TestTheHeadIsEnoughWhereItIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		allow string
		who   *transcoder.Identity
		want  codes.Code
	}{
		{"'owner' in auth.claims.roles && request.user_id == 'ada'", ada, codes.PermissionDenied},
		{"auth.authenticated && request.user_id == 'ada'", nil, codes.Unauthenticated},
		{"auth.authenticated && request.user_id == 'bob'", ada, codes.OK},
		{"request.user_id == auth.subject", nil, codes.OK}, // public things could be permitted by ||
	} {
		c := call(methodOf("Echo"), row.who)
		if got := grpcstatus.Code(policy(t, rules(allow(t, row.allow))).Admit(c)); got != row.want {
			t.Errorf("%s: the head is answered with %s; want %s", row.allow, got, row.want)
		}
	}
}

// Every message of a stream is looked at.
func TestEveryMessageIsLookedAt(t *testing.T) {
	t.Parallel()
	p := policy(t, rules(allow(t, "request.user_id == auth.subject")))
	if err := try(p, call(methodOf("Echo"), ada), "ada", "ada", "ada"); err != nil {
		t.Error(err)
	}
	if err := try(p, call(methodOf("Echo"), ada), "ada", "ada", "bob"); grpcstatus.Code(err) != codes.PermissionDenied {
		t.Errorf("the third message is answered with %v", err)
	}
}

func TestWhatClientsAreTold(t *testing.T) {
	t.Parallel()
	first, second := allow(t, "'owner' in auth.claims.roles"), allow(t, "false")
	first.Name, first.Message = "owners", "only owners can do that"
	p := policy(t, rules(first, second)).With("Bearer")
	err, ok := errors.AsType[*status.Error](try(p, call(methodOf("Echo"), ada)))
	if !ok || err.Code != codes.PermissionDenied || err.Message != "only owners can do that" || err.Reason != "permission_denied" || err.Metadata["rule"] != "owners" {
		t.Errorf("who may not is told %+v", err)
	}
	err, ok = errors.AsType[*status.Error](try(p, call(methodOf("Echo"), nil)))
	if !ok || err.Code != codes.Unauthenticated || err.Reason != "unauthenticated" || err.Challenge != "Bearer" || err.Metadata["rule"] != "owners" {
		t.Errorf("nobody is told %+v", err)
	}
	broken := policy(t, rules(allow(t, "request.user_id == auth.subject")))
	c := call(methodOf("Echo"), ada)
	err, ok = errors.AsType[*status.Error](broken.Inspect(c, 1, &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer{0xff, 0xff}}}))
	if !ok || err.Code != codes.InvalidArgument || err.Reason != "bad_request" || err.Message != "the message is not one of dragoman.test.v1.CanaryRequest" {
		t.Errorf("a broken message is answered with %+v", err)
	}
}

// A trial refuses nothing, counts, and logs now and then, without what the client has sent.
func TestTrials(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	rule := allow(t, "request.user_id == auth.subject")
	rule.Name = "own"
	for _, cfg := range []authz.Config{
		{Rules: []authz.Rule{rule}, DryRun: true, Log: slog.New(slog.NewTextHandler(&lines, nil))},
		{Rules: []authz.Rule{rule, {Name: "broken", Match: all, Allow: allow(t, "int(headers['x']) > 0").Allow}}, DryRun: true, Deny: true, Log: slog.New(slog.NewTextHandler(&lines, nil))},
	} {
		lines.Reset()
		a, err := authz.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Policy([]*transcoder.Method{methodOf("Echo")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		for range 10 {
			c := call(methodOf("Echo"), ada)
			c.Start = start
			if err := try(p, c, "marker"); err != nil {
				t.Fatal(err)
			}
			if c.DryRun == "" {
				t.Error("the call does not have the rule that would have refused it")
			}
		}
		if state := a.States()[0]; state != (authz.State{Rule: "own", DryRun: true, Refused: 10}) {
			t.Errorf("counted is %+v", state)
		}
		if n := strings.Count(lines.String(), "rule=own"); n != 1 || strings.Contains(lines.String(), "marker") {
			t.Errorf("the log has %d lines, want 1 in a minute: %s", n, &lines)
		}
	}
	if !strings.Contains(lines.String(), "could not be evaluated") {
		t.Errorf("nothing tells that an expression could not be evaluated: %s", &lines)
	}
}

// A reload forgets no count, and methods whose requests do not fit are named with the field.
func TestRulesAndMethods(t *testing.T) {
	t.Parallel()
	a, err := authz.New(authz.Config{Rules: []authz.Rule{allow(t, "request.user == auth.subject"), {Name: "unused", Match: named("None"), Allow: allow(t, "true").Allow}}})
	if err != nil {
		t.Fatal(err)
	}
	methods := []*transcoder.Method{methodOf("Echo"), methodOf("Delete")}
	_, err = a.Policy(methods, nil)
	for _, want := range []string{
		"does not fit /dragoman.test.v1.EchoService/Echo, whose request is dragoman.test.v1.CanaryRequest: at character 8: undefined field 'user'",
		"does not fit /dragoman.test.v1.AdminService/Delete,",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q in it", err, want)
		}
	}
	if wrong, ok := errors.AsType[*authz.FieldError](err); !ok || wrong.Rule != 0 || wrong.Method != methods[0].Path {
		t.Errorf("the error is %+v", wrong)
	}
	if got := a.Unused(methods); len(got) != 1 || got[0] != 1 {
		t.Errorf("the rules %v are unused; want 1", got)
	}
}

// Methods that no schema has are held to rules on the head; one that looks at the request refuses them.
func TestUnknownMethods(t *testing.T) {
	t.Parallel()
	passed := transcoder.BareMethod("/acme.Unknown/Method", true, true)
	passed.Rule = "acme.**"
	for _, row := range []struct {
		allow string
		want  codes.Code
	}{
		{"method == 'Method'", codes.OK},
		{"method == 'Other'", codes.PermissionDenied},
		{"request.user_id == auth.subject", codes.PermissionDenied},
		{"request.user_id == auth.subject || true", codes.PermissionDenied},
	} {
		if got := grpcstatus.Code(policy(t, rules(allow(t, row.allow))).Admit(call(passed, ada))); got != row.want {
			t.Errorf("%s: %s; want %s", row.allow, got, row.want)
		}
	}
}

func TestRulesAreChecked(t *testing.T) {
	t.Parallel()
	good := allow(t, "true")
	for _, row := range []struct {
		name, want string
		edit       func(*authz.Rule)
	}{
		{"no methods", "it is for no methods", func(r *authz.Rule) { r.Match = nil }},
		{"no expression", "it has no expression", func(r *authz.Rule) { r.Allow = nil }},
		{"a long message", "its message has 1025 bytes; it may have 1024", func(r *authz.Rule) { r.Message = strings.Repeat("a", 1025) }},
		{"a message that is none", "its message is not UTF-8", func(r *authz.Rule) { r.Message = "\xff" }},
	} {
		r := good
		row.edit(&r)
		if _, err := authz.New(rules(r)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v; want %q", row.name, err, row.want)
		}
	}
	if _, err := authz.New(authz.Config{Rules: make([]authz.Rule, authz.MaxRules+1)}); err == nil || !strings.Contains(err.Error(), "there are 257 rules; there may be 256") {
		t.Errorf("got %v", err)
	}
}

// stream is one of gRPC's that receives a message.
type stream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream has one
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) RecvMsg(v any) error {
	proto.Merge(v.(proto.Message), &testv1.CanaryRequest{UserId: "ada"}) //nolint:errcheck // the test receives nothing else
	return nil
}

// The policy is an interceptor for any gRPC server.
func TestInAnyGRPCServer(t *testing.T) {
	t.Parallel()
	m := methodOf("Echo")
	info := &grpc.StreamServerInfo{FullMethod: m.Path}
	for allowed, want := range map[string]codes.Code{
		`request.user_id == "ada" && method == "Echo"`: codes.OK, `request.user_id == "bob"`: codes.PermissionDenied,
	} {
		intercept := interceptor.StreamServerInterceptor(policy(t, rules(allow(t, allowed))))
		err := intercept(nil, &stream{ctx: context.Background()}, info, func(_ any, s grpc.ServerStream) error { return s.RecvMsg(&testv1.CanaryRequest{}) })
		if got := grpcstatus.Code(err); got != want {
			t.Errorf("%s: %v; want %s", allowed, err, want)
		}
	}
}
