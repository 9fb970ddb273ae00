// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	grpcresolver "google.golang.org/grpc/resolver"
)

// RFC 8305 section 4: families alternate, beginning with the family of the first address.
func TestInterleave(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"one", []string{"10.0.0.1:1"}, []string{"10.0.0.1:1"}},
		{"v6 first", []string{"[fd00::1]:1", "[fd00::2]:1", "10.0.0.1:1"}, []string{"[fd00::1]:1", "10.0.0.1:1", "[fd00::2]:1"}},
		{"v4 first", []string{"10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1", "[fd00::2]:1"}, []string{"10.0.0.1:1", "[fd00::1]:1", "10.0.0.2:1", "[fd00::2]:1"}},
		{"names keep their order", []string{"a:1", "b:1", "a:1"}, []string{"a:1", "b:1"}},
		{"a mapped address is v4", []string{"10.0.0.1:1", "[::ffff:10.0.0.2]:1", "[fd00::1]:1"}, []string{"10.0.0.1:1", "[fd00::1]:1", "[::ffff:10.0.0.2]:1"}},
	} {
		var in []grpcresolver.Address
		for _, a := range tt.in {
			in = append(in, grpcresolver.Address{Addr: a})
		}
		var got []string
		for _, a := range interleave(in) {
			got = append(got, a.Addr)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

// Fault 12: at most two attempts in a second, and a return is noticed within one.
func TestFault12Pause(t *testing.T) {
	t.Parallel()
	b := Config{}.withDefaults().Backoff
	for tries := range 2000 {
		if d := pause(b, tries+1); d < 500*time.Millisecond || d > 940*time.Millisecond {
			t.Fatalf("pause %v after %d tries", d, tries+1)
		}
	}
	for tries, want := range map[int]time.Duration{1: time.Second, 2: 1600 * time.Millisecond, 3: 2560 * time.Millisecond, 9: 10 * time.Second} {
		if d := pause(Backoff{Base: time.Second, Max: 10 * time.Second}, tries); d < want || d > want*5/4 {
			t.Errorf("pause %v after %d tries, want %v and up to a quarter more", d, tries, want)
		}
	}
}
