// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// TestExplainLive: the admin API tells what a request would meet, and what it says is what the request then meets.
func TestExplainLive(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Local = map[string]config.Local{"main": {Health: true}}
	})
	asks := adminv1.NewExplainServiceClient(d.administer(t))
	for _, r := range []struct {
		verb, path, body string
		status           int32
		method, message  string
	}{
		{"GET", "/test/v1/users/7", "", 0, "dragoman.test.v1.BindingService/PreferVariable", ""},
		{"GET", "/test/v1/users/7?no_such=1", "", http.StatusBadRequest, "dragoman.test.v1.BindingService/PreferVariable", `query parameter "no_such" is not a field of`},
		{"GET", "/test/v1/nowhere", "", http.StatusNotFound, "", "no route for GET /test/v1/nowhere"},
		{"PATCH", "/test/v1/nowhere/at/all", "", http.StatusNotFound, "", "no route for PATCH"},
		{"POST", "/grpc.health.v1.Health/Check", "{}", 0, "grpc.health.v1.Health/Check", ""},
	} {
		e, err := asks.Explain(within(t), &adminv1.ExplainRequest{Verb: r.verb, Path: r.path, Body: r.body})
		if err != nil {
			t.Fatalf("%s %s: %v", r.verb, r.path, err)
		}
		if e.GetStatus() != r.status || e.GetMethod() != r.method || !strings.Contains(e.GetMessage(), r.message) || e.GetOk() != (r.status == 0) {
			t.Errorf("%s %s is told as %d %s %q; want %d %s %q", r.verb, r.path, e.GetStatus(), e.GetMethod(), e.GetMessage(), r.status, r.method, r.message)
		}
		if e.GetStatus() != 0 {
			if got := fetch(t, r.verb, "http://"+d.address+r.path); got.status != int(e.GetStatus()) || !strings.Contains(string(got.body), r.message[:10]) {
				t.Errorf("%s %s is answered with %d %.200s; it was told as %d %s", r.verb, r.path, got.status, got.body, e.GetStatus(), e.GetMessage())
			}
		}
	}
	eventually(t, func() error {
		e, err := asks.Explain(within(t), &adminv1.ExplainRequest{Verb: "GET", Path: "/test/v1/users/7"})
		if err != nil {
			return err
		}
		if len(e.GetEndpoints()) != 1 || !strings.Contains(e.GetEndpoints()[0].GetState(), "ready") {
			return status.Errorf(codes.Unavailable, "the endpoints are %v", e.GetEndpoints())
		}
		return nil
	})
	for _, bad := range []*adminv1.ExplainRequest{
		{Verb: "GET", Path: "nowhere"},
		{Verb: "", Path: "/"},
		{Verb: "GET", Path: "/", Headers: []*adminv1.ExplainHeader{{Name: "a b", Value: "c"}}},
	} {
		if _, err := asks.Explain(within(t), bad); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v; want INVALID_ARGUMENT", bad, err)
		}
	}
	code, answer := d.adminJSON(t, http.MethodPost, "/api/v1/explain", `{"verb": "GET", "path": "/test/v1/users/7"}`)
	if code != http.StatusOK || answer["method"] != "dragoman.test.v1.BindingService/PreferVariable" {
		t.Errorf("over REST: %d %v", code, answer)
	}
}
