// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"net/url"
	"testing"
)

// T26, T35: path and query are those that the client sent, byte for byte: nothing is decoded, collapsed, cleaned or put in another
// spelling.
func TestT35TargetIsAsItWasSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ uri, path, query string }{
		{"/v1/a", "/v1/a", ""},
		{"/", "/", ""},
		{"/v1//a///b", "/v1//a///b", ""}, // T26
		{"/v1/../a/./b/", "/v1/../a/./b/", ""},
		{"/v1/%2541/%25/%2f/%2F", "/v1/%2541/%25/%2f/%2F", ""},
		{"/v1/a%2Fb<>|^", "/v1/a%2Fb<>|^", ""}, // net/url would take %2F for a slash here
		{"/v1/%61?a=%2541&b=+", "/v1/%61", "a=%2541&b=+"},
		{"/v1/a?b?c#d", "/v1/a", "b?c#d"},
		{"/v1/a?", "/v1/a", ""},
		{"http://host/v1/a?b", "/v1/a", "b"},
		{"http://host", "/", ""},
		{"http://host?b", "/", "b"},
		{"*", "*", ""},
		{"host:443", "host:443", ""},
	} {
		if path, query := target(test.uri); path != test.path || query != test.query {
			t.Errorf("%s: got %q, %q; want %q, %q", test.uri, path, query, test.path, test.query)
		}
	}
}

// FuzzT35Target: what the exchange hands on agrees with net/url wherever that one keeps the path as it was.
func FuzzT35Target(f *testing.F) {
	for _, seed := range []string{"/a%2Fb", "/a//b?c=d", "/%", "/a%2Fb<", "/ü", "/a?b?c", "//h/a%2f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		u, err := url.ParseRequestURI(uri)
		if err != nil || uri[0] != '/' || u.Host != "" {
			return
		}
		path, query := target(uri)
		if u.EscapedPath() == path || u.Path == path { // the second where bytes stand raw that should not: they are refused later (T38)
			if query != u.RawQuery {
				t.Errorf("%q: got the query %q; net/url has %q", uri, query, u.RawQuery)
			}
			return
		}
		if decoded, err := url.PathUnescape(path); err != nil || decoded != u.Path {
			t.Errorf("%q: got the path %q; net/url has %q", uri, path, u.EscapedPath())
		}
	})
}
