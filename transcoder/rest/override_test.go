// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T46, A7: where it is turned on, a POST can be a PUT, PATCH or DELETE, and nothing else can be anything else. What a policy
// sees, and the route, is the method that is meant.
func TestT46MethodOverride(t *testing.T) {
	t.Parallel()
	mux := newMux(t)
	on, err := rest.New(rest.Configs{Default: rest.Config{MethodOverride: true}}, mux)
	if err != nil {
		t.Fatal(err)
	}
	off, err := rest.New(rest.Configs{}, mux)
	if err != nil {
		t.Fatal(err)
	}
	const field = "x-http-method-override"
	for _, test := range []struct {
		name, method, path string
		header             wire.Header
		want               string // the rule that is called, or part of the error
		wantOff            string
	}{
		{"PUT", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "PUT"}}, "PUT /test/v1/things/{id}", "POST /test/v1/things/{id}"},
		{"DELETE", "POST", "/test/v1/things/7", wire.Header{{Name: "x-a", Value: "1"}, {Name: field, Value: "DELETE"}}, "DELETE /test/v1/things/{id}", "POST /test/v1/things/{id}"},
		{"PATCH", "POST", "/test/v1/users/7", wire.Header{{Name: field, Value: "PATCH"}}, "PATCH /test/v1/users/{id}", "does not take the method"},
		{"a method without a rule", "POST", "/test/v1/body/all", wire.Header{{Name: field, Value: "DELETE"}}, "does not take the method", "POST /test/v1/body/all"},
		{"GET is none", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "GET"}}, "it may be PUT, PATCH or DELETE", "POST /test/v1/things/{id}"},
		{"nor is HEAD", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "HEAD"}}, "it may be PUT, PATCH or DELETE", "POST /test/v1/things/{id}"},
		{"nor CONNECT", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "CONNECT"}}, "it may be PUT", "POST /test/v1/things/{id}"},
		{"nor POST itself", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "POST"}}, "it may be PUT", "POST /test/v1/things/{id}"},
		{"case matters (T34)", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "delete"}}, "it may be PUT", "POST /test/v1/things/{id}"},
		{"nothing", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: ""}}, "it may be PUT", "POST /test/v1/things/{id}"},
		{"twice", "POST", "/test/v1/things/7", wire.Header{{Name: field, Value: "PUT"}, {Name: field, Value: "PUT"}}, "more than once", "POST /test/v1/things/{id}"},
		{"a GET", "GET", "/test/v1/things/7", wire.Header{{Name: field, Value: "DELETE"}}, "only a POST", "GET /test/v1/things/{id}"},
		{"a DELETE", "DELETE", "/test/v1/things/7", wire.Header{{Name: field, Value: "DELETE"}}, "only a POST", "DELETE /test/v1/things/{id}"},
		{"an OPTIONS", "OPTIONS", "/test/v1/things/7", wire.Header{{Name: field, Value: "DELETE"}}, "only a POST", "options"},
		{"another name", "POST", "/test/v1/things/7", wire.Header{{Name: "x-method-override", Value: "DELETE"}}, "POST /test/v1/things/{id}", "POST /test/v1/things/{id}"},
		{"no field", "POST", "/test/v1/things/7", nil, "POST /test/v1/things/{id}", "POST /test/v1/things/{id}"},
		// A parameter or a form of that name is what it always is.
		{"a form", "POST", "/test/v1/things/7", wire.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded"}}, "POST /test/v1/things/{id}", "POST /test/v1/things/{id}"},
	} {
		for _, on := range []struct {
			protocol *rest.Protocol
			want     string
		}{{on, test.want}, {off, test.wantOff}} {
			before := test.header.Get(field)
			r := &transcoder.Request{Method: test.method, Path: test.path, Header: test.header, Major: 1}
			c := transcoder.NewCall(t.Context(), r)
			got := ""
			if _, err := on.protocol.Open(mux, c); err != nil {
				got = err.Error()
			} else {
				got = c.Binding.String()
			}
			if !strings.Contains(got, on.want) {
				t.Errorf("%s: got %s, want %s", test.name, got, on.want)
				continue
			}
			if r.Method != test.method || r.Header.Get(field) != before {
				t.Errorf("%s: the head as it came has changed", test.name)
			}
			overridden := c.Binding != nil && c.Binding.HTTPMethod != test.method
			if overridden && (c.Request.Method != c.Binding.HTTPMethod || c.Request.Header.Has(field)) {
				t.Errorf("%s: policies see %s, %v", test.name, c.Request.Method, c.Request.Header)
			}
			if overridden && (c.Metadata.Has(field) || c.Metadata.Has("x-a") != test.header.Has("x-a")) {
				t.Errorf("%s: the backend is sent %v", test.name, c.Metadata)
			}
		}
	}
}

// T46 through the whole of REST: the backend is called by the method that is meant, and is not told of the field.
func TestT46OverriddenCall(t *testing.T) {
	t.Parallel()
	backend := &answering{}
	r := request(t, "POST", "/canary/v1/admin/7", "", "X-HTTP-Method-Override", "DELETE", "X-Other", "kept")
	if a := serve(t, rest.Config{MethodOverride: true}, backend, r); a.Code != 200 {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	if backend.method != "/dragoman.test.v1.AdminService/Delete" || len(backend.metadata.Get("x-http-method-override")) > 0 || len(backend.metadata.Get("x-other")) != 1 {
		t.Errorf("called %s with %v", backend.method, backend.metadata)
	}
}
