// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

const orders = `type: google.api.Service
config_version: 3
http:
  rules:
  - selector: acme.Orders.Get
    get: /v1/{name=orders/*}
    response_body: "order"
    additional_bindings:
      - custom:
          kind: 'HEAD'
          path: "/v1/heads/{id}"
      - {patch: "/v1/é/{id}", body: '*'}
  - {selector: "acme.*", "put": "/v1/x"}
`

func rule(pattern func(*annotations.HttpRule), more ...*annotations.HttpRule) *annotations.HttpRule {
	r := &annotations.HttpRule{AdditionalBindings: more}
	pattern(r)
	return r
}

// diagnostics returns what an error tells.
func diagnostics(t testing.TB, err error) []schema.Diagnostic {
	t.Helper()
	e, ok := errors.AsType[*schema.LoadError](err)
	if !ok || len(e.Diagnostics) == 0 {
		t.Fatalf("got error %v; want a *schema.LoadError with diagnostics", err)
	}
	return e.Diagnostics
}

// The shapes that users of grpc-gateway (grpc_api_configuration), Envoy and ESP have.
func TestShapes(t *testing.T) {
	t.Parallel()
	get := rule(func(r *annotations.HttpRule) {
		r.Selector, r.Body, r.Pattern = "a.S.Get", "*", &annotations.HttpRule_Get{Get: "/v1/{id}"}
	})
	for name, file := range map[string]string{
		"with its type":   "type: google.api.Service\nconfig_version: 3\nhttp: {rules: [{selector: a.S.Get, get: \"/v1/{id}\", body: \"*\"}]}\n",
		"without a head":  "http:\n  rules:\n  - selector: a.S.Get\n    get: /v1/{id}\n    body: \"*\"\n",
		"in JSON":         `{"type": "google.api.Service", "configVersion": 3, "http": {"rules": [{"selector": "a.S.Get", "get": "/v1/{id}", "body": "*"}]}}`,
		"from Windows":    "\ufeffhttp:\r\n  rules:\r\n  - selector: a.S.Get\r\n    get: /v1/{id}\r\n    body: '*'\r\n",
		"as a document":   "---\nhttp:\n  rules:\n  - {selector: a.S.Get, get: '/v1/{id}', body: '*'}\n...\n",
		"a whole service": "name: a.example.com\ntitle: A\nid: 2026-01-01r1\nproducer_project_id: p\napis: [{name: a.S, methods: [{name: Get, request_streaming: false}]}]\ndocumentation: {summary: S, pages: [{name: P, content: c}]}\nquota: {limits: [{name: l, values: {STANDARD: 10}}]}\nmonitored_resources: [{type: a, labels: [{key: k, value_type: STRING}]}]\nsource_info: {source_files: [{\"@type\": type.googleapis.com/google.protobuf.StringValue, value: a.proto}]}\nbackend: {rules: [{selector: '*', deadline: 3, path_translation: APPEND_PATH_TO_ADDRESS}]}\nendpoints: [{name: a, allow_cors: true}]\nhttp: {rules: [{selector: a.S.Get, get: '/v1/{id}', body: '*'}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := serviceconfig.Parse("a.yaml", []byte(file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]*annotations.HttpRule{get}, httpOf(rules), protocmp.Transform()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func httpOf(r *serviceconfig.Rules) []*annotations.HttpRule {
	var all []*annotations.HttpRule
	for _, r := range r.List() {
		all = append(all, r.HTTP)
	}
	return all
}

func TestRulesAndTheirPlaces(t *testing.T) {
	t.Parallel()
	rules, err := serviceconfig.Parse("rest/orders.yaml", []byte(orders))
	if err != nil {
		t.Fatal(err)
	}
	want := []*annotations.HttpRule{
		rule(func(r *annotations.HttpRule) {
			r.Selector, r.ResponseBody, r.Pattern = "acme.Orders.Get", "order", &annotations.HttpRule_Get{Get: "/v1/{name=orders/*}"}
		}, rule(func(r *annotations.HttpRule) {
			r.Pattern = &annotations.HttpRule_Custom{Custom: &annotations.CustomHttpPattern{Kind: "HEAD", Path: "/v1/heads/{id}"}}
		}), rule(func(r *annotations.HttpRule) {
			r.Body, r.Pattern = "*", &annotations.HttpRule_Patch{Patch: "/v1/é/{id}"}
		})),
		rule(func(r *annotations.HttpRule) {
			r.Selector, r.Pattern = "acme.*", &annotations.HttpRule_Put{Put: "/v1/x"}
		}),
	}
	if diff := cmp.Diff(want, httpOf(rules), protocmp.Transform()); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	for _, row := range []struct {
		rule, binding int
		field         string
		want          string
	}{
		{0, 0, "", "5:5"},
		{0, 0, "selector", "5:15"},
		{0, 0, "get", "6:10"},
		{0, 0, "response_body", "7:20"},
		{0, 0, "body", "5:5"}, // is not written
		{0, 0, "additional_bindings", "9:7"},
		{0, 1, "", "9:9"},
		{0, 1, "custom.kind", "10:17"},
		{0, 1, "custom.path", "11:17"},
		{0, 2, "patch", "12:17"},
		{0, 2, "body", "12:37"}, // columns count characters
		{0, 3, "get", "5:5"},    // is not there
		{1, 0, "", "13:5"},
		{1, 0, "put", "13:33"},
	} {
		if got := rules.List()[row.rule].Locate(row.binding, row.field).String(); got != "rest/orders.yaml:"+row.want {
			t.Errorf("rule %d, binding %d, %q: got %s; want %s", row.rule, row.binding, row.field, got, row.want)
		}
	}
	if got := rules.List()[0].Line(6); got != "    get: /v1/{name=orders/*}" {
		t.Errorf("line 6 is %q", got)
	}
	for _, n := range []int{-1, 0, 15} {
		if got := rules.List()[0].Line(n); got != "" {
			t.Errorf("line %d is %q; want none", n, got)
		}
	}
}

func TestFullyDecodeReservedExpansion(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]bool{
		"": false, "fully_decode_reserved_expansion: true": true, "fullyDecodeReservedExpansion: true": true, "fully_decode_reserved_expansion: false": false,
	} {
		rules, err := serviceconfig.Parse("a.yaml", []byte("http:\n  rules: [{selector: a.B.C, get: /a}]\n  "+setting+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.List()[0].FullyDecodeReservedExpansion; got != want {
			t.Errorf("%q: got %t", setting, got)
		}
	}
}

// What is not understood is refused, with a code and a place. The golden files of cmd/dragoman hold the sentences.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, file, code, at string
	}{
		{"nothing", "", serviceconfig.CodeNoRules, "a.yaml"},
		{"a comment", "# http:\n", serviceconfig.CodeNoRules, "a.yaml"},
		{"no http", "type: google.api.Service\n", serviceconfig.CodeNoRules, "a.yaml"},
		{"no rules", "http: {rules: []}\n", serviceconfig.CodeNoRules, "a.yaml"},
		{"a list", "- http\n", serviceconfig.CodeValue, "a.yaml:1:1"},
		{"a text", "http\n", serviceconfig.CodeValue, "a.yaml:1:1"},
		{"null", "~\n", serviceconfig.CodeValue, "a.yaml:1:1"},
		{"another type", "type: google.api.Http\n", serviceconfig.CodeValue, "a.yaml:1:7"},
		{"a type that is a list", "type: [google.api.Service]\n", serviceconfig.CodeValue, "a.yaml:1:7"},
		{"another version", "config_version: 2\n", serviceconfig.CodeValue, "a.yaml:1:17"},
		{"a version that is no number", "config_version: three\n", serviceconfig.CodeValue, "a.yaml:1:17"},
		{"the type twice", "type: google.api.Service\ntype: google.api.Service\ntitle: 1\n", serviceconfig.CodeValue, "a.yaml:3:8"},
		{"an unknown key", "https: {}\n", serviceconfig.CodeUnknown, "a.yaml:1:1"},
		{"a key that is a list", "[a]: {}\n", serviceconfig.CodeUnknown, "a.yaml:1:1"},
		{"a key twice", "http: {}\nhttp: {}\n", serviceconfig.CodeUnknown, "a.yaml:2:1"},
		{"a key under both names", "configVersion: 3\nconfig_version: 3\n", serviceconfig.CodeUnknown, "a.yaml:2:1"},
		{"a number for a text", "title: 1\n", serviceconfig.CodeValue, "a.yaml:1:8"},
		{"a word for an enum", "backend: {rules: [{path_translation: NO}]}\n", serviceconfig.CodeValue, "a.yaml:1:38"},
		{"a text for a map", "quota: {limits: [{values: many}]}\n", serviceconfig.CodeValue, "a.yaml:1:27"},
		{"an unknown type of Any", "source_info: {source_files: [{\"@type\": type.googleapis.com/a.B}]}\n", serviceconfig.CodeValue, "a.yaml:1:30"},
		{"an alias inside of an Any", "source_info: {source_files: [{a: &x b, c: *x}]}\n", serviceconfig.CodeSyntax, "a.yaml:1:34"},
		{"a merge key", "http: {<<: {rules: []}}\n", serviceconfig.CodeUnknown, "a.yaml:1:8"},
		{"a tag", "title: !!str 1\n", serviceconfig.CodeSyntax, "a.yaml:1:8"},
		{"no UTF-8", "title: é\nname: \xff\n", serviceconfig.CodeSyntax, "a.yaml:2:7"},
		{"two documents", "http: {}\n---\nhttp: {}\n", serviceconfig.CodeSyntax, "a.yaml:2:1"},
		{"a bomb of aliases", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b]\n", serviceconfig.CodeUnknown, "a.yaml:1:1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			rules, err := serviceconfig.Parse("a.yaml", []byte(row.file))
			if rules != nil {
				t.Error("rules came with the error")
			}
			d := diagnostics(t, err)[0]
			if d.Level != schema.Error || d.Code != row.code || d.Position().String() != row.at {
				t.Errorf("got %s; want %s at %s", d, row.code, row.at)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	one := "  - {selector: a.B.C, get: /a, additional_bindings: [{get: /b}]}\n"
	for name, row := range map[string]struct{ file, want string }{
		"bytes": {"http: " + strings.Repeat(" ", serviceconfig.DefaultMaxBytes), "more than 2097152 bytes"},
		"rules": {"http:\n  rules:\n" + strings.Repeat(one, serviceconfig.DefaultMaxRules/2+1), "has 20002 HTTP rules; the limit is 20000"},
	} {
		_, err := serviceconfig.Parse("a.yaml", []byte(row.file))
		if d := diagnostics(t, err); len(d) != 1 || d[0].Code != schema.CodeTooBig || !strings.Contains(d[0].Message, row.want) {
			t.Errorf("%s: got %v; want %q", name, err, row.want)
		}
	}
	if _, err := serviceconfig.Parse("a.yaml", []byte("http:\n  rules:\n"+strings.Repeat(one, serviceconfig.DefaultMaxRules/2))); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "unknown%d: 1\n", i)
	}
	_, err := serviceconfig.Parse("a.yaml", []byte(b.String()))
	if d := diagnostics(t, err); len(d) != 50 || !cmp.Equal(d[49].Notes, []string{"there are 950 more problems in a.yaml"}) {
		t.Errorf("%d diagnostics, the last with notes %q; want 50 and how many more", len(d), d[len(d)-1].Notes)
	}
}
