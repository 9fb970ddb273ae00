// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// T70: a form is a body of another type than JSON. Even where such bodies are taken, it is read as JSON and is never a query.
func TestT70FormsAreNoQueries(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name         string
		cfg          rest.Config
		target, body string
		status       int
	}{
		{"strict", rest.Config{}, "/test/v1/body/all", "id=1", 415},
		{"strict, no body in the rule", rest.Config{}, "/test/v1/body/none", "id=1", 400},
		{"any type", rest.Config{AnyContentType: true}, "/test/v1/body/all", "id=1", 400},
		{"any type, JSON in it", rest.Config{AnyContentType: true}, "/test/v1/body/all", `{"id":"1"}`, 200},
		{"ignored", rest.Config{Bind: bind.Config{IgnoreUnboundBody: true}}, "/test/v1/body/none", "id=1", 200},
	} {
		backend := &answering{}
		a := serve(t, test.cfg, backend, request(t, "POST", test.target, test.body, "content-type", form))
		if a.Code != test.status || (backend.method != "") != (test.status == 200) {
			t.Errorf("%s: %d, called %q: %s", test.name, a.Code, backend.method, a.Body)
		}
		if test.name == "ignored" && backend.request != "" {
			t.Errorf("%s: the backend was sent %q", test.name, backend.request)
		}
	}
}
