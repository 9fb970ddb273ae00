// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// nearest asks about all the templates, each with its HTTP method, as "GET /v1/users".
func nearest(t testing.TB, method, path string, rules ...string) string {
	t.Helper()
	near, best := httprule.NewNear(path), ""
	for _, rule := range rules {
		verb, source, _ := strings.Cut(rule, " ")
		template, err := httprule.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if near.Closer(template, verb == method) {
			best = rule
		}
	}
	return best
}

func TestNear(t *testing.T) {
	t.Parallel()
	rules := []string{
		"GET /v1/users/{id}", "POST /v1/users", "GET /v1/users", "GET /v1/users/{id}/avatar", "POST /v1/users/{id}:cancel",
		"GET /v1/files/{path=**}", "GET /v1/{a}/{b}/{c}/{d}", "DELETE /healthz",
	}
	for _, row := range []struct{ reason, method, path, want string }{
		{"a letter is missing", "GET", "/v1/user/42", "GET /v1/users/{id}"},
		{"a letter is wrong in the last literal", "GET", "/v1/users/42/avatbr", "GET /v1/users/{id}/avatar"},
		{"of two that are as near, that of the same HTTP method", "POST", "/v1/userz", "POST /v1/users"},
		{"and of the other one", "GET", "/v1/userz", "GET /v1/users"},
		{"an HTTP method is less than what stands in the path", "GET", "/healtz", "DELETE /healthz"},
		{"a verb is compared with verbs", "POST", "/v1/users/42:cancle", "POST /v1/users/{id}:cancel"},
		{"a variable takes a colon, too", "GET", "/v1/usrs/4:2", "GET /v1/users/{id}"},
		{"a variable is missing", "GET", "/v1/users//avatar", "GET /v1/users/{id}/avatar"},
		{"** takes all there is", "GET", "/v1/fils/a/b/c/d", "GET /v1/files/{path=**}"},
		{"another version", "GET", "/v2/users/7", "GET /v1/users/{id}"},
		{"a literal that agrees is nearer than a variable", "GET", "/v1x/users/7/avatar", "GET /v1/users/{id}/avatar"},
		{"percent-encoding is read", "GET", "/v1/%75ser/42", "GET /v1/users/{id}"},
		{"nothing is like it", "GET", "/nowhere", ""},
		{"nothing is like it but what ** takes", "GET", "/entirely/different/from/what/there/is", ""},
		{"nothing at all", "GET", "/", ""},
		{"too long", "GET", "/v1/user/" + strings.Repeat("4", 600), ""},
		{"too many segments", "GET", "/v1/fils" + strings.Repeat("/a", 40), ""},
	} {
		if got := nearest(t, row.method, row.path, rules...); got != row.want {
			t.Errorf("%s: %s %s is nearest to %q; want %q", row.reason, row.method, row.path, got, row.want)
		}
	}
	if got := nearest(t, "GET", "/v1/users"); got != "" {
		t.Errorf("of no route at all, %q", got)
	}
}

// TestNearNames: paths that are names of methods, which have no variables.
func TestNearNames(t *testing.T) {
	t.Parallel()
	near := httprule.NewNear("/acme.users.v1.UserService/GetUsr")
	for _, row := range []struct {
		path string
		want bool
	}{
		{"/acme.orders.v1.OrderService/GetOrder", true}, // the first one
		{"/acme.users.v1.UserService/GetUser", true},
		{"/acme.users.v1.UserService/ListUsers", false},
		{"/acme.users.v1.UserService/GetUse", false}, // as near as the one before: that stays
	} {
		if got := near.CloserName(row.path); got != row.want {
			t.Errorf("%s is nearer: %t; want %t", row.path, got, row.want)
		}
	}
}

// TestNearEnds: what is asked about many long templates takes a bounded time, and what was found before that holds.
func TestNearEnds(t *testing.T) {
	t.Parallel()
	path := "/v1" + strings.Repeat("/abcdefghijkl", 31)
	near := httprule.NewNear(path)
	first, err := httprule.Parse(path + "x")
	if err != nil || !near.Closer(first, true) {
		t.Fatalf("the first is not near: %v", err)
	}
	began := time.Now()
	for i := range 20_000 {
		other, err := httprule.Parse(path[:len(path)-9] + fmt.Sprintf("/%d-%s", i, strings.Repeat("z", 40)))
		if err != nil {
			t.Fatal(err)
		}
		if near.Closer(other, true) {
			t.Fatalf("the template %d is nearer", i)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if exact, err := httprule.Parse(path); err != nil || near.Closer(exact, true) {
		t.Errorf("it goes on when all steps are used up: %v", err)
	}
}
