// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"math/rand/v2"
	"testing"
)

// A walk visits every position once, whatever the random bits, and each position as often first.
func TestWalkVisitsEachOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 9, 31, 32, 100, 1000} {
		s := newStrider(n)
		first := make([]int, n)
		rounds := 20_000
		if n >= 50 {
			rounds = 200
		}
		for range rounds {
			seen := make([]bool, n)
			w := s.walk(rand.Uint64())
			for k := range n {
				i := w.next()
				if seen[i] {
					t.Fatalf("of %d positions %d came twice", n, i)
				}
				seen[i] = true
				if k == 0 {
					first[i]++
				}
			}
		}
		for i, got := range first {
			if want := rounds / n; n < 50 && (got < want*2/3 || got > want*3/2) {
				t.Errorf("of %d positions %d came first %d times in %d", n, i, got, rounds)
			}
		}
	}
}

func TestBelowReachesAll(t *testing.T) {
	t.Parallel()
	got := make([]int, 5)
	for i := range uint64(5000) {
		got[below(mix(i), 5)]++
	}
	for i, n := range got {
		if n < 900 || n > 1100 {
			t.Errorf("%d came %d times in 5000", i, n)
		}
	}
	if below(1<<64-1, 7) != 6 || below(0, 7) != 0 || fraction(1<<64-1) >= 1 {
		t.Error("out of range")
	}
}
