// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Threats B1 and A14: what rules do with fields of requests, they do in every protocol, and nobody can say what they say.
func TestThreatB1HeaderRulesOfRequests(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		c.Defaults.Headers.Request = headers.Rules{
			Drop: []string{"x-internal-*"}, Rename: map[string]string{"x-user": "x-old-user"},
			Set: map[string]string{"x-client": "{client.address}", "x-who": "user {auth.subject}"}, Append: map[string]string{"x-hop": "gateway"},
		}
	})
	token := key.Token("ada", map[string]any{"tenant": "t1"})
	for i, w := range ways {
		for _, tt := range []struct {
			who    string
			method string
			fields []string
			want   []string
		}{
			{"nobody", canaryPublic, nil, nil},
			{"ada", canaryUser, []string{"authorization", "Bearer " + token}, []string{"user ada"}},
		} {
			id := fmt.Sprintf("rules-%d-%s", i, tt.who)
			sent := append([]string{"x-internal-role", "admin", "x-user", "u", "x-old-user", "forged", "x-client", "forged", "x-who", "user forged", "x-hop", "client"}, tt.fields...)
			got, made := d.decide(t, w, tt.method, id, sent...)
			if !made {
				continue
			}
			if got.Code != "OK" {
				t.Errorf("%s, %s: %+v", w.name, tt.who, got)
				continue
			}
			seen := d.backend.Last(tt.method)
			for name, want := range map[string][]string{
				"x-internal-role": nil, "x-user": nil, "x-old-user": {"u"}, "x-client": {"127.0.0.1"}, "x-who": tt.want, "x-hop": {"client", "gateway"},
			} {
				if have := metadataOf(seen, name); !slices.Equal(have, want) {
					t.Errorf("%s, %s: the backend has %s %q; want %q", w.name, tt.who, name, have, want)
				}
			}
		}
	}
}

// What rules do with fields of answers, they do in every protocol; what they add is in refusals, too, and in answers to what is nothing.
func TestHeaderRulesOfAnswers(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, func(c *config.Config) {
		users, err := config.ParseGlob("dragoman.test.v1.UserService")
		if err != nil {
			t.Fatal(err)
		}
		c.Auth.Providers = []config.AuthProvider{jwtProvider(t, "mobile", nil, key)}
		c.Services = append([]config.Service{{Match: users, Backend: "test", Policy: config.Policy{Auth: []string{"mobile"}}}}, c.Services...)
		c.Defaults.Headers.Response = headers.Rules{
			Drop: []string{"x-powered-by"}, Rename: map[string]string{"x-a": "x-b"},
			Set: map[string]string{"strict-transport-security": "max-age=1", "x-method": "{method}"}, Append: map[string]string{"x-hop": "gateway"},
		}
	})
	const behavior = `{"behavior":{"header":[{"key":"x-powered-by","values":["php"]},{"key":"x-a","values":["1"]},{"key":"x-b","values":["2"]},{"key":"x-method","values":["own"]},{"key":"x-hop","values":["backend"]}],` +
		`"trailer":[{"key":"x-powered-by","values":["php"]},{"key":"x-a","values":["t"]}]%s}}`
	good := fmt.Sprintf(behavior, "")
	bad := fmt.Sprintf(behavior, `,"status":{"code":9,"message":"no"}`)
	check := func(name string, h http.Header, b ...string) {
		t.Helper()
		for field, want := range map[string][]string{
			"Strict-Transport-Security": {"max-age=1"}, "X-Method": {canaryEcho}, "X-Hop": {"backend", "gateway"}, "X-B": append([]string{"1"}, b...), "X-A": nil, "X-Powered-By": nil,
		} {
			if got := h.Values(field); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q; want %q", name, field, got, want)
			}
		}
	}
	for _, c := range d.both(t) {
		for kind, body := range map[string]string{"good": good, "bad": bad} {
			a := c.do(t, c.request(t, "POST", "/canary/v1/echo", body, "content-type", "application/json"))
			if (a.status == 200) != (kind == "good") {
				t.Fatalf("%s: %d %s", kind, a.status, a.body)
			}
			check("rest, "+c.name+", "+kind, a.header)
			a = c.do(t, c.request(t, "POST", canaryEcho, body, connectJSON()...))
			check("connect, "+c.name+", "+kind, a.header)
			if got := a.header.Values("Trailer-X-B"); !slices.Equal(got, []string{"t"}) || a.header.Get("Trailer-X-A")+a.header.Get("Trailer-X-Powered-By") != "" {
				t.Errorf("connect, %s, %s: the trailers are %v", c.name, kind, a.header)
			}
			m := &testv1.CanaryRequest{Behavior: fromJSON(t, body, &testv1.CanaryRequest{}).GetBehavior()}
			a = c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, marshal(t, m)}.bytes()), web("application/grpc-web+proto")...))
			if kind == "good" {
				check("grpc-web, "+c.name, a.header)
			} else { // the head is the end
				check("grpc-web, "+c.name+", an error", a.header, "t")
			}
			if last := a.body[strings.LastIndex(a.body, "\x80")+1:]; kind == "good" && (!strings.Contains(last, "x-b: t") || strings.Contains(last, "x-a:") || strings.Contains(last, "php")) {
				t.Errorf("grpc-web, %s: the trailers are %q", c.name, last)
			}
		}
		a := c.do(t, c.request(t, "POST", echo+"Stream", string(frame{0, good}.bytes()), connectStream("json")...))
		frames := framesOf(t, []byte(a.body))
		if last := frames[len(frames)-1].data; a.header.Get("X-B") != "1" || a.header.Get("X-A") != "" || last != `{"metadata":{"x-b":["t"]}}` {
			t.Errorf("a stream of Connect: %v %s", a.header, last)
		}
		for target, status := range map[string]int{"/nothing/here": 404, "/canary/v1/users/u": 401} {
			a := c.do(t, c.request(t, "GET", target, ""))
			if a.status != status || a.header.Get("Strict-Transport-Security") != "max-age=1" || a.header.Get("X-Hop") != "gateway" {
				t.Errorf("%s, %s: %d %v", c.name, target, a.status, a.header)
			}
		}
	}
	var header, trailer metadata.MD
	m := fromJSON(t, good, &testv1.CanaryRequest{})
	if err := d.dial(t).Invoke(within(t), canaryEcho, m, &testv1.CanaryResponse{}, grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"strict-transport-security": {"max-age=1"}, "x-method": {canaryEcho}, "x-hop": {"backend", "gateway"}, "x-b": {"1"}, "x-a": nil, "x-powered-by": nil} {
		if got := header.Get(name); !slices.Equal(got, want) {
			t.Errorf("gRPC: %s is %q; want %q", name, got, want)
		}
	}
	if !slices.Equal(trailer.Get("x-b"), []string{"t"}) || len(trailer.Get("x-a"))+len(trailer.Get("x-powered-by")) > 0 {
		t.Errorf("gRPC: the trailers are %v", trailer)
	}
	if _, a, err := d.tryConnect(t, canaryUser, nil); err == nil || a.header.Get("Strict-Transport-Security") != "max-age=1" {
		t.Errorf("a WebSocket that is refused: %v, %v", err, a.header)
	}
}
