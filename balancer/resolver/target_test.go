// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target    string
		authority string
		static    []string // empty: DNS
		names     []string
	}{
		{target: "books.example:50051", authority: "books.example:50051"},
		{target: "localhost:50051", authority: "localhost:50051"},
		{target: "dns:///books.example:50051", authority: "books.example:50051"},
		{target: "dns:books.example:50051", authority: "books.example:50051"},
		{target: "dns://10.0.0.53:5353/books.example:50051", authority: "books.example:50051"},
		{target: "dns://10.0.0.53/books.example:50051", authority: "books.example:50051"},
		{target: "dns://[fd00::53]:53/books.example:50051", authority: "books.example:50051"},
		{target: "10.0.0.1:50051", authority: "10.0.0.1:50051", static: []string{"10.0.0.1:50051"}, names: []string{""}},
		{target: "[fd00::1]:50051", authority: "[fd00::1]:50051", static: []string{"[fd00::1]:50051"}, names: []string{""}},
		{target: "static:///a:1,b:2", authority: "a:1", static: []string{"a:1", "b:2"}, names: []string{"a:1", "b:2"}},
		{target: "static:///a:1", authority: "a:1", static: []string{"a:1"}, names: []string{""}},
		{target: "unix:/run/a.sock", authority: "localhost", static: []string{"unix:/run/a.sock"}, names: []string{""}},
		{target: "unix:///run/a.sock", authority: "localhost", static: []string{"unix:/run/a.sock"}, names: []string{""}},
	} {
		t.Run(tt.target, func(t *testing.T) {
			t.Parallel()
			s, err := resolver.ParseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != tt.target || s.Authority != tt.authority {
				t.Errorf("name %q, authority %q; want %q, %q", s.Name, s.Authority, tt.target, tt.authority)
			}
			if tt.static == nil {
				if s.Lookup == nil || s.Watch != nil {
					t.Errorf("got %+v, want a source that is asked", s)
				}
				return
			}
			var got, names []string
			ctx, stop := cancelled(t)
			_ = s.Watch.Watch(ctx, func(es []endpoint.Endpoint, _ error) {
				for _, e := range es {
					got, names = append(got, e.Address()), append(names, e.ServerName())
				}
				stop()
			})
			if !cmp.Equal(got, tt.static) || !cmp.Equal(names, tt.names) {
				t.Errorf("endpoints %q of names %q, want %q of %q", got, names, tt.static, tt.names)
			}
		})
	}
}

func TestParseTargetRefuses(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"":                            "a target is \"host:port\"",
		"books":                       "a target is \"host:port\"",
		"xds:///books":                "scheme \"xds\" is not known",
		"zookeeper://x/books":         "static:///a:1,b:2",
		"dns:///books":                "must state a port",
		"dns://books:80":              "after \"dns://\"",
		"dns:///books:http":           "1 to 65535",
		"dns:///books:0":              "1 to 65535",
		"dns://s:99999/books:80":      "server is",
		"dns:///bo/oks:80":            "host is \"bo/oks\"",
		"static:///":                  "address is \"\"",
		"static:///a:1,a:1":           "is listed twice",
		"static:///a":                 "host:port",
		"static://a:1":                "name or an IP",
		"unix://run/a":                "absolute path",
		"10.0.0.1:0":                  "1 to 65535",
		"https://books.example:443/x": "scheme \"https\" is not known",
	} {
		s, err := resolver.ParseTarget(target)
		if err == nil {
			t.Errorf("%q: got %+v", target, s)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), target) {
			t.Errorf("%q: error %q does not say %q and the target", target, err, want)
		}
	}
}

func TestParseTargetOfRegistries(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	path := filepath.Join(t.TempDir(), "books.yaml")
	write(t, path, "- a:1")
	for _, tt := range []struct{ target, authority, err string }{
		{"file://" + path, "", ""},
		{"file:books.yaml", "", "an absolute path"},
		{"consul:///books", "books", ""},
		{"consul://10.0.0.8:8500/books?tag=a&tag=b&dc=dc1&ns=n", "books", ""},
		{"consul://10.0.0.8:8500", "", "consul:///service"},
		{"consul:books", "", "consul:///service"},
		{"consul:///books/v2", "", "consul:///service"},
		{"consul:///books?token=x", "", `parameter "token" is not known`},
		// Outside of a pod its secrets are not there.
		{"kubernetes:///books.shop:grpc", "", "ca.crt"},
		{"kubernetes:///Books.shop:grpc", "", `service is "Books"`},
		{"kubernetes:books", "", "kubernetes:///service.namespace:port"},
	} {
		s, err := resolver.ParseTarget(tt.target)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v does not say %q", tt.target, err, tt.err)
			}
			continue
		}
		if err != nil || s.Watch == nil || s.Name != tt.target || s.Authority != tt.authority {
			t.Errorf("%s: %+v, %v", tt.target, s, err)
		}
	}
}
