// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

const longest = time.Duration(1<<63 - 1)

// T173: what is accepted as a timeout, and what is not.
func TestT173Timeouts(t *testing.T) {
	t.Parallel()
	grpc, connect, server := wire.ParseGRPCTimeout, wire.ParseConnectTimeout, wire.ParseServerTimeout
	for _, tt := range []struct {
		parse func(string) (time.Duration, error)
		in    string
		want  time.Duration
		ok    bool
	}{
		{grpc, "1H", time.Hour, true},
		{grpc, "2M", 2 * time.Minute, true},
		{grpc, "3S", 3 * time.Second, true},
		{grpc, "4m", 4 * time.Millisecond, true},
		{grpc, "5u", 5 * time.Microsecond, true},
		{grpc, "6n", 6, true},
		{grpc, "0S", 0, true},                  // expired, which the deadline policy answers (T174)
		{grpc, "00000001S", time.Second, true}, // 8 digits
		{grpc, "99999999H", longest, true},     // E17: overflow is the longest duration
		{grpc, "100000000S", 0, false},         // 9 digits
		{grpc, "12345678901234567890S", 0, false},
		{grpc, "", 0, false},
		{grpc, "S", 0, false},
		{grpc, "1", 0, false},   // no unit
		{grpc, "-1S", 0, false}, // E17
		{grpc, "+1S", 0, false},
		{grpc, " 1S", 0, false},
		{grpc, "1s", 0, false}, // units have one case
		{grpc, "1.5S", 0, false},
		{grpc, "NaNS", 0, false},
		{connect, "0", 0, true},
		{connect, "9999999999", 9999999999 * time.Millisecond, true}, // 10 digits
		{connect, "10000000000", 0, false},                           // 11 digits
		{connect, "-3", 0, false},
		{connect, "", 0, false},
		{connect, "1e3", 0, false},
		{server, "1", time.Second, true},
		{server, "1.5", 1500 * time.Millisecond, true},
		{server, "0.000000001", 1, true},
		{server, "0.0000000001", 0, false}, // more than nine digits
		{server, "1.", 0, false},
		{server, ".5", 0, false},
		{server, "NaN", 0, false},
		{server, "Inf", 0, false},
		{server, "+Inf", 0, false},
		{server, "1e3", 0, false},
		{server, "-1", 0, false},
		{server, "9999999999.999999999", longest, true},
	} {
		got, err := tt.parse(tt.in)
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("parse(%q) = %v, %v; want %v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

// T175: what is sent on has at most 8 digits, is never zero and never more than what is left.
func TestT175RemainingTimeIsNeverRoundedUpOrToZero(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{
		1, 999, 99_999_999, 100_000_000, time.Second, 1500 * time.Millisecond, 99*time.Second + 999_999_999, time.Minute, time.Hour,
		24 * time.Hour, 365 * 24 * time.Hour, longest,
	} {
		text := string(wire.AppendGRPCTimeout(nil, d))
		got, err := wire.ParseGRPCTimeout(text)
		if err != nil || got <= 0 || got > d {
			t.Errorf("AppendGRPCTimeout(%v) = %q, read as %v, %v; want more than 0 and at most %v", d, text, got, err, d)
		}
		if d < 24*time.Hour && float64(got) < 0.999*float64(d) {
			t.Errorf("AppendGRPCTimeout(%v) = %q: it loses more than a thousandth", d, text)
		}
	}
	if got := string(wire.AppendGRPCTimeout(nil, -1)); got != "0n" {
		t.Errorf("AppendGRPCTimeout(-1) = %q; want 0n", got)
	}
}

func FuzzTimeouts(f *testing.F) {
	for _, s := range []string{"1H", "99999999H", "-1S", "1", "NaN", "1.5", "00000001S"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (time.Duration, error){wire.ParseGRPCTimeout, wire.ParseConnectTimeout, wire.ParseServerTimeout} {
			if d, err := parse(s); err == nil && d < 0 {
				t.Errorf("%q is read as %v", s, d)
			}
		}
	})
}

// T173, T174: of several fields the smallest counts, and one that is malformed is refused beside any other.
func TestT174ClientTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fields wire.Header
		want   time.Duration
		has    bool
		fails  bool
	}{
		{"none", wire.Header{{Name: "x-other", Value: "1"}}, 0, false, false},
		{"gRPC's", wire.Header{{Name: "grpc-timeout", Value: "3S"}}, 3 * time.Second, true, false},
		{"all, the smallest last", wire.Header{{Name: "grpc-timeout", Value: "3S"}, {Name: "connect-timeout-ms", Value: "2000"}, {Name: "x-server-timeout", Value: "1.5"}}, 1500 * time.Millisecond, true, false},
		{"all, the smallest first", wire.Header{{Name: "x-server-timeout", Value: "9"}, {Name: "grpc-timeout", Value: "0S"}}, 0, true, false},
		{"one malformed", wire.Header{{Name: "grpc-timeout", Value: "3S"}, {Name: "x-server-timeout", Value: "NaN"}}, 0, false, true},
	} {
		got, has, err := wire.ClientTimeout(tt.fields)
		if got != tt.want || has != tt.has || (err != nil) != tt.fails {
			t.Errorf("%s: %s, %t, %v", tt.name, got, has, err)
		}
	}
}
