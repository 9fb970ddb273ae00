// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Fault 14: in every ten seconds, wherever they begin, there are at most as many retries as the budget says, whatever the
// traffic does. The test is inside: the budget is what it holds.
func TestFault14TheBudgetHoldsInEveryTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(BudgetConfig{Percent: 20, MinPerSecond: 3})
		type event struct {
			at    time.Duration
			retry bool
		}
		var events []event
		began := time.Now()
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
		for range 120 * 20 {
			time.Sleep(50 * time.Millisecond)
			b.call()
			events = append(events, event{time.Since(began), false})
			for range random.IntN(4) { // many more than allowed
				b.call()
				events = append(events, event{time.Since(began), false})
				if b.retry() {
					events = append(events, event{time.Since(began), true})
				}
			}
		}
		granted := 0
		for from := range events {
			if !events[from].retry {
				continue
			}
			granted++
			calls, retries := 0, 0
			for _, e := range events[from:] {
				if e.at-events[from].at >= budgetSpan*time.Second {
					break
				}
				if e.retry {
					retries++
				} else {
					calls++
				}
			}
			if from+calls+retries >= len(events) {
				break // less than ten seconds are left
			}
			const edges = 2 // the last retry looked at ten seconds that began a moment before these
			if retries > max(calls*20/100+edges, 3*budgetSpan) {
				t.Fatalf("in ten seconds from %v there were %d retries for %d calls", events[from].at, retries, calls)
			}
		}
		if granted < 1000 {
			t.Errorf("only %d retries were granted", granted)
		}
	})
}

// With few calls there are still some retries, and the count begins anew after a silence.
func TestTheBudgetHasAMinimum(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(BudgetConfig{Percent: 20, MinPerSecond: 3})
		for range 3 {
			for n := range 30 {
				if !b.retry() {
					t.Fatalf("retry %d is refused", n+1)
				}
			}
			if b.retry() {
				t.Error("a retry more than the minimum of ten seconds")
			}
			time.Sleep((budgetSpan + 1) * time.Second)
		}
	})
}
