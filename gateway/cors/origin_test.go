// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"strings"
	"testing"
)

// T208, F1: which origins a list lets in, and no others.
func TestT208_Origins(t *testing.T) {
	t.Parallel()
	p, err := New(Config{AllowOrigins: []string{
		"https://app.example", "https://*.wild.example", "http://localhost:*", "https://port.example:8443", "https://*.any.example:*", "https://[2001:db8::1]:9000",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		origin string
		want   bool
		reason string
	}{
		{"https://app.example", true, "as listed"},
		{"http://app.example", false, "another scheme"},
		{"https://app.example:8443", false, "another port"},
		{"https://evil-app.example", false, "only ends like it"},
		{"https://app.example.evil", false, "only begins like it"},
		{"https://a.app.example", false, "a host below one that is listed alone"},
		{"https://APP.example", false, "browsers write lower case"},
		{"https://a.wild.example", true, "a host below"},
		{"https://a.b.wild.example", true, "two parts below"},
		{"https://wild.example", false, "the domain itself"},
		{"https://.wild.example", false, "an empty part"},
		{"https://evilwild.example", false, "no dot before it"},
		{"http://localhost", true, "any port, none among them"},
		{"http://localhost:3000", true, "any port"},
		{"http://localhost.evil:3000", false, "not that host"},
		{"https://port.example:8443", true, "with its port"},
		{"https://port.example", false, "without its port"},
		{"https://x.any.example:1", true, "any host and port"},
		{"https://[2001:db8::1]:9000", true, "IPv6"},
		{"https://[2001:db8::1]", false, "IPv6 without its port"},
		{"null", false, "a sandboxed page"},
		{"", false, "nothing"},
		{"https://", false, "no host"},
		{"https://app.example/", false, "a path"},
		{"https://user@app.example", false, "a user"},
		{"https://app.example, https://evil.example", false, "two"},
		{"https://" + strings.Repeat("a.", 200) + "wild.example", false, "longer than any host"},
	} {
		if got := p.allows(r.origin); got != r.want {
			t.Errorf("%s: %q: %t", r.reason, r.origin, got)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "allow_origins is empty"},
		{Config{AllowOrigins: []string{"*"}, AllowCredentials: true}, "cannot be had with *"},
		{Config{AllowOrigins: []string{"*", "https://a.example"}}, "stands alone"},
		{Config{AllowOrigins: []string{"null"}}, "sandboxed"},
		{Config{AllowOrigins: []string{"ftp://a.example"}}, "https or http"},
		{Config{AllowOrigins: []string{"https://*.example"}}, "whole domain"},
		{Config{AllowOrigins: []string{"https://*"}}, "lower case"},
		{Config{AllowOrigins: []string{"https://a*.example"}}, "lower case"},
		{Config{AllowOrigins: []string{"https://a..example"}}, "empty part"},
		{Config{AllowOrigins: []string{"https://a.example:0"}}, "1 to 65535"},
		{Config{AllowOrigins: []string{"https://a.example:080"}}, "1 to 65535"},
		{Config{AllowOrigins: []string{"http://localhost:80"}}, "own port"},
		{Config{AllowOrigins: []string{"http://a.example"}}, "anybody on the way"},
		{Config{AllowOrigins: []string{"https://[::1%25lo]"}}, "IPv6"},
		{Config{AllowOrigins: []string{"https://[0:0::1]"}}, "IPv6"},
		{Config{AllowOrigins: []string{"https://a.example"}, MaxAge: -1}, "max_age"},
		{Config{AllowOrigins: []string{"https://a.example"}, AllowHeaders: []string{"Authorization"}}, "lower-case"},
		{Config{AllowOrigins: []string{"https://a.example"}, ExposeHeaders: []string{"*"}}, "lower-case"},
	} {
		if _, err := New(r.cfg); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%+v: %v; want %q", r.cfg, err, r.want)
		}
	}
	for _, good := range []Config{
		{AllowOrigins: []string{"http://127.0.0.1:8080", "http://[::1]:*", "http://app.localhost"}},
		{AllowOrigins: []string{"http://10.0.0.1"}, DangerouslyAllowHTTP: true},
		{AllowOrigins: []string{"*"}},
	} {
		if _, err := New(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

// FuzzOrigin: nothing that a client sends is taken for an origin that is not listed.
func FuzzOrigin(f *testing.F) {
	p, err := New(Config{AllowOrigins: []string{"https://app.example", "https://*.wild.example"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("https://app.example")
	f.Add("https://a.wild.example")
	f.Add("https://a.wild.example:1")
	f.Fuzz(func(t *testing.T, s string) {
		if !p.allows(s) || s == "https://app.example" {
			return
		}
		if !strings.HasPrefix(s, "https://") || !strings.HasSuffix(s, ".wild.example") || strings.Count(s, "://") != 1 {
			t.Errorf("%q is let in", s)
		}
	})
}
