// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
)

// credential is what a client may show, and what is decided of it by a method that asks who calls.
type credential struct {
	name   string
	fields []string
	want   decision
}

// credentials are those of the matrix, for a key that is known.
func credentials(t *testing.T, key *jwttest.Key) []credential {
	t.Helper()
	stranger := jwttest.NewKey(t, key.ID, key.Algorithm)
	tenant := map[string]any{"tenant": "t1"}
	bearer := func(token string) []string { return []string{"authorization", "Bearer " + token} }
	// The log names the provider that refused what there was.
	refused := func(reason string) decision { return decision{Code: "UNAUTHENTICATED", Reason: reason, Auth: "mobile"} }
	admitted := func(subject, tenant string) decision {
		return decision{Code: "OK", Reason: "ok", Auth: "mobile", Subject: subject, Tenant: tenant, Arrived: 1, UserID: []string{subject}, TenantID: []string{tenant}}
	}
	return []credential{
		{"none", nil, decision{Code: "UNAUTHENTICATED", Reason: "unauthenticated"}},
		{"bad", bearer(stranger.Token("alice", tenant)), refused("token_invalid")},
		{"garbage", bearer("x"), refused("token_invalid")},
		{"expired", bearer(key.Token("alice", map[string]any{"tenant": "t1", "exp": 1})), refused("token_expired")},
		{"another issuer", bearer(key.Token("alice", map[string]any{"tenant": "t1", "iss": "evil"})), refused("token_untrusted")},
		{"another audience", bearer(key.Token("alice", map[string]any{"tenant": "t1", "aud": "other"})), refused("token_invalid")},
		{"good", bearer(key.Token("alice", tenant)), admitted("alice", "t1")},
		{"another tenant", bearer(key.Token("alice", map[string]any{"tenant": "t2"})), admitted("alice", "t2")},
		{"another caller", bearer(key.Token("eve", tenant)), admitted("eve", "t1")},
	}
}

// ofTheProtocol are the fields of a line of the access log that say how the call was made and how long it took; all others are the same for every protocol.
var ofTheProtocol = []string{
	"time", "request_id", "protocol", "listener", "method", "path", "route", "http_status", "duration_ms", "gateway_ms", "backend_ms", "ttfb_ms",
	"bytes_in", "bytes_out", "messages_in", "messages_out", "user_agent",
}

// logged is the line of a call, less those fields.
func (d *dragoman) logged(t *testing.T, id string) map[string]any {
	t.Helper()
	d.access.await(t, id)
	for line := range strings.Lines(d.access.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["request_id"] == id {
			for _, name := range ofTheProtocol {
				delete(fields, name)
			}
			return fields
		}
	}
	t.Fatalf("the line of %s has gone", id)
	return nil
}

// Threat A14: protocols × credentials × methods: the same call gets the same decision by every protocol, is counted by the same keys, and says the same
// in the log; what is refused does not arrive.
func TestThreatA14DecisionsAreTheSameInEveryProtocol(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	s := limited(t, 1_000_000)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		limitBy(t, s, patience/4,
			config.LimitRule{Name: "address", Match: config.AllMethods(), Key: "client.address+method", Limit: perDay(1)},
			config.LimitRule{Name: "caller", Match: config.AllMethods(), Key: "auth.subject+auth.tenant+service", Limit: perDay(1)},
		)(c)
	})
	d.lastLine(t, storeIsAsked, storeIsGone)
	calls := 0
	for _, cred := range credentials(t, key) {
		for _, method := range []string{canaryPublic, canaryUser, canaryAdmin, canaryEcho, canaryStream, canaryConverse} {
			service, name, _ := strings.Cut(method[1:], "/")
			want := cred.want
			if method == canaryPublic { // whatever credentials are there, nobody looks at them, and they pass
				want = decision{Code: "OK", Reason: "ok", Arrived: 1}
				if len(cred.fields) > 0 {
					want.Credentials = cred.fields[1:]
				}
			}
			want.RPC = name
			keys := []string{"rule=address client.address=127.0.0.1 method=" + method}
			if want.Subject != "" {
				keys = append(keys, fmt.Sprintf("rule=caller auth.subject=%s auth.tenant=%s service=%s", want.Subject, want.Tenant, service))
			} else if want.Code == "OK" {
				keys = append(keys, "rule=caller")
			}
			var first map[string]any
			for _, w := range ways {
				calls++
				id := fmt.Sprintf("call-%d", calls)
				got, made := d.decide(t, w, method, id, cred.fields...)
				if !made {
					continue
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s with credentials %q to %s:\n got %+v\nwant %+v", w.name, cred.name, method, got, want)
				}
				if asked := s.take(); !slices.Equal(asked, keys) {
					t.Errorf("%s with credentials %q to %s is counted by %q; want %q", w.name, cred.name, method, asked, keys)
				}
				fields := d.logged(t, id)
				if first == nil {
					first = fields
				}
				if diff := cmp.Diff(first, fields); diff != "" {
					t.Errorf("%s with credentials %q to %s: the log (-%s +it):\n%s", w.name, cred.name, method, ways[0].name, diff)
				}
			}
			if first["service"] != service || first["rpc"] != name || first["client_ip"] != "127.0.0.1" {
				t.Errorf("credentials %q to %s: the log says %v", cred.name, method, first)
			}
		}
	}
	if log := d.access.String() + d.log.String(); strings.Contains(log, "eyJ") { // I7, C20
		t.Error("a token is in a log")
	}
}
