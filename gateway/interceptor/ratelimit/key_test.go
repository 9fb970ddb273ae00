// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func keyOf(t *testing.T, text string, c *transcoder.Call) string {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return string(k.append(nil, c, nil, nil))
}

func callFrom(address string, id *transcoder.Identity, fields ...string) *transcoder.Call {
	r := &transcoder.Request{Listener: "public"}
	for i := 0; i < len(fields); i += 2 {
		r.Header = append(r.Header, wire.Field{Name: fields[i], Value: fields[i+1]})
	}
	c := transcoder.NewCall(context.Background(), r)
	c.Method = transcoder.BareMethod("/a.B/C", false, false)
	if address != "" {
		c.Client = netip.MustParseAddr(address)
	}
	c.Identity = id
	return c
}

// Threat G2: what is not the same has not the same key, however it is put together; and what is the same has.
func TestThreatG2Keys(t *testing.T) {
	t.Parallel()
	who := func(tenant, subject string) *transcoder.Identity {
		return &transcoder.Identity{Provider: "p", Subject: subject, Tenant: tenant, Claims: map[string]any{
			"org": tenant, "level": json.Number("3"), "a": map[string]any{"b": subject}, "x.y": "z", "list": []any{"1"},
		}}
	}
	other := who("t", "s")
	other.Provider = "q"
	long := strings.Repeat("x", 100)
	for _, tt := range []struct {
		name, key string
		a, b      *transcoder.Call
		same      bool
	}{
		{"texts that look alike when they are put together", "auth.tenant+auth.subject", callFrom("", who("a:b", "c")), callFrom("", who("a", "b:c")), false},
		{"and without anything between", "auth.tenant+auth.subject", callFrom("", who("ab", "c")), callFrom("", who("a", "bc")), false},
		{"the same", "auth.tenant+auth.subject", callFrom("1.1.1.1", who("a", "b")), callFrom("2.2.2.2", who("a", "b")), true},
		{"the subjects of two providers", "auth.subject", callFrom("", who("t", "s")), callFrom("", other), false},
		{"a subject and an address of one form", "auth.subject || client.address", callFrom("1.2.3.4", nil), callFrom("9.9.9.9", who("t", "\x01\x02\x03\x04")), false},
		{"without an identity, the address", "auth.subject || client.address", callFrom("1.2.3.4", nil), callFrom("1.2.3.5", nil), false},
		{"with one, whatever the address", "auth.subject || client.address", callFrom("1.2.3.4", who("t", "s")), callFrom("1.2.3.5", who("t", "s")), true},
		{"who has nothing that is asked for is one of all those", "auth.subject", callFrom("1.2.3.4", nil), callFrom("1.2.3.5", nil), true},
		{"a network of IPv6", "client.address", callFrom("2001:db8::1", nil), callFrom("2001:db8:0:0:ffff::2", nil), true},
		{"another network", "client.address", callFrom("2001:db8::1", nil), callFrom("2001:db8:0:1::1", nil), false},
		{"IPv4 is all of the address", "client.address", callFrom("10.0.0.1", nil), callFrom("10.0.0.2", nil), false},
		{"long texts are kept as a hash", "auth.subject", callFrom("", who("t", long+"a")), callFrom("", who("t", long+"b")), false},
		{"the same long text", "auth.subject", callFrom("", who("t", long)), callFrom("", who("t", long)), true},
		{"claims", "auth.claims.org", callFrom("", who("a", "s")), callFrom("", who("b", "s")), false},
		{"claims in claims", "auth.claims.a.b", callFrom("", who("t", "a")), callFrom("", who("t", "b")), false},
		{"claims with a name of their own", `auth.claims["x.y"]`, callFrom("", who("a", "s")), callFrom("", who("b", "s")), true},
		{"a claim that is a list is none", "auth.claims.list || client.address", callFrom("1.1.1.1", who("a", "s")), callFrom("2.2.2.2", who("a", "s")), false},
		{"all values of a header field", `headers["x-a"]`, callFrom("", nil, "x-a", "1", "x-a", "2"), callFrom("", nil, "x-a", "1"), false},
		{"two fields and one", `headers["x-a"]`, callFrom("", nil, "x-a", "1", "x-a", "2"), callFrom("", nil, "x-a", "12"), false},
		{"the name of the method", "method+listener+service", callFrom("", nil), callFrom("", nil), true},
		{"nothing: all calls", "", callFrom("1.1.1.1", nil), callFrom("2.2.2.2", nil), true},
	} {
		if same := keyOf(t, tt.key, tt.a) == keyOf(t, tt.key, tt.b); same != tt.same {
			t.Errorf("%s: the same is %t", tt.name, same)
		}
	}
	if n := len(keyOf(t, "auth.subject", callFrom("", who("t", strings.Repeat("x", 1<<20))))); n > maxPlainKey {
		t.Errorf("a key has %d bytes", n)
	}
}

func TestKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"client.ip":               "unknown",
		"auth":                    "unknown",
		"auth.claims":             "unknown",
		"auth.claims.":            "unknown",
		`auth.claims["]`:          "unknown",
		`headers[x]`:              "unknown",
		`headers["X-A"]`:          "lower case",
		`headers["x a"]`:          "lower case",
		"request.":                "unknown",
		"request.a..b":            "unknown",
		"client.address ||":       "nothing between",
		"+":                       "nothing between",
		"method+method":           "twice",
		strings.Repeat("x", 2000): "it may have",
		strings.Repeat("method||", 20) + "method": "it may have",
	} {
		if k, err := ParseKey(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v; want %q", key, k, err, want)
		}
	}
}

// FuzzKey: whatever a key is and a call says, two calls have one key only if they say the same (spec/security.md section 4, target 21).
func FuzzKey(f *testing.F) {
	f.Add("auth.tenant+auth.subject", "a:b", "c", "a", "b:c")
	f.Add(`headers["x-a"]||auth.subject`, "", "", "\x00", "x")
	f.Fuzz(func(t *testing.T, text, tenantA, subjectA, tenantB, subjectB string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		call := func(tenant, subject string) *transcoder.Call {
			return callFrom("", &transcoder.Identity{Provider: "p", Tenant: tenant, Subject: subject}, "x-a", tenant, "x-b", subject)
		}
		a, b := call(tenantA, subjectA), call(tenantB, subjectB)
		keyA, keyB := k.append(nil, a, nil, nil), k.append(nil, b, nil, nil)
		if len(keyA) > maxPlainKey {
			t.Fatalf("a key of %d bytes", len(keyA))
		}
		parts := func(c *transcoder.Call) string {
			q := &Query{call: c, bound: &bound{rule: &rule{Rule: Rule{Key: k}}}}
			return fmt.Sprintf("%q", q.Entries())
		}
		if (string(keyA) == string(keyB)) != (parts(a) == parts(b)) {
			t.Errorf("%s: keys %q and %q of %s and %s", text, keyA, keyB, parts(a), parts(b))
		}
	})
}
