// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	policyv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/policy/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// schemaWith writes the schema of the canary with options, by the names of services and of methods.
func schemaWith(t testing.TB, services, methods map[string]*policyv1.Policy) config.Source {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(testv1.File_dragoman_test_v1_canary_proto)
	canary := proto.Clone(set.GetFile()[len(set.GetFile())-1]).(*descriptorpb.FileDescriptorProto) //nolint:errcheck // a clone
	set.File[len(set.GetFile())-1] = canary
	for _, s := range canary.GetService() {
		if p := services[s.GetName()]; p != nil {
			s.Options = &descriptorpb.ServiceOptions{}
			proto.SetExtension(s.Options, policyv1.E_Service, p)
		}
		for _, m := range s.GetMethod() {
			if p := methods[s.GetName()+"/"+m.GetName()]; p != nil {
				if m.Options == nil {
					m.Options = &descriptorpb.MethodOptions{}
				}
				proto.SetExtension(m.Options, policyv1.E_Method, p)
			}
		}
	}
	data, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "canary.binpb")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Source{Name: "canary", DescriptorSet: &config.DescriptorSet{Path: file}}
}

func rule(allow, message string) *policyv1.Authorization {
	return &policyv1.Authorization{Allow: allow, Message: message}
}

// What a schema says its methods need holds in every protocol, beside what the configuration says.
func TestOptionsOfSchemasAreInForceInEveryProtocol(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	source := schemaWith(t,
		map[string]*policyv1.Policy{"AdminService": {Auth: []string{"mobile"}, Authorization: []*policyv1.Authorization{rule("'admin' in auth.claims.roles", "only admins")}}},
		map[string]*policyv1.Policy{
			"EchoService/Slow": {Timeout: durationpb.New(50 * time.Millisecond)},
			"EchoService/Echo": {Limits: []*policyv1.Limit{{Limit: "3/d", Key: "client.address"}}},
		},
	)
	d := start(t, func(c *config.Config) {
		c.Schemas.Sources = []config.Source{source}
		c.Auth.Providers = append(c.Auth.Providers, jwtProvider(t, "mobile", func(j *jwt.Config) { j.Claims.Tenant = "" }, key))
		c.Defaults.Auth = []string{config.Everybody}
		c.Authorization.Rules = append(c.Authorization.Rules, permit(t, "not-eve", "dragoman.test.v1.AdminService/*", "auth.subject != 'eve'"))
	})
	admin := map[string]any{"roles": []any{"admin"}}
	calls := 0
	for _, row := range []struct {
		name   string
		fields []string
		want   decision
		rule   string
	}{
		{"nobody", nil, decision{Code: "UNAUTHENTICATED", Reason: "unauthenticated", RPC: "Delete"}, ""},
		{"no admin", bearer(key.Token("alice", nil)), decision{Code: "PERMISSION_DENIED", Reason: "permission_denied", RPC: "Delete", Auth: "mobile", Subject: "alice"}, "dragoman.test.v1.AdminService"},
		{"an admin whom the configuration does not permit", bearer(key.Token("eve", admin)), decision{Code: "PERMISSION_DENIED", Reason: "permission_denied", RPC: "Delete", Auth: "mobile", Subject: "eve"}, "not-eve"},
		{"an admin", bearer(key.Token("alice", admin)), decision{Code: "OK", Reason: "ok", RPC: "Delete", Auth: "mobile", Subject: "alice", Arrived: 1, UserID: []string{"alice"}}, ""},
	} {
		for _, w := range ways {
			calls++
			id := fmt.Sprintf("option-%d", calls)
			got, made := d.decide(t, w, canaryAdmin, id, row.fields...)
			if !made {
				continue
			}
			if fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("%s by %s:\n got %+v\nwant %+v", row.name, w.name, got, row.want)
			}
			if r := d.access.await(t, id); r.Rule != row.rule {
				t.Errorf("%s by %s: the log names the rule %q; want %q", row.name, w.name, r.Rule, row.rule)
			}
		}
	}
	for i, w := range ways { // the limit is one for all protocols
		id := fmt.Sprintf("option-limit-%d", i)
		got, _ := d.decide(t, w, canaryEcho, id)
		want := decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}
		if i >= 3 {
			want = decision{Code: "RESOURCE_EXHAUSTED", Reason: "rate_limited", RPC: "Echo"}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("call %d, %s:\n got %+v\nwant %+v", i, w.name, got, want)
		}
		if r := d.access.await(t, id); i >= 3 && r.Rule != "dragoman.test.v1.EchoService.Echo" {
			t.Errorf("%s: the log names the rule %q", w.name, r.Rule)
		}
	}
	c := d.h1(t)
	if a := c.do(t, c.request(t, "GET", "/canary/v1/slow?sleep=5s", "")); a.status != 504 || !strings.Contains(a.body, "DEADLINE_EXCEEDED") {
		t.Errorf("the timeout of the schema is not in force: %d, %s", a.status, a.body)
	}
}

// Where the configuration says so, and of reflection, options do not count: whoever runs a backend does not say who may call it.
func TestThreatOptionsThatAreIgnoredOpenNothing(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	source := schemaWith(t, map[string]*policyv1.Policy{"AdminService": {Auth: []string{config.Everybody}}}, nil)
	source.PolicyOptions = config.IgnoreOptions
	d := start(t, func(c *config.Config) {
		c.Schemas.Sources = []config.Source{source}
		c.Auth.Providers = append(c.Auth.Providers, jwtProvider(t, "mobile", nil, key))
		c.Defaults.Auth = []string{"mobile"}
	})
	for i, w := range ways {
		got, made := d.decide(t, w, canaryAdmin, fmt.Sprintf("ignored-%d", i))
		if want := (decision{Code: "UNAUTHENTICATED", Reason: "unauthenticated", RPC: "Delete"}); made && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v; want %+v", w.name, got, want)
		}
	}
}

// What a schema says of the messages of its requests, and of stored answers, is in force without a word of the configuration, and the configuration can
// take it back for a method.
func TestOptionsHoldRequestsAndStoreAnswers(t *testing.T) {
	t.Parallel()
	options := changed(t,
		"import \"google/api/annotations.proto\";", "import \"buf/validate/validate.proto\";\nimport \"dragoman/policy/v1/policy.proto\";\nimport \"google/api/annotations.proto\";",
		"string text = 4;", "string text = 4 [(buf.validate.field).string.max_len = 5];",
		"service EchoService {", "service EchoService {\n  option (dragoman.policy.v1.service) = {validate_requests: true, cache: {ttl: {seconds: 3600}}};",
	)
	for _, row := range []struct {
		name           string
		own            func(*config.Policy)
		refused, again bool // a request that breaks a rule is; the second of two that are the same arrives
	}{
		{"the schema", func(*config.Policy) {}, true, false},
		{"the configuration, for the method", func(p *config.Policy) {
			p.Validate.Requests, p.Cache = new(false), &config.CachePolicy{Off: true}
		}, false, true},
	} {
		d := start(t, func(c *config.Config) {
			options(c)
			s := &c.Services[0]
			s.Methods = append(s.Methods, config.Method{Name: "Echo"})
			row.own(&s.Methods[len(s.Methods)-1].Policy)
		})
		c := d.h1(t)
		get := func(query string) (status int) {
			t.Helper()
			return c.call(t, "GET", "/canary/v1/echo?"+query, "").status
		}
		if got := get("text=longer"); (got == 400) != row.refused {
			t.Errorf("%s: a text that is too long: %d", row.name, got)
		}
		if n := d.asked(func() { get("text=short") }); n != 1 {
			t.Errorf("%s: of the first call %d arrive", row.name, n)
		}
		if n := d.asked(func() { get("text=short") }); n == 1 != row.again {
			t.Errorf("%s: of the second call %d arrive", row.name, n)
		}
	}
}

// What a schema says of fields that clients may not set, and of those that not all may see, is in force; a method says it for itself.
func TestOptionsGuardFields(t *testing.T) {
	t.Parallel()
	d := start(t, changed(t,
		"import \"google/api/annotations.proto\";", "import \"dragoman/policy/v1/policy.proto\";\nimport \"google/api/annotations.proto\";\nimport \"google/api/field_behavior.proto\";",
		"string text = 4;", "string text = 4 [(google.api.field_behavior) = OUTPUT_ONLY];",
		"service EchoService {", "service EchoService {\n  option (dragoman.policy.v1.service) = {validate_requests: true, field_behavior: {output_only: \"refuse\"}, "+
			"redact: {fields: [\"payload\"], unless: \"request.header('x-role') == 'support'\"}};",
		"rpc Slow(CanaryRequest) returns (CanaryResponse) {", "rpc Slow(CanaryRequest) returns (CanaryResponse) {\n    option (dragoman.policy.v1.method) = {field_behavior: {output_only: \"keep\"}, "+
			"redact: {fields: [\"seen\"]}};",
	))
	c := d.h1(t)
	for _, row := range []struct {
		target string
		fields []string
		status int
		has    []string // of the answer
		lacks  []string
	}{
		{"echo?behavior.payload_size=3", nil, 200, []string{"seen"}, []string{"payload"}},
		{"echo?behavior.payload_size=3", []string{"x-role", "support"}, 200, []string{"seen", "payload"}, nil},
		{"echo?text=a", nil, 400, []string{"details"}, nil},
		{"slow?sleep=0s&text=a&behavior.payload_size=3", nil, 200, []string{"payload"}, []string{"seen"}},
	} {
		a := c.call(t, "GET", "/canary/v1/"+row.target, "", row.fields...)
		if a.status != row.status {
			t.Errorf("%s %q: %d %s; want %d", row.target, row.fields, a.status, a.body, row.status)
		}
		var answer map[string]any
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil {
			t.Fatal(err)
		}
		said := func(name string) bool { return answer[name] != nil && answer[name] != "" }
		for _, name := range row.has {
			if !said(name) {
				t.Errorf("%s %q: %s; it has no %s", row.target, row.fields, a.body, name)
			}
		}
		for _, name := range row.lacks {
			if said(name) {
				t.Errorf("%s %q: %s; it has %s", row.target, row.fields, a.body, name)
			}
		}
	}
}
