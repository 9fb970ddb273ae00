// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package headers_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// fields are pairs of names and values.
func fields(pairs ...string) wire.Header {
	var h wire.Header
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// callOf is a call of somebody.
func callOf(subject string) *transcoder.Call {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{Listener: "public"})
	c.Method, c.Protocol, c.RequestID, c.Client = transcoder.BareMethod("/a.B/C", false, false), "rest", "id", netip.MustParseAddr("192.0.2.7")
	if subject != "" {
		c.Identity = &transcoder.Identity{Provider: "p", Subject: subject, Tenant: "t", Claims: map[string]any{
			"level": json.Number("3"), "ok": true, "list": []any{"a"}, "evil": "a\r\nx-admin: 1",
		}}
	}
	return c
}

func TestRulesOnTheWayToTheBackend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason  string
		rules   headers.Rules
		subject string
		came    wire.Header
		want    wire.Header
	}{
		{"dropped, by name and by prefix", headers.Rules{Drop: []string{"x-a", "x-in-*"}}, "", fields("x-a", "1", "x-ab", "2", "x-in-x", "3", "x-a", "4"), fields("x-ab", "2")},
		{"renamed, all values", headers.Rules{Rename: map[string]string{"x-a": "x-b"}}, "", fields("x-a", "1", "x-c", "2", "x-a", "3"), fields("x-b", "1", "x-c", "2", "x-b", "3")},
		{"what came under the new name does not pass", headers.Rules{Rename: map[string]string{"x-a": "x-b"}}, "", fields("x-b", "forged", "x-a", "1"), fields("x-b", "1")},
		{"nor alone", headers.Rules{Rename: map[string]string{"x-a": "x-b"}}, "", fields("x-b", "forged"), wire.Header{}},
		{"dropped before renamed", headers.Rules{Drop: []string{"x-a"}, Rename: map[string]string{"x-a": "x-b"}}, "", fields("x-a", "1"), wire.Header{}},
		{"renamed before set", headers.Rules{Rename: map[string]string{"x-a": "x-b"}, Set: map[string]string{"x-b": "own"}}, "", fields("x-a", "1"), fields("x-b", "own")},
		{"set, whatever came", headers.Rules{Set: map[string]string{"x-a": "own"}}, "", fields("x-a", "1", "x-a", "2"), fields("x-a", "own")},
		{"appended", headers.Rules{Append: map[string]string{"x-a": "own"}}, "", fields("x-a", "1"), fields("x-a", "1", "x-a", "own")},
		{"variables", headers.Rules{Set: map[string]string{"x-a": "{client.address} {method} {service} {protocol} {listener} {request_id} {{x}}"}}, "", nil, fields("x-a", "192.0.2.7 /a.B/C a.B rest public id {x}")},
		{"who calls", headers.Rules{Set: map[string]string{"x-a": "{auth.subject}@{auth.tenant} by {auth.provider}, {auth.claims.level} {auth.claims.ok}"}}, "ada", nil, fields("x-a", "ada@t by p, 3 true")},
		{"nobody: not set, and not forged", headers.Rules{Set: map[string]string{"x-a": "user {auth.subject}"}}, "", fields("x-a", "user admin"), wire.Header{}},
		{"a claim that is not there", headers.Rules{Set: map[string]string{"x-a": "{auth.claims.none}"}}, "ada", fields("x-a", "forged"), wire.Header{}},
		{"a claim that is a list", headers.Rules{Set: map[string]string{"x-a": "{auth.claims.list}"}}, "ada", nil, nil},
		{"CR and LF (threats B9 and C21)", headers.Rules{Set: map[string]string{"x-a": "{auth.claims.evil}"}}, "ada", fields("x-a", "forged"), wire.Header{}},
		{"letters that are no ASCII", headers.Rules{Set: map[string]string{"x-a": "{auth.subject}"}}, "ädä", nil, nil},
		{"these in a binary field", headers.Rules{Set: map[string]string{"x-a-bin": "{auth.subject}"}}, "ädä", nil, fields("x-a-bin", "w6Rkw6Q")},
		{"a subject that is too long", headers.Rules{Set: map[string]string{"x-a": "{auth.subject}"}}, strings.Repeat("a", 5000), nil, nil},
		{"a space at the end", headers.Rules{Set: map[string]string{"x-a": "{auth.subject}"}}, "ada ", nil, nil},
	} {
		w, err := headers.NewWay(tt.rules, headers.Rules{})
		if err != nil {
			t.Errorf("%s: %v", tt.reason, err)
			continue
		}
		c := callOf(tt.subject)
		c.Metadata = tt.came
		if err := w.Admit(c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, c.Metadata); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

func TestRulesOnTheWayToTheClient(t *testing.T) {
	t.Parallel()
	w, err := headers.NewWay(headers.Rules{}, headers.Rules{
		Drop: []string{"x-powered-by"}, Rename: map[string]string{"x-a": "x-b"},
		Set: map[string]string{"x-frame-options": "DENY", "x-who": "{auth.subject}"}, Append: map[string]string{"x-hop": "gateway"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := callOf("ada")
	w.Announce(c)
	if diff := cmp.Diff(fields("x-frame-options", "DENY", "x-hop", "gateway"), c.AnswerFields); diff != "" {
		t.Errorf("before it is known who calls (-want +got):\n%s", diff)
	}
	if err := w.Admit(c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields("x-frame-options", "DENY", "x-hop", "gateway", "x-who", "ada"), c.AnswerFields); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
	if len(c.Metadata) > 0 || !w.EditsMetadata(c) {
		t.Errorf("the backend is told of %v", c.Metadata)
	}
	answer := fields("x-powered-by", "php", "x-a", "1", "x-b", "2", "x-who", "backend", "x-hop", "backend", "x-frame-options", "ALLOWALL", "other", "1")
	w.EditMetadata(c, &answer)
	if diff := cmp.Diff(fields("x-b", "1", "x-hop", "backend", "other", "1"), answer); diff != "" {
		t.Errorf("the backend's fields (-want +got):\n%s", diff)
	}
	var none *headers.Way
	none.Announce(c) // of what no rule is about
	if w, err := headers.NewWay(headers.Rules{}, headers.Rules{}); w != nil || err != nil {
		t.Errorf("no rules: %v, %v", w, err)
	}
}

// Threats B1, B6 and B15: names that the gateway, HTTP or gRPC own, and those that say who calls, are nothing for rules.
func TestThreatB1ReservedNamesOfRules(t *testing.T) {
	t.Parallel()
	taken := map[string]string{"x-user-id": `auth.providers["mobile"]`}
	set := func(name, value string) headers.Rules { return headers.Rules{Set: map[string]string{name: value}} }
	for _, tt := range []struct {
		direction headers.Direction
		rules     headers.Rules
		setting   string
		want      string // "" where the rules are right
	}{
		{headers.ToBackend, set("x-a", "1"), "", ""},
		{headers.ToBackend, set("authorization", "Bearer static"), "", ""},
		{headers.ToBackend, set("X-A", "1"), `set["X-A"]`, "no lower-case name"},
		{headers.ToBackend, set("te", "1"), `set["te"]`, "never passes"},
		{headers.ToBackend, set("host", "evil"), `set["host"]`, "never passes"},
		{headers.ToBackend, set("grpc-timeout", "1"), `set["grpc-timeout"]`, "never passes"},
		{headers.ToBackend, set("content-type", "1"), `set["content-type"]`, "never passes"},
		{headers.ToBackend, set("x-forwarded-for", "1.2.3.4"), `set["x-forwarded-for"]`, "set by the gateway"},
		{headers.ToBackend, set("x-forwarded-client-cert", "1"), `set["x-forwarded-client-cert"]`, "set by the gateway"},
		{headers.ToBackend, set("x-request-id", "1"), `set["x-request-id"]`, "set by the gateway"},
		{headers.ToBackend, set("traceparent", "1"), `set["traceparent"]`, "about the trace"},
		{headers.ToBackend, set("x-user-id", "admin"), `set["x-user-id"]`, `auth.providers["mobile"] says of who calls`},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-evil": "x-user-id"}}, `rename["x-evil"]`, "says of who calls"},
		{headers.ToBackend, headers.Rules{Append: map[string]string{"x-user-id": "1"}}, `append["x-user-id"]`, "says of who calls"},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-user-id": "x-old-id"}, Drop: []string{"traceparent"}}, "", ""},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-forwarded-for": "x-a"}}, `rename["x-forwarded-for"]`, "set by the gateway"},
		{headers.ToBackend, headers.Rules{Drop: []string{"x-request-id"}}, "drop[0]", "set by the gateway"},
		{headers.ToBackend, headers.Rules{Drop: []string{"x y"}}, "drop[0]", "no lower-case name"},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-a": "x-b-bin"}}, `rename["x-a"]`, "binary"},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-a": "x-b", "x-b": "x-c"}}, `rename["x-a"]`, "x-b is renamed itself"},
		{headers.ToBackend, headers.Rules{Rename: map[string]string{"x-a": "x-c", "x-b": "x-c"}}, `rename["x-b"]`, "what x-a becomes"},
		{headers.ToBackend, headers.Rules{Set: map[string]string{"x-a": "1"}, Append: map[string]string{"x-a": "2"}}, `append["x-a"]`, "is in set as well"},
		{headers.ToBackend, set("x-a", ""), `set["x-a"]`, "not empty"},
		{headers.ToBackend, set("x-a", "a\r\nx-b: 1"), `set["x-a"]`, "printable ASCII"},
		{headers.ToBackend, set("x-a", "ä{method}"), `set["x-a"]`, "printable ASCII"},
		{headers.ToBackend, set("x-a", "{client.ip}"), `set["x-a"]`, "{client.ip}, which is no variable; known are auth.provider"},
		{headers.ToBackend, set("x-a", "{auth.claims.}"), `set["x-a"]`, "no variable"},
		{headers.ToBackend, set("x-a", "{method"), `set["x-a"]`, "a brace alone"},
		{headers.ToBackend, set("x-a", "a}"), `set["x-a"]`, "a brace alone"},
		{headers.ToClient, set("strict-transport-security", "max-age=1"), "", ""},
		{headers.ToClient, set("content-security-policy", "default-src 'none'"), "", ""},
		{headers.ToClient, set("x-user-id", "{auth.subject}"), "", ""},
		{headers.ToClient, set("access-control-allow-origin", "*"), `set["access-control-allow-origin"]`, "what cors is for"},
		{headers.ToClient, set("content-length", "1"), `set["content-length"]`, "never passes"},
		{headers.ToClient, set("content-encoding", "br"), `set["content-encoding"]`, "about the body"},
		{headers.ToClient, set("cache-control", "no-store"), `set["cache-control"]`, "rest.cache_control"},
		{headers.ToClient, set("etag", "1"), `set["etag"]`, "rest.etag"},
		{headers.ToClient, set("x-content-type-options", "1"), `set["x-content-type-options"]`, "set by the gateway"},
		{headers.ToClient, set("retry-after", "1"), `set["retry-after"]`, "set by the gateway"},
		{headers.ToClient, set("trailer-x", "1"), `set["trailer-x"]`, "Connect"},
		{headers.ToClient, set("x-dragoman-reason", "1"), `set["x-dragoman-reason"]`, "never passes"},
		{headers.ToClient, headers.Rules{Rename: map[string]string{"x-a": "grpc-status"}}, `rename["x-a"]`, "never passes"},
	} {
		problems := tt.rules.Problems(tt.direction, taken)
		if tt.want == "" {
			if len(problems) > 0 {
				t.Errorf("%+v: %v", tt.rules, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Setting != tt.setting || !strings.Contains(problems[0].Message, tt.want) {
			t.Errorf("%+v: %q; want %q of %s", tt.rules, problems, tt.want, tt.setting)
		}
	}
	if _, err := headers.NewWay(headers.Rules{Drop: []string{"te"}}, headers.Rules{}); err == nil || !strings.Contains(err.Error(), "request: drop[0] never passes") {
		t.Errorf("%v", err)
	}
}

// Fuzzing: whatever a value is made of and whatever a call says, what comes out can stand in a header.
func FuzzValues(f *testing.F) {
	f.Add("{auth.subject}", "ada", "x-a")
	f.Add("a {{ {auth.claims.evil}", "a\r\nb: c", "x-a")
	f.Add("{auth.tenant}\x00", "ä", "x-a-bin")
	f.Fuzz(func(t *testing.T, value, subject, name string) {
		rules := headers.Rules{Set: map[string]string{name: value}}
		w, err := headers.NewWay(rules, headers.Rules{})
		if err != nil {
			return
		}
		c := callOf(subject)
		if err := w.Admit(c); err != nil {
			t.Fatal(err)
		}
		for _, h := range c.Metadata {
			if h.Name != name || !wire.ValidValue(h.Value) || strings.Contains(h.Value, "\t") || wire.Reserved(h.Name) {
				t.Fatalf("%q of %q is %q", value, name, h.Value)
			}
		}
	})
}

// Rules on plain fields take no memory but for the values that they make.
func TestRulesDoNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations
	w, err := headers.NewWay(headers.Rules{Drop: []string{"x-in-*"}, Rename: map[string]string{"x-a": "x-b"}, Set: map[string]string{"x-s": "own"}}, headers.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	c := callOf("ada")
	room := make(wire.Header, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		c.Metadata = append(room, wire.Field{Name: "x-a", Value: "1"}, wire.Field{Name: "x-in-b", Value: "2"}, wire.Field{Name: "x-s", Value: "3"})
		_ = w.Admit(c)
	}); n > 0 {
		t.Errorf("it takes %.0f allocations", n)
	}
}
