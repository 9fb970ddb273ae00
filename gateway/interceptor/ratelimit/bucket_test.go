// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// These tests are inside because the algorithm is: each step is exact to the nanosecond.

func TestBucketIsExact(t *testing.T) {
	t.Parallel()
	b := newBucket(Rate{Count: 100, Per: time.Second}, 3) // one in ten milliseconds, three at once
	const step = int64(10 * time.Millisecond)
	full := int64(0)
	for _, tt := range []struct {
		name      string
		now, cost int64
		wait      int64 // 0: taken
	}{
		{"the first", 0, 1, 0},
		{"the second at once", 0, 1, 0},
		{"the third", 0, 1, 0},
		{"the fourth is too soon", 0, 1, step},
		{"what is refused takes nothing", 0, 1, step},
		{"one nanosecond short", step - 1, 1, 1},
		{"in time", step, 1, 0},
		{"again none", step, 1, step},
		{"two cost two steps", 2*step + 1, 2, step - 1},
		{"two in time", 3 * step, 2, 0},
		{"after a while no more than the burst", 100 * step, 3, 0},
		{"which is used up", 100 * step, 1, step},
	} {
		next, wait := b.take(full, tt.now, tt.cost)
		if wait != tt.wait {
			t.Errorf("%s: wait %d; want %d", tt.name, wait, tt.wait)
		}
		full = next
	}
	if left := b.left(full, 100*step); left != 0 {
		t.Errorf("%d are left; want 0", left)
	}
	if left := b.left(full, 102*step); left != 2 {
		t.Errorf("%d are left after two steps; want 2", left)
	}
}

// Fault 30: a state that no bucket of the limit can have does not lock anybody out.
func TestBucketThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBucket(Rate{Count: 1, Per: time.Second}, 2)
	full, wait := b.take(int64(1000*time.Hour), 0, 1)
	if wait != int64(time.Second) || full != int64(2*time.Second) {
		t.Errorf("wait %d, full %d; want a second, and an empty bucket", wait, full)
	}
}

// In no window is more admitted than the burst and what comes in it, whatever clients do; and nobody waits for longer than the bucket says.
func TestBucketAgainstACount(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that is the same each time
	for range 100 {
		rate := Rate{Count: 1 + r.Uint32N(50), Per: time.Second}
		burst := 1 + r.Uint32N(20)
		b := newBucket(rate, burst)
		var (
			full, now int64
			took      []int64 // when each token was taken
		)
		for range 100 {
			now += r.Int64N(2 * b.interval)
			cost := 1 + r.Int64N(int64(burst))
			next, wait := b.take(full, now, cost)
			if wait > 0 {
				if _, again := b.take(next, now+wait, cost); again != 0 {
					t.Fatalf("after the wait of %d it is still %d", wait, again)
				}
				continue
			}
			full = next
			for range cost {
				took = append(took, now)
			}
		}
		for i := range took {
			for j := i; j < len(took); j++ {
				if most := int64(burst) + (took[j]-took[i])/b.interval; int64(j-i+1) > most {
					t.Fatalf("%d/s, burst %d: %d in %d ns; at most %d", rate.Count, burst, j-i+1, took[j]-took[i], most)
				}
			}
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"100/s": {100, time.Second}, "5/m": {5, time.Minute}, "1/h": {1, time.Hour}, "10000/d": {10000, 24 * time.Hour}, "1000000/s": {1000000, time.Second},
	} {
		if got, err := ParseRate(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/", "1", "1/", "/s", "0/s", "-1/s", "+1/s", "1/w", "1/ss", "1.5/s", "1000001/s", "99999999999/d"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
