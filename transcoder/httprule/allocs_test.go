// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// Finding a route and reading its values allocates nothing.
func TestMatchDoesNotAllocate(t *testing.T) { //nolint:paralleltest // it measures
	table := build(t, httprule.Config{TrailingSlash: httprule.TrailingSlashIgnore, RejectDotSegments: true},
		"GET /v1/users/{id}", "POST /v1/users/{id}:cancel", "POST /v1/users/{id}:a:b", "GET /v1/users/me", "GET /v2/{name=shelves/*/books/*}", "GET /v3/{name=**}",
		"PURGE /v1/x%40y/{id}", "* /v4/{id}", "HEAD /v5", "GET /v6/{id}")
	for _, test := range []struct {
		name, kind, path string
		want             httprule.Outcome
	}{
		{"literal", "GET", "/v1/users/me", httprule.Found},
		{"variable", "GET", "/v1/users/1234567", httprule.Found},
		{"backtracking", "POST", "/v1/users/me:cancel", httprule.Found},
		{"verb of two parts", "POST", "/v1/users/x:a:b", httprule.Found},
		{"colon as data", "GET", "/v1/users/urn:x:cancel", httprule.Found},
		{"several segments", "GET", "/v2/shelves/1/books/2", httprule.Found},
		{"rest", "GET", "/v3" + strings.Repeat("/a", 30), httprule.Found},
		{"escapes", "PURGE", "/v1/%78%40y/a%2Fb%20c", httprule.Found},
		{"escaped verb", "POST", "/v1/users/%41:%63ancel", httprule.Found},
		{"any method", "LOCK", "/v4/1", httprule.Found},
		{"derived HEAD", "HEAD", "/v6/1", httprule.Found},
		{"slash at the end", "GET", "/v1/users/me/", httprule.Found},
		{"not found", "GET", "/v9/users", httprule.NotFound},
		{"wrong method", "PUT", "/v1/users/me", httprule.MethodNotAllowed},
		{"bad escape", "GET", "/v1/users/%zz", httprule.BadPath},
	} {
		var m httprule.Match
		value := make([]byte, 0, 128)
		allocs := testing.AllocsPerRun(100, func() {
			if got := table.Match(&m, test.kind, test.path); got != test.want {
				t.Fatalf("%s: %s, want %s", test.name, outcomeName(got), outcomeName(test.want))
			}
			if m.Binding() == nil {
				return
			}
			for i := range m.Binding().Variables {
				value, _ = m.AppendValue(value[:0], i)
				if !strings.Contains(m.Raw(i), "%") {
					if _, err := m.Value(i); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", test.name, allocs)
		}
	}
}
