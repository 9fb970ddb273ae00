// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
)

const page = "https://app.example"

// TestT208_Preflight: answered for the method that is asked about, before anything else, and without a call (T44).
func TestT208_Preflight(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Defaults.CORS = &cors.Config{AllowOrigins: []string{page}, AllowHeaders: []string{"authorization"}, AllowCredentials: true}
		cfg.Services[0].Methods = []config.Method{
			{Name: "Put", Policy: config.Policy{CORS: &cors.Config{AllowOrigins: []string{"*"}}}},
		}
	})
	const vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	for _, c := range d.both(t) {
		for _, r := range []struct {
			reason, target, origin, method string
			allowed                        string // Access-Control-Allow-Methods; "" where nothing is allowed
		}{
			{"a route", "/test/v1/things/1", page, "GET", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
			{"another method of its path", "/test/v1/things/1", page, "DELETE", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
			{"a method of a policy of its own", "/test/v1/things/1", "https://other.example", "PUT", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
			{"another page", "/test/v1/things/1", "https://other.example", "GET", ""},
			{"no method of the path", "/test/v1/safe/1", page, "PATCH", ""},
			{"no route", "/nowhere", page, "GET", ""},
			{"an RPC", "/dragoman.test.v1.UserService/Get", page, "POST", "POST"},
			{"an RPC without side effects", "/dragoman.test.v1.EchoService/Echo", page, "GET", "GET, POST"},
			{"an RPC by another method", "/dragoman.test.v1.UserService/Get", page, "GET", ""},
		} {
			none(t, d.arrivals(func() {
				a := c.call(t, "OPTIONS", r.target, "", "origin", r.origin, "access-control-request-method", r.method, "access-control-request-headers", "authorization, content-type")
				if a.status != 204 || a.body != "" || a.header.Get("Vary") != vary || a.header.Get("Access-Control-Allow-Methods") != r.allowed {
					t.Errorf("%s: %s: %d %v; want %q", c.name, r.reason, a.status, a.header, r.allowed)
				}
				origin, headers, credentials := a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Headers"), a.header.Get("Access-Control-Allow-Credentials")
				switch {
				case r.allowed == "":
					if origin != "" || headers != "" || credentials != "" {
						t.Errorf("%s: %s: something is allowed: %v", c.name, r.reason, a.header)
					}
				case r.method == "PUT":
					if origin != "*" || credentials != "" || strings.Contains(headers, "authorization") {
						t.Errorf("%s: %s: %v", c.name, r.reason, a.header)
					}
				default:
					if origin != r.origin || credentials != "true" || a.header.Get("Access-Control-Max-Age") != "7200" {
						t.Errorf("%s: %s: %v", c.name, r.reason, a.header)
					}
					for _, name := range []string{"authorization", "content-type", "grpc-timeout", "x-grpc-web", "x-user-agent", "connect-protocol-version", "connect-timeout-ms"} {
						if !slices.Contains(strings.Split(headers, ", "), name) {
							t.Errorf("%s: %s: %s is not allowed: %s", c.name, r.reason, name, headers)
						}
					}
				}
			}))
		}
		// What is no preflight is not taken for one.
		a := c.call(t, "OPTIONS", "/test/v1/things/1", "", "origin", page)
		if a.status != 204 || a.header.Get("Allow") == "" || a.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: plain OPTIONS: %d %v", c.name, a.status, a.header)
		}
		c.call(t, "OPTIONS", "/test/v1/things/1", "", "origin", page, "access-control-request-method", "GET", "x-request-id", "preflight")
		if r := d.access.await(t, "preflight"); r.Protocol != "cors" || r.Status != 204 {
			t.Errorf("%s: logged as %+v", c.name, r)
		}
	}
}

// TestT208_Answers: answers of every kind tell the browser whether the page may read them, and expose just what they carry.
func TestT208_Answers(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Defaults.CORS = &cors.Config{AllowOrigins: []string{page}, AllowCredentials: true, ExposeHeaders: []string{"x-own"}}
	})
	for _, c := range d.both(t) {
		for _, r := range []struct {
			reason, method, target, body string
			status                       int
		}{
			{"an answer", "GET", "/test/v1/things/1", "", 200},
			{"a refusal", "GET", "/test/v1/things/1?nope=1", "", 400},
			{"no route", "GET", "/nowhere", "", 404},
			{"no such method", "PATCH", "/test/v1/safe/1", "", 405},
			{"an error of the backend", "POST", "/canary/v1/echo", `{"behavior":{"header":[{"key":"x-a","values":["1"]}],"status":{"code":7}}}`, 403},
			{"a stream", "POST", "/canary/v1/stream", `{"behavior":{"messages":2,"header":[{"key":"x-a","values":["1"]}]}}`, 200},
		} {
			a := c.call(t, r.method, r.target, r.body, "origin", page)
			if a.status != r.status || a.header.Get("Access-Control-Allow-Origin") != page || a.header.Get("Access-Control-Allow-Credentials") != "true" || !slices.Contains(a.header.Values("Vary"), "Origin") {
				t.Errorf("%s: %s: %d %v", c.name, r.reason, a.status, a.header)
			}
			exposed := strings.Split(a.header.Get("Access-Control-Expose-Headers"), ", ")
			for name := range a.header {
				lower := strings.ToLower(name)
				hidden := strings.HasPrefix(lower, "access-control-") || slices.Contains([]string{"content-type", "content-length", "cache-control", "vary", "date", "trailer"}, lower)
				if slices.Contains(exposed, lower) == hidden {
					t.Errorf("%s: %s: %s is exposed: %t in %s", c.name, r.reason, lower, !hidden, exposed)
				}
			}
			if !slices.Contains(exposed, "x-own") {
				t.Errorf("%s: %s: x-own is not exposed", c.name, r.reason)
			}
			other := c.call(t, r.method, r.target, r.body, "origin", "https://evil.example")
			if other.status != r.status || other.header.Get("Access-Control-Allow-Origin") != "" || other.header.Get("Access-Control-Expose-Headers") != "" || !slices.Contains(other.header.Values("Vary"), "Origin") {
				t.Errorf("%s: %s: another page: %d %v", c.name, r.reason, other.status, other.header)
			}
		}
	}
	plain := start(t, nil)
	if a := plain.h1(t).call(t, "GET", "/test/v1/things/1", "", "origin", page); a.header.Get("Vary") != "" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without a policy: %v", a.header)
	}
}
