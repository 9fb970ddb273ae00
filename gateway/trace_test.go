// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// These tests are inside because what they are about has no other door than a whole gateway.

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// T216, threat I8: what is no trace context is none.
func TestThreatI8_TraceParent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value, want, why string
	}{
		{parent, traceID, "as in the specification"},
		{"00-" + traceID + "-00f067aa0ba902b7-00", traceID, "not sampled"},
		{"00-" + traceID + "-00f067aa0ba902b7-ff", traceID, "flags that are not known"},
		{"cc-" + traceID + "-00f067aa0ba902b7-01", traceID, "a later version of the same length"},
		{"cc-" + traceID + "-00f067aa0ba902b7-01-more", traceID, "a later version that says more"},
		{"cc-" + traceID + "-00f067aa0ba902b7-01.more", "", "a later version that says more, without a dash"},
		{parent + "-more", "", "this version says no more"},
		{"ff-" + traceID + "-00f067aa0ba902b7-01", "", "the version that there is not"},
		{"", "", "empty"},
		{parent[:54], "", "too short"},
		{strings.ToUpper(parent), "", "upper case"},
		{"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "", "the trace that there is not"},
		{"00-" + traceID + "-0000000000000000-01", "", "the parent that there is not"},
		{"00-" + traceID[:31] + "g-00f067aa0ba902b7-01", "", "no hexadecimal"},
		{"00_" + traceID + "-00f067aa0ba902b7-01", "", "another sign in between"},
		{"0g-" + traceID + "-00f067aa0ba902b7-01", "", "no version"},
		{"00-" + traceID + "-00f067aa0ba902b7-0\n", "", "no flags"},
	} {
		if got := traceOf(wire.Header{{Name: traceParent, Value: tt.value}}); got != tt.want {
			t.Errorf("%s: %q is trace %q; want %q", tt.why, tt.value, got, tt.want)
		}
	}
	if got := traceOf(wire.Header{{Name: traceParent, Value: parent}, {Name: traceParent, Value: parent}}); got != "" {
		t.Errorf("two of them are trace %q", got)
	}
}

func TestThreatI8_TraceState(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("k%d=v", i))
		}
		return strings.Join(list, ",")
	}
	for _, tt := range []struct {
		value, want, why string
	}{
		{"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "as in the specification"},
		{" a=1 ,\t, b=2,", "a=1,b=2", "empty members and blanks around them"},
		{"fw529a3039@dt=FfAn", "fw529a3039@dt=FfAn", "a tenant"},
		{"0a@b=1", "0a@b=1", "a tenant may begin with a digit"},
		{"a_b-c*d/e=x y:z", "a_b-c*d/e=x y:z", "all signs"},
		{many(32), many(32), "as many as there may be"},
		{many(33), "", "one more"},
		{"a=" + strings.Repeat("x", 250) + ",b=" + strings.Repeat("x", 250) + ",c=" + strings.Repeat("x", 20), "a=" + strings.Repeat("x", 250) + ",b=" + strings.Repeat("x", 250), "longer than 512 bytes"},
		{"a=1,a=2", "", "a key twice"},
		{"A=1", "", "upper case"},
		{"0a=1", "", "begins with a digit"},
		{"a@=1", "", "a tenant of nobody"},
		{"a@0=1", "", "a system that begins with a digit"},
		{"@a=1", "", "no tenant"},
		{"a", "", "no value"},
		{"a=", "", "an empty value"},
		{"=1", "", "no key"},
		{"a=b=c", "", "two signs of equality"},
		{"a=\x7f", "", "not printable"},
		{"a=" + strings.Repeat("x", 257), "", "a long value"},
		{strings.Repeat("a", 257) + "=1", "", "a long key"},
		{"", "", "nothing"},
	} {
		if got := stateOf(tt.value); got != tt.want {
			t.Errorf("%s: %.80q becomes %.80q; want %.80q", tt.why, tt.value, got, tt.want)
		}
	}
}

// What a client says in baggage is passed on for those that are believed.
func TestThreatI8_PassTrace(t *testing.T) {
	t.Parallel()
	believed := &transcoder.Limits{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct {
		name   string
		limits *transcoder.Limits
		in     wire.Header
		want   string
	}{
		{"all that is right", nil, wire.Header{{Name: traceParent, Value: parent}, {Name: traceState, Value: "a=1"}, {Name: traceState, Value: "b=2"}}, traceParent + "=" + parent + " tracestate=a=1,b=2"},
		{"no parent", nil, wire.Header{{Name: traceState, Value: "a=1"}}, ""},
		{"a bad parent", nil, wire.Header{{Name: traceParent, Value: "junk"}, {Name: traceState, Value: "a=1"}, {Name: "x", Value: "y"}}, "x=y"},
		{"a bad state", nil, wire.Header{{Name: traceParent, Value: parent}, {Name: traceState, Value: "junk"}}, traceParent + "=" + parent},
		{"a bag of anybody", nil, wire.Header{{Name: baggage, Value: "user=admin"}}, ""},
		{"a bag of a proxy", believed, wire.Header{{Name: baggage, Value: "user=admin"}}, "baggage=user=admin"},
		{"a large bag", believed, wire.Header{{Name: baggage, Value: "a=" + strings.Repeat("x", maxBaggage/2)}, {Name: baggage, Value: "b=" + strings.Repeat("x", maxBaggage/2)}}, ""},
	} {
		c := &transcoder.Call{Request: &transcoder.Request{Remote: netip.MustParseAddrPort("10.0.0.1:1"), Limits: tt.limits}, Metadata: tt.in}
		c.TraceID = traceOf(tt.in)
		passTrace(c)
		var got []string
		for _, f := range c.Metadata {
			got = append(got, f.Name+"="+f.Value)
		}
		if all := strings.Join(got, " "); all != tt.want {
			t.Errorf("%s: passes %q; want %q", tt.name, all, tt.want)
		}
	}
}

// FuzzTraceContext: what is passed on is well formed, whatever came.
func FuzzTraceContext(f *testing.F) {
	f.Add(parent, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
	f.Add("cc-"+traceID+"-00f067aa0ba902b7-01-more", "a@b=1, ,c=2")
	f.Fuzz(func(t *testing.T, parent, state string) {
		if id := traceOf(wire.Header{{Name: traceParent, Value: parent}}); id != "" && (len(id) != 32 || !isHex(id)) {
			t.Errorf("%q is trace %q", parent, id)
		}
		got := stateOf(state)
		if len(got) > maxTraceState || stateOf(got) != got || strings.Contains(got, ",,") {
			t.Errorf("%q becomes %q, and that %q", state, got, stateOf(got))
		}
	})
}
