// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/json"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// keyed returns the key of a call by a policy.
func keyed(t *testing.T, vary []string, c *transcoder.Call) Key {
	t.Helper()
	p, err := NewPolicy(PolicyConfig{Vary: vary})
	if err != nil {
		t.Fatal(err)
	}
	m := &method{policy: p, request: bindShape}
	return m.key(c, "b", nil)
}

func by(id *transcoder.Identity, fields ...string) *transcoder.Call {
	c := &transcoder.Call{Identity: id}
	for i := 0; i < len(fields); i += 2 {
		c.Metadata.Add(fields[i], fields[i+1])
	}
	return c
}

func someone(provider, tenant, subject string, forward ...string) *transcoder.Identity {
	return &transcoder.Identity{Provider: provider, Tenant: tenant, Subject: subject, Forward: by(nil, forward...).Metadata}
}

func claiming(claims string) *transcoder.Identity {
	id := &transcoder.Identity{Provider: "p", Subject: "s"}
	if err := json.Unmarshal([]byte(claims), &id.Claims); err != nil {
		panic(err)
	}
	return id
}

// Threat C12: no two calls have one key that differ in anything that counts, however their texts are cut.
func TestThreatC12KeysDoNotCollide(t *testing.T) {
	t.Parallel()
	two := someone("p", "", "s")
	two.Also = []*transcoder.Identity{someone("q", "", "u")}
	other := someone("p", "", "s")
	other.Also = []*transcoder.Identity{someone("q", "", "v")}
	within := someone("p", "", "s")
	within.Also = []*transcoder.Identity{someone("q", "", "u", "x", "y")}
	for _, tt := range []struct {
		name  string
		vary  []string
		calls []*transcoder.Call // all with keys of their own
	}{
		{"who calls", []string{"auth.subject"}, []*transcoder.Call{
			by(nil), by(someone("p", "", "s")), by(someone("p", "s", "")), by(someone("", "p", "s")), by(someone("p", "t", "s")), by(someone("pt", "", "s")), by(someone("p", "", "ts")),
			by(someone("p", "", "S")), by(someone("p", "", "s\x00")), by(someone("p", "", "s", "x-user", "s")), by(someone("p", "", "s", "x-user", "t")),
			by(someone("p", "", "s", "x-users", "")), by(someone("p", "", "s", "x-user", "a", "x-user", "b")), by(someone("p", "", "s", "x-user", "ab")),
			by(two), by(other), by(within), by(someone("q", "", "u")),
			by(someone("p", "", "s"), "authorization", "a"), by(someone("p", "", "s"), "authorization", "b"), by(someone("p", "", "s"), "cookie", "a"),
			by(someone("p", "", "s"), "cookie", "a", "cookie", "b"), by(someone("p", "", "s"), "cookie", "ab"), by(someone("p", "", "s"), "x-api-key", "a"),
		}},
		{"a header", []string{`headers["x-a"]`}, []*transcoder.Call{
			by(nil), by(nil, "x-a", ""), by(nil, "x-a", "1"), by(nil, "x-a", "1", "x-a", "2"), by(nil, "x-a", "2", "x-a", "1"), by(nil, "x-a", "12"), by(nil, "x-a", "1,2"),
		}},
		{"two headers", []string{`headers["x-a"]`, `headers["x-b"]`}, []*transcoder.Call{
			by(nil, "x-a", "1"), by(nil, "x-b", "1"), by(nil, "x-a", "1", "x-b", "1"), by(nil, "x-a", "11"),
		}},
		{"a tenant", []string{"auth.tenant"}, []*transcoder.Call{by(nil), by(someone("p", "", "s")), by(someone("p", "t", "s")), by(someone("pt", "", "s")), by(someone("q", "t", "s"))}},
		{"a provider", []string{"auth.provider"}, []*transcoder.Call{by(nil), by(someone("p", "", "s")), by(someone("q", "", "s"))}},
		{"a claim", []string{"auth.claims.org"}, []*transcoder.Call{
			by(nil), by(claiming(`{}`)), by(claiming(`{"org":""}`)), by(claiming(`{"org":"1"}`)), by(claiming(`{"org":1}`)), by(claiming(`{"org":null}`)), by(claiming(`{"org":"null"}`)),
			by(claiming(`{"org":["1"]}`)), by(claiming(`{"org":"[\"1\"]"}`)), by(claiming(`{"org":{"a":1}}`)), by(claiming(`{"org":true}`)),
		}},
		{"what the gateway tells", nil, []*transcoder.Call{
			by(nil), by(nil, "x-forwarded-host", "a"), by(nil, "x-forwarded-host", "b"), by(nil, "x-forwarded-proto", "a"), by(nil, "x-forwarded-host", "a", "x-forwarded-proto", "https"),
		}},
	} {
		seen := map[Key]int{}
		for i, c := range tt.calls {
			k := keyed(t, tt.vary, c)
			if before, ok := seen[k]; ok {
				t.Errorf("%s: calls %d and %d have one key", tt.name, before, i)
			}
			seen[k] = i
		}
	}
}

// Rules of header fields that tell backends of who calls are part of who calls, and of nothing else.
func TestThreatC12WhatRulesTellOfCallersIsInTheKey(t *testing.T) {
	t.Parallel()
	for vary, differ := range map[string]bool{"auth.subject": true, "auth.tenant": false} {
		p, err := NewPolicy(PolicyConfig{Vary: []string{vary}})
		if err != nil {
			t.Fatal(err)
		}
		m := &method{policy: p, request: bindShape, callers: []string{"x-plan"}}
		free, paid := m.key(by(someone("p", "t", "s"), "x-plan", "free"), "b", nil), m.key(by(someone("p", "t", "s"), "x-plan", "paid"), "b", nil)
		if (free != paid) != differ {
			t.Errorf("vary is %s: the keys of one subject that the backend is told two plans of are different: %v", vary, free != paid)
		}
		if m.key(by(someone("p", "t", "s"), "x-other", "1"), "b", nil) != m.key(by(someone("p", "t", "s"), "x-other", "2"), "b", nil) {
			t.Errorf("vary is %s: other metadata is in the key", vary)
		}
	}
}

// What says nothing of the answer is no part of the key, nor is the order in which things are said.
func TestKeysAreTheSameForTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		varyA, vary []string
		a, b        *transcoder.Call
	}{
		{"the order of vary", []string{"auth.subject", `headers["x-b"]`, `headers["x-a"]`}, []string{`headers["x-a"]`, "auth.subject", `headers["x-b"]`}, by(someone("p", "t", "s"), "x-a", "1", "x-b", "2"), by(someone("p", "t", "s"), "x-b", "2", "x-a", "1")},
		{"other metadata", nil, nil, by(nil, "x-request-id", "1", "x-forwarded-for", "10.0.0.1", "traceparent", "x"), by(nil)},
		{"the order of members of a claim", []string{"auth.claims.org"}, []string{"auth.claims.org"}, by(claiming(`{"org":{"a":1,"b":2}}`)), by(claiming(`{"org":{"b":2,"a":1}}`))},
		{"a claim within a claim, by either spelling", []string{"auth.claims.org.id"}, []string{`auth.claims["org.id"]`}, by(claiming(`{"org":{"id":"7"}}`)), by(claiming(`{"org":{"id":"7"}}`))},
		{"who calls, where that does not count", nil, nil, by(someone("p", "t", "s")), by(nil)},
	} {
		if keyed(t, tt.varyA, tt.a) != keyed(t, tt.vary, tt.b) {
			t.Errorf("%s: the keys differ", tt.name)
		}
	}
}

// Backends, methods and messages are told apart, wherever one ends and the other begins.
func TestScopesAreToldApart(t *testing.T) {
	t.Parallel()
	p, err := NewPolicy(PolicyConfig{})
	if err != nil {
		t.Fatal(err)
	}
	one := &method{policy: p, request: bindShape}
	other := &method{policy: p, request: bindShape, scope: [32]byte{1}}
	c := &transcoder.Call{Metadata: wire.Header{}}
	seen := map[Key]bool{}
	for _, k := range []Key{
		one.key(c, "a", nil), one.key(c, "b", nil), one.key(c, "", []byte("a")), one.key(c, "a", []byte("a")), one.key(c, "ab", nil), one.key(c, "a", []byte("b")), other.key(c, "a", nil),
	} {
		if seen[k] {
			t.Errorf("%s is there twice", k)
		}
		seen[k] = true
	}
}
