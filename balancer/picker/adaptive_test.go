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

func adaptive(tb testing.TB, cfg picker.AdaptiveConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Adaptive](tb)(picker.NewAdaptive(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestAdaptive(t *testing.T) {
	pickertest.Run(t, adaptive(t, picker.AdaptiveConfig{}), pickertest.Traits{Spread: 0.15})
}

//nolint:paralleltest // the contract counts allocations
func TestAdaptiveWithOtherPowers(t *testing.T) {
	pickertest.Run(t, adaptive(t, picker.AdaptiveConfig{SlownessPower: 3, QualityPower: 1, FullScan: 4, Choices: 3}), pickertest.Traits{Spread: 0.15})
}

func BenchmarkAdaptive(b *testing.B) { pickertest.Bench(b, adaptive(b, picker.AdaptiveConfig{})) }

// busy keeps so many calls in flight, the oldest of which ends at each step, and returns how many each endpoint had of n.
func busy(h *pickertest.Host, inFlight, n int, took func(i int) time.Duration, result func(i int) picker.Result) []int {
	type under struct {
		*pickertest.Placed

		until time.Duration
	}
	got := make([]int, len(h.View.All))
	var calls []under
	for placed := 0; placed < n; {
		for len(calls) < inFlight && placed < n {
			p := h.Place(nil)
			i := h.Index(p.Candidate)
			got[i]++
			placed++
			calls = append(calls, under{p, h.Now() + took(i)})
		}
		first := 0
		for k := range calls {
			if calls[k].until < calls[first].until {
				first = k
			}
		}
		c := calls[first]
		calls = append(calls[:first], calls[first+1:]...)
		h.Pass(c.until - h.Now())
		c.End(result(h.Index(c.Candidate)))
	}
	for _, c := range calls {
		h.Pass(max(c.until-h.Now(), 0))
		c.End(picker.Success)
	}
	return got
}

func same(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// slowAt is 10 ms, and d on endpoint 0.
func slowAt(d time.Duration) func(int) time.Duration {
	return func(i int) time.Duration {
		if i == 0 {
			return d
		}
		return 10 * time.Millisecond
	}
}

// Fault 7: a slow endpoint gets little, and what it is worth again when it has recovered.
func TestFault07AdaptiveShunsTheSlow(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{}), 4)
	busy(h, 12, 1000, same(10*time.Millisecond), pickertest.Well)
	if got := busy(h, 12, 2000, slowAt(30*time.Millisecond), pickertest.Well); got[0] > 150 || got[0] < 10 {
		t.Errorf("an endpoint at a third of the speed had %d of 2000 calls", got[0])
	}
	busy(h, 12, 6000, same(10*time.Millisecond), pickertest.Well) // five seconds
	if got := busy(h, 12, 2000, same(10*time.Millisecond), pickertest.Well); got[0] < 350 {
		t.Errorf("after it had recovered it had %d of 2000 calls", got[0])
	}
	// 2 s of delay: at most one call in twenty within ten seconds.
	if got := busy(h, 12, 10_000, slowAt(2*time.Second), pickertest.Well); got[0] > 100 {
		t.Errorf("an endpoint that takes 2s had %d of 10000 calls", got[0])
	}
}

// Fault 3: an endpoint that has gone quiet looks slow before the first call times out.
func TestFault03AdaptiveNoticesSilence(t *testing.T) {
	t.Parallel()
	quiet := func(cfg picker.AdaptiveConfig) (stuck int) {
		h := pickertest.NewHost(t, adaptive(t, cfg), 4)
		busy(h, 12, 1000, same(10*time.Millisecond), pickertest.Well)
		for range 100 { // one second
			var here []*pickertest.Placed
			for range 12 {
				p := h.Place(nil)
				if h.Index(p.Candidate) == 0 {
					stuck++
					continue // never ends
				}
				here = append(here, p)
			}
			h.Pass(10 * time.Millisecond)
			for _, p := range here {
				p.End(picker.Success)
			}
		}
		return stuck
	}
	with, without := quiet(picker.AdaptiveConfig{}), quiet(picker.AdaptiveConfig{Without: picker.Age})
	if with > 12 || with >= without {
		t.Errorf("%d of 1200 calls were lost on an endpoint that has gone quiet, %d without the term", with, without)
	}
}

// Fault 10: failing fast does not attract calls, and what all endpoints suffer from changes nothing.
func TestFault10AdaptiveJudgesQuality(t *testing.T) {
	t.Parallel()
	fast := func(i int) time.Duration {
		if i == 0 {
			return 100 * time.Microsecond
		}
		return 10 * time.Millisecond
	}
	fails := func(i int) picker.Result {
		if i == 0 {
			return picker.Failure
		}
		return picker.Success
	}
	h := pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{}), 4)
	if got := busy(h, 12, 5000, fast, fails); got[0] > 20 {
		t.Errorf("an endpoint that fails fast had %d of 5000 calls", got[0])
	}
	h = pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{Without: picker.Quality}), 4)
	if got := busy(h, 12, 5000, fast, fails); got[0] < 4000 {
		t.Errorf("without the term it had %d of 5000 calls: the scenario is none", got[0])
	}
	h = pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{}), 4)
	n := 0
	third := func(int) picker.Result {
		n++
		return map[bool]picker.Result{true: picker.Failure, false: picker.Success}[n%3 == 0]
	}
	busy(h, 12, 5000, same(10*time.Millisecond), third)
	for i, n := range busy(h, 12, 5000, same(10*time.Millisecond), third) {
		if n < 250 || n > 3000 {
			t.Errorf("where a third of all calls fail, endpoint %d had %d of 5000", i, n)
		}
	}
}

// ended is the end of a call of a method, which the picker has not placed.
func ended(p picker.Picker, c *picker.Candidate, method string, now, took time.Duration, r picker.Result, call *picker.Call) {
	if f, ok := p.(picker.Finisher); ok {
		f.Finish(c, picker.Outcome{Method: method, Call: call, Now: now, Latency: took, First: -1, Result: r})
	}
}

// even says whether an idle picker gives each endpoint its share.
func even(t *testing.T, p picker.Picker, view picker.View, now time.Duration) {
	t.Helper()
	got := map[*picker.Stats]int{}
	for range 4000 {
		c, err := p.Pick(picker.Info{Now: now, Random: rand.Uint64(), Call: &picker.Call{Streaming: true}})
		if err != nil {
			t.Fatal(err)
		}
		got[c.Stats]++
	}
	for i, c := range view.Ready {
		if n, want := got[c.Stats], 4000/len(view.Ready); n < want/2 {
			t.Errorf("endpoint %d had %d of 4000 calls, want about %d", i, n, want)
		}
	}
}

// An endpoint that happens to get the slow method is not slow.
func TestAdaptiveComparesWithinAMethod(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 3)
	p := adaptive(t, picker.AdaptiveConfig{Without: picker.Age}).Next(nil, view)
	now := time.Hour
	call := &picker.Call{} // not counted as waiting: it is ended, not placed
	for k := range 1200 {
		now += time.Millisecond
		method, took := "/s/Fast", time.Millisecond
		c := view.Ready[k%3]
		if c == view.Ready[0] || k%30 == 1 {
			method, took = "/s/Slow", 100*time.Millisecond
		}
		ended(p, c, method, now, took, picker.Success, call)
	}
	costs := func(slow *picker.Candidate) (n int) {
		for range 1000 {
			c, err := p.Pick(picker.Info{Now: now, Random: rand.Uint64(), Call: &picker.Call{Streaming: true}})
			if err != nil {
				t.Fatal(err)
			}
			if c == slow {
				n++
			}
		}
		return n
	}
	// All look about alike: which is the best of them is chance, but it need not be another than the one
	// with a hundred times the latency.
	view.Ready[1].Stats.Begin()
	view.Ready[2].Stats.Begin()
	if n := costs(view.Ready[0]); n != 1000 {
		t.Errorf("idle, the endpoint with the slow method had %d of 1000 calls", n)
	}
}

// What a stream's life takes, and how long it has been silent, is no slowness; a cancelled call is nothing.
func TestAdaptiveIgnoresStreamsLivesAndCancellations(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		call   *picker.Call
		result picker.Result
		took   time.Duration
	}{
		"streams":       {&picker.Call{Streaming: true}, picker.Success, time.Hour},
		"cancellations": {nil, picker.Neither, time.Hour},
	} {
		view := pickertest.NewView(t, 3)
		p := adaptive(t, picker.AdaptiveConfig{}).Next(nil, view)
		now := time.Hour
		for k := range 300 {
			now += time.Millisecond
			for range 3 {
				if _, err := p.Pick(picker.Info{Now: now, Random: rand.Uint64()}); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range view.Ready {
				ended(p, c, "/s/m", now, time.Millisecond, picker.Success, nil)
			}
			if k%10 == 0 {
				ended(p, view.Ready[0], "/s/m", now, tt.took, tt.result, tt.call)
			}
		}
		t.Log(name)
		even(t, p, view, now)
	}
}

// What an endpoint has done is forgotten when it reconnects, and fades while it is left alone.
func TestAdaptiveForgives(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(h *pickertest.Host){
		"a new connection": func(h *pickertest.Host) {
			again := *h.View.All[0]
			again.Since = h.Now()
			h.View.All[0] = &again
			h.Show()
		},
		"time": func(h *pickertest.Host) { h.Pass(2 * time.Minute) },
	} {
		h := pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{}), 4)
		bad := func(i int) picker.Result {
			if i == 0 {
				return picker.Failure
			}
			return picker.Success
		}
		busy(h, 4, 1000, slowAt(time.Second), bad)
		if got := busy(h, 4, 200, same(10*time.Millisecond), pickertest.Well); got[0] > 5 {
			t.Errorf("%s: before, it had %d of 200 calls", name, got[0])
		}
		back(h)
		if got := busy(h, 4, 400, same(10*time.Millisecond), pickertest.Well); got[0] < 60 {
			t.Errorf("%s: after it, it had %d of 400 calls", name, got[0])
		}
	}
}

func TestAdaptiveHeedsWeights(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, adaptive(t, picker.AdaptiveConfig{}), 3)
	h.View.All[0].Weight = 4
	h.Show()
	got := busy(h, 24, 6000, same(10*time.Millisecond), pickertest.Well)
	if share := float64(got[0]) / 6000; share < 0.55 || share > 0.75 {
		t.Errorf("an endpoint of weight 4 beside two of 1 had %.2f of the calls, want 0.67", share)
	}
}
