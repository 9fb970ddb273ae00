// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func peakEWMA(tb testing.TB) picker.Policy {
	tb.Helper()
	return must[*picker.PeakEWMA](tb)(picker.NewPeakEWMA(picker.PeakEWMAConfig{}))
}

//nolint:paralleltest // the contract counts allocations
func TestPeakEWMA(t *testing.T) {
	pickertest.Run(t, peakEWMA(t), pickertest.Traits{Spread: 0.15})
}

func BenchmarkPeakEWMA(b *testing.B) { pickertest.Bench(b, peakEWMA(b)) }

// end ends a call on c at now that took d.
func end(p picker.Picker, c *picker.Candidate, now, d time.Duration, r picker.Result) {
	c.Stats.End(r, d, int64(now))
	if f, ok := p.(picker.Finisher); ok {
		f.Finish(c, picker.Outcome{Method: "/s/m", Now: now, Latency: d, First: -1, Result: r})
	}
}

func TestPeakEWMAShunsTheSlowAndForgives(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 2)
	p := peakEWMA(t).Next(nil, view)
	pick := func(now time.Duration) *picker.Candidate {
		c, err := p.Pick(picker.Info{Now: now, Random: rand.Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		c.Stats.Begin()
		return c
	}
	slow := view.Ready[0]
	now := time.Duration(0)
	onSlow := func(latency time.Duration, calls int) (got int) {
		for range calls {
			now += 10 * time.Millisecond
			c := pick(now)
			d := 10 * time.Millisecond
			if c == slow {
				got++
				d = latency
			}
			end(p, c, now, d, picker.Success)
		}
		return got
	}
	onSlow(10*time.Millisecond, 100)
	// One peak is enough.
	for pick(now) != slow {
		end(p, view.Ready[1], now, 10*time.Millisecond, picker.Success)
	}
	end(p, slow, now, time.Second, picker.Success)
	if got := onSlow(time.Second, 500); got != 0 {
		t.Errorf("an endpoint that took a second had %d of 500 calls", got)
	}
	// What was learnt outlives the picker.
	p = peakEWMA(t).Next(p, view)
	if got := onSlow(time.Second, 500); got != 0 {
		t.Errorf("after a change of picker it had %d of 500 calls", got)
	}
	// Left alone, it is forgiven, and used again once it answers as fast as the other.
	now += 2 * time.Minute
	onSlow(10*time.Millisecond, 20)
	if got := onSlow(10*time.Millisecond, 500); got < 100 {
		t.Errorf("after two minutes it had %d of 500 calls", got)
	}
}
