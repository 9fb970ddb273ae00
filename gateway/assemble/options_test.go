// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble_test

import (
	"strings"
	"testing"
)

// schemaWithOption is a schema whose service and method have options.
func schemaWithOption(service, method string) string {
	return `syntax = "proto3";
package acme.v1;

import "dragoman/policy/v1/policy.proto";

message M {
  string id = 1;
}

service Books {
  option (dragoman.policy.v1.service) = {` + service + `};
  rpc Get(M) returns (M) {
    option (dragoman.policy.v1.method) = {
      ` + method + `
    };
  }
}
`
}

// What options say that does not go with the schema, or with the configuration, is refused with its place in the schema.
func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, service, method, configuration string
		want                                 string // part of the error, or of a doubt; "" for none
	}{
		{"fine", `timeout: {seconds: 2}`, `authorization: [{allow: "request.id != ''"}]`, "", ""},
		{
			"a field that is not there", ``, `authorization: [{allow: "request.name == 'x'"}]`, "",
			"proto/a.proto:14:24: error[DG1307]: the option of acme.v1.Books.Get: authorization does not fit /acme.v1.Books/Get, whose request is acme.v1.M: at character 8: undefined field 'name'",
		},
		{
			"a field that is not there, of a service", `authorization: [{allow: "request.name == 'x'"}]`, ``, "",
			"proto/a.proto:11:59: error[DG1307]: the option of acme.v1.Books: authorization does not fit /acme.v1.Books/Get",
		},
		{
			"a key of a limit that is not there", ``, `limits: [{limit: "1/s", key: "request.name"}]`, "",
			`error[DG1307]: the option of acme.v1.Books.Get: limits do not fit /acme.v1.Books/Get: acme.v1.M has no field "name"`,
		},
		{
			"a limit by who calls, where nobody is asked", ``, `limits: [{limit: "1/s", key: "auth.subject"}]`, provider,
			"error[DG1307]: the option of acme.v1.Books.Get: limits[0].key has auth.subject, which no call has: auth of none of the methods",
		},
		{
			"one of a service, for whose methods nobody is asked", `auth: ["none"] limits: [{limit: "1/s"}, {limit: "1/s", key: "auth.tenant"}]`, ``, provider,
			"error[DG1307]: the option of acme.v1.Books: limits[1].key has auth.tenant, which no call has",
		},
		{"a limit by who calls, where somebody is", `limits: [{limit: "1/s", key: "auth.subject"}]`, `auth: ["a"]`, provider, ""},
		{"a limit by who calls, or from where", ``, `limits: [{limit: "1/s", key: "auth.subject || client.address"}]`, provider, ""},
		{
			"a field to take out that no answer has", `redact: {fields: ["nothing"]}`, ``, "",
			"error[DG1307]: the option of acme.v1.Books: redact.fields[0]: ",
		},
		{"a field to take out", ``, `redact: {fields: ["id"], unless: "'support' in auth.scopes"}`, provider, ""},
		{"what happens to fields that clients do not set", ``, `field_behavior: {output_only: "drop"}`, "", "error[DG1307]: the option of acme.v1.Books.Get: field_behavior.output_only"},
		{
			"hedging a method with side effects", ``, `hedge: {after: {nanos: 5000000}}`, "",
			"proto/a.proto:14:7: error[DG1307]: the option of acme.v1.Books.Get: hedge does not fit /acme.v1.Books/Get",
		},
		{"hedging those of a service that can be", `hedge: {after: {nanos: 5000000}}`, ``, "", ""},
		{"hedging that the configuration turns off", ``, `hedge: {after: {nanos: 5000000}}`, `services: [{match: "**", backend: all, methods: [{name: Get, policy: {hedge: {attempts: 1}}}]}]`, ""},
		{
			"a timeout that is longer than the longest", ``, `timeout: {seconds: 90}`, `defaults: {max_timeout: 60s}`,
			"proto/a.proto:14:7: error[DG1307]: the option of acme.v1.Books.Get: timeout of /acme.v1.Books/Get is 1m30s, more than max_timeout, 1m0s",
		},
	} {
		configuration := row.configuration
		if !strings.Contains(configuration, "services:") {
			configuration += "\nservices: [{match: \"**\", backend: all}]"
		}
		b := build(t, map[string]string{
			"proto/a.proto": schemaWithOption(row.service, row.method), "dragoman.yaml": strings.Replace(settings(""), ", http_rules: [a.yaml, b.yaml]", "", 1) + configuration + "\n",
		}, nil)
		switch {
		case row.want == "" && b.err != nil:
			t.Errorf("%s: %v", row.name, b.err)
		case row.want != "" && (b.err == nil || !strings.Contains(b.err.Error(), row.want)):
			t.Errorf("%s: got %v, want %s", row.name, b.err, row.want)
		}
	}
}

// Options of sources that are not read are told, and do nothing.
func TestOptionsThatAreNotReadAreTold(t *testing.T) {
	t.Parallel()
	b := build(t, map[string]string{
		"proto/a.proto": schemaWithOption(`auth: ["nobody"]`, `timeout: {seconds: 2}`),
		"dragoman.yaml": strings.Replace(settings(""), "http_rules: [a.yaml, b.yaml]", "policy_options: ignore", 1) + "services: [{match: \"**\", backend: all}]\n",
	}, nil)
	if b.err != nil {
		t.Fatal(b.err)
	}
	var told []string
	for _, d := range b.doubts {
		if d.Code == "DG2007" {
			told = append(told, d.Message)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "are not read: that of acme.v1.Books, for one") {
		t.Errorf("it is told %q", told)
	}
}
