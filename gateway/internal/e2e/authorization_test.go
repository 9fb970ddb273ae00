// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// permit is a rule of authorisation for some methods.
func permit(t testing.TB, name, match, allow string) config.AuthorizationRule {
	t.Helper()
	return config.AuthorizationRule{Name: name, Match: methodGlob(t, match), Allow: allow}
}

// authorized is a configuration in which callers may have a token, and rules decide.
func authorized(t testing.TB, key *jwttest.Key, rules ...config.AuthorizationRule) func(*config.Config) {
	t.Helper()
	return func(c *config.Config) {
		c.Auth.Providers = append(c.Auth.Providers, jwtProvider(t, "mobile", func(j *jwt.Config) { j.Claims.Tenant = "" }, key))
		c.Defaults.Auth = []string{"mobile", config.Everybody}
		c.Authorization.Rules = append(c.Authorization.Rules, rules...)
	}
}

func bearer(token string) []string { return []string{"authorization", "Bearer " + token} }

// Threat A14: who may call what is decided alike in every protocol, by the claims of a token; what is refused does not arrive, and the log says by
// which rule.
func TestThreatA14AuthorizationIsTheSameInEveryProtocol(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	admins := permit(t, "admins", "dragoman.test.v1.AdminService/Delete", "'admin' in auth.claims.roles")
	admins.Message = "only admins can delete"
	d := start(t, authorized(t, key, admins, permit(t, "everybody", "**", "client.ip.startsWith('127.') && protocol != 'none'")))
	who := func(claims map[string]any) []string { return bearer(key.Token("alice", claims)) }
	refused := decision{Code: "PERMISSION_DENIED", Reason: "permission_denied", Auth: "mobile", Subject: "alice"}
	granted := decision{Code: "OK", Reason: "ok", Auth: "mobile", Subject: "alice", Arrived: 1, UserID: []string{"alice"}}
	calls := 0
	for _, row := range []struct {
		name   string
		fields []string
		admin  decision
	}{
		{"nobody", nil, decision{Code: "UNAUTHENTICATED", Reason: "unauthenticated"}},
		{"no roles", who(nil), refused},
		{"another role", who(map[string]any{"roles": []any{"dev"}}), refused},
		{"a part of the role", who(map[string]any{"roles": "administrator"}), refused},
		{"roles that are no list", who(map[string]any{"roles": map[string]any{"admin2": true}}), refused},
		{"the role", who(map[string]any{"roles": []any{"dev", "admin"}}), granted},
	} {
		for _, method := range []string{canaryAdmin, canaryEcho} {
			want := row.admin
			if method == canaryEcho {
				if want = granted; row.fields == nil {
					want = decision{Code: "OK", Reason: "ok", Arrived: 1}
				}
			}
			want.RPC = method[strings.LastIndexByte(method, '/')+1:]
			for _, w := range ways {
				calls++
				id := fmt.Sprintf("allow-%d", calls)
				got, made := d.decide(t, w, method, id, row.fields...)
				if !made {
					continue
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s by %s to %s:\n got %+v\nwant %+v", row.name, w.name, method, got, want)
				}
				rule := "admins"
				if want.Arrived > 0 {
					rule = ""
				}
				if r := d.access.await(t, id); r.Rule != rule {
					t.Errorf("%s by %s: the log names the rule %q; want %q", row.name, w.name, r.Rule, rule)
				}
			}
		}
	}
}

// messageWays are ways to call a method with a message that names a user, in every protocol and form.
var messageWays = []struct {
	name string
	call func(t *testing.T, d *dragoman, user string, fields ...string)
}{
	{"grpc", func(t *testing.T, d *dragoman, user string, fields ...string) {
		_ = d.dial(t).Invoke(metadata.AppendToOutgoingContext(within(t), fields...), canaryUser, &testv1.CanaryRequest{UserId: user}, &testv1.CanaryResponse{}) // the log has the outcome
	}},
	{"grpc, compressed", func(t *testing.T, d *dragoman, user string, fields ...string) {
		_ = d.dial(t).Invoke(metadata.AppendToOutgoingContext(within(t), fields...), canaryUser, &testv1.CanaryRequest{UserId: user}, &testv1.CanaryResponse{}, grpc.UseCompressor(gzip.Name)) // as above
	}},
	{"grpc-web", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h1(t)
		c.do(t, c.request(t, "POST", canaryUser, string(frame{0, marshal(t, &testv1.CanaryRequest{UserId: user})}.bytes()), web("application/grpc-web+proto", fields...)...))
	}},
	{"connect", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h2(t)
		c.do(t, c.request(t, "POST", canaryUser, fmt.Sprintf(`{"user_id":%q}`, user), connectJSON(fields...)...))
	}},
	{"connect, bytes", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h1(t)
		c.do(t, c.request(t, "POST", canaryUser, marshal(t, &testv1.CanaryRequest{UserId: user}), append([]string{"content-type", "application/proto", "connect-protocol-version", "1"}, fields...)...))
	}},
	{"rest, the path", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h1(t)
		c.do(t, c.request(t, "GET", "/canary/v1/users/"+url.PathEscape(user), "", fields...))
	}},
	{"rest, path and body", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h2(t)
		c.do(t, c.request(t, "POST", "/canary/v1/users/"+url.PathEscape(user), `{"text":"x"}`, append([]string{"content-type", "application/json"}, fields...)...))
	}},
	{"rest over HTTP/3", func(t *testing.T, d *dragoman, user string, fields ...string) {
		c := d.h3(t)
		c.do(t, c.request(t, "GET", "/canary/v1/users/"+url.PathEscape(user), "", fields...))
	}},
	{"websocket", func(t *testing.T, d *dragoman, user string, fields ...string) {
		k, _, err := d.tryConnect(t, canaryUser, nil, fields...)
		if err != nil {
			return
		}
		k.send(fmt.Sprintf(`{"userId":%q}`, user))
		_, _, _ = k.conn.Read(k.ctx) // the answer, or the end
		_, _, _ = k.conn.Read(k.ctx)
	}},
}

// Threats A9 and A14: what a request says is read as the backend reads it, whatever it was made of, and decided alike in every protocol.
func TestThreatA9RulesSeeTheRequestThatTheBackendGets(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, authorized(t, key, permit(t, "own", "dragoman.test.v1.UserService/*", "request.user_id == auth.subject || 'support' in auth.claims.roles")))
	alice := bearer(key.Token("alice", nil))
	support := bearer(key.Token("sue", map[string]any{"roles": []any{"support"}}))
	calls := 0
	for _, row := range []struct {
		name, user string
		fields     []string
		want       string
	}{
		{"one's own", "alice", alice, "OK"},
		{"another's", "bob", alice, "PERMISSION_DENIED"},
		{"another's with a part of the name", "alice/", alice, "PERMISSION_DENIED"},
		{"another's, by support", "bob", support, "OK"},
		{"nobody's own", "alice", nil, "UNAUTHENTICATED"},
	} {
		for _, w := range messageWays {
			calls++
			id := fmt.Sprintf("own-%d", calls)
			before := d.backend.Counts(canaryUser).Arrived
			w.call(t, d, row.user, append([]string{"x-request-id", id}, row.fields...)...)
			r, arrived := d.access.await(t, id), d.backend.Counts(canaryUser).Arrived-before
			if want := map[bool]int{true: 1}[row.want == "OK"]; r.Code != row.want || arrived != want {
				t.Errorf("%s by %s: %s, %s, and %d arrived; want %s", row.name, w.name, r.Code, r.Reason, arrived, row.want)
			}
		}
	}
	// A second value for a field that the path has is no way around.
	c := d.h1(t)
	before := d.backend.Counts(canaryUser).Arrived
	for _, path := range []string{"/canary/v1/users/bob?user_id=alice", "/canary/v1/users/bob?userId=alice", "/canary/v1/users/alice?user_id=bob"} {
		if a := c.do(t, c.request(t, "GET", path, "", alice...)); a.status != 400 {
			t.Errorf("%s: %d, %s", path, a.status, a.body)
		}
	}
	if arrived := d.backend.Counts(canaryUser).Arrived - before; arrived != 0 {
		t.Errorf("%d calls arrived that name two users", arrived)
	}
}

// Every message of a client's stream is held to the rules, over gRPC and WebSocket; what was refused does not reach the backend.
func TestEveryMessageOfAStreamIsAuthorized(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, authorized(t, key, permit(t, "own", "dragoman.test.v1.EchoService/Converse", "request.user_id == auth.subject")))
	fields := bearer(key.Token("alice", nil))
	t.Run("grpc", func(t *testing.T) {
		ctx := metadata.AppendToOutgoingContext(within(t), fields...)
		s, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i, user := range []string{"alice", "alice", "bob", "alice"} {
			if err = s.Send(&testv1.CanaryRequest{UserId: user}); err == nil {
				_, err = s.Recv()
			}
			if i < 2 && err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			if i >= 2 && err == nil {
				t.Fatalf("message %d is answered", i)
			}
		}
		if _, err := s.Recv(); grpcstatus.Code(err) != codes.PermissionDenied {
			t.Errorf("the stream ends with %v", err)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		k, _, err := d.tryConnect(t, echo+"Converse", nil, append([]string{"x-request-id", "converse-ws"}, fields...)...)
		if err != nil {
			t.Fatal(err)
		}
		k.send(`{"userId":"alice"}`)
		k.next(ws.MessageText)
		k.send(`{"userId":"bob"}`)
		for err == nil {
			_, _, err = k.conn.Read(k.ctx)
		}
		if r := d.access.await(t, "converse-ws"); r.Code != "PERMISSION_DENIED" || r.Rule != "own" {
			t.Errorf("the log has %+v", r)
		}
	})
}

// What refusals say in each protocol; a page of text is for people, the reason for programs.
func TestRefusalsOfAuthorization(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	admins := permit(t, "admins", "**", "'admin' in auth.claims.roles")
	admins.Message = "only admins can do that"
	d := start(t, authorized(t, key, admins))
	c := d.h1(t)
	a := c.do(t, c.request(t, "GET", "/canary/v1/echo", "", bearer(key.Token("alice", nil))...))
	if a.status != 403 || a.header.Get("X-Dragoman-Reason") != "permission_denied" || !strings.Contains(a.body, "only admins can do that") ||
		!strings.Contains(a.body, `"PERMISSION_DENIED"`) || !strings.Contains(a.body, `"rule":"admins"`) {
		t.Errorf("rest: %d, %v, %s", a.status, a.header, a.body)
	}
	a = c.do(t, c.request(t, "GET", "/canary/v1/echo", ""))
	if a.status != 401 || !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Bearer") {
		t.Errorf("rest, nobody: %d, %v, %s", a.status, a.header, a.body)
	}
	a = c.do(t, c.request(t, "POST", canaryEcho, "{}", connectJSON(bearer(key.Token("alice", nil))...)...))
	if a.status != 403 || !strings.Contains(a.body, `"permission_denied"`) || !strings.Contains(a.body, "only admins can do that") {
		t.Errorf("connect: %d, %s", a.status, a.body)
	}
	err := d.dial(t).Invoke(metadata.AppendToOutgoingContext(within(t), bearer(key.Token("alice", nil))...), canaryEcho, &testv1.CanaryRequest{}, &testv1.CanaryResponse{})
	if st := grpcstatus.Convert(err); st.Code() != codes.PermissionDenied || st.Message() != "only admins can do that" {
		t.Errorf("grpc: %v", err)
	}
}

// A trial refuses nothing, and the log names the rule; where no rule is for a method, the default counts.
func TestTrialsAndDefaultsOfAuthorization(t *testing.T) {
	t.Parallel()
	trial := permit(t, "trial", "dragoman.test.v1.EchoService/*", "request.text == 'x'")
	trial.DryRun = true
	d := start(t, func(c *config.Config) {
		c.Authorization = config.Authorization{Deny: true, Rules: []config.AuthorizationRule{trial}}
	})
	for i, w := range ways {
		id := fmt.Sprintf("trial-%d", i)
		got, made := d.decide(t, w, canaryEcho, id)
		if want := (decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}); !made || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v; want %+v", w.name, got, want)
		}
		if r := d.access.await(t, id); r.DryRun != "trial" || r.Rule != "" {
			t.Errorf("%s: the log names the rule %q, and %q on trial", w.name, r.Rule, r.DryRun)
		}
		id = fmt.Sprintf("default-%d", i)
		got, made = d.decide(t, w, canaryAdmin, id)
		if want := (decision{Code: "PERMISSION_DENIED", Reason: "permission_denied", RPC: "Delete"}); made && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s, by default: %+v; want %+v", w.name, got, want)
		}
	}
}
