// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

func methodGlob(t testing.TB, s string) config.MethodGlob {
	t.Helper()
	g, err := config.ParseMethodGlob(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// completeLimits are the limits of complete.good.yaml.
func completeLimits(t testing.TB) config.RateLimits {
	t.Helper()
	return config.RateLimits{MaxKeys: 50_000, MaxWebSockets: 20, Announce: true, Gateways: 5, Redis: &redis.Config{
		Addresses: []string{"redis-1:6379", "redis-2:6379"}, Cluster: true, Username: "gateway", Password: "a", Timeout: 3 * time.Millisecond, Prefix: "acme:",
		TLS: &redis.TLS{CA: "redis.pem", ServerName: "redis.internal"},
	}, Rules: []config.LimitRule{
		{
			Name: "per-caller", Match: config.AllMethods(), Key: "auth.tenant+auth.subject || client.address",
			Limit: ratelimit.Rate{Count: 100, Per: time.Second}, Burst: 200,
			Shared: true, Lease: 20, OnError: ratelimit.Refuse,
		},
		{
			Name: "login", Match: methodGlob(t, "acme.users.v1.UserService/Login"), Key: "client.address", Limit: ratelimit.Rate{Count: 5, Per: time.Minute},
			MaxInFlight: 2,
		},
		{
			Name: "uploads", Match: methodGlob(t, "acme.orders.v1.*"), Limit: ratelimit.Rate{Count: 1000, Per: time.Hour}, Messages: true,
			Weights: []config.LimitWeight{{Match: methodGlob(t, "**/Import"), Weight: 20}},
		},
	}}
}

func TestMethodGlobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		glob, service, method string
		want                  bool
	}{
		{"**", "acme.users.v1.UserService", "Get", true},
		{"acme.users.v1.*", "acme.users.v1.UserService", "Get", true},
		{"acme.users.v1.*/*", "acme.users.v1.UserService", "Get", true},
		{"acme.users.v1.*", "acme.users.v2.UserService", "Get", false},
		{"acme.users.v1.UserService/Login", "acme.users.v1.UserService", "Login", true},
		{"acme.users.v1.UserService/Login", "acme.users.v1.UserService", "login", false},
		{"**/Login", "acme.users.v1.UserService", "Login", true},
		{"**/Login", "acme.users.v1.UserService", "LoginAgain", false},
	} {
		if got := methodGlob(t, tt.glob).Match(tt.service, tt.method); got != tt.want {
			t.Errorf("%s matches %s/%s: %t", tt.glob, tt.service, tt.method, got)
		}
	}
	for _, text := range []string{"", "/", "a/", "a/b/c", "a/Get*", "a/**", "/Get", "a b"} {
		if g, err := config.ParseMethodGlob(text); err == nil {
			t.Errorf("%q is %s", text, g)
		}
	}
	if (config.MethodGlob{}).Match("a.B", "C") {
		t.Error("the zero value matches")
	}
}
