// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package outlier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func ejecting(tb testing.TB, cfg outlier.Config) picker.Policy {
	tb.Helper()
	if cfg.Policy == nil {
		cfg.Policy = picker.RoundRobin{}
	}
	p, err := outlier.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

//nolint:paralleltest // the contract counts allocations
func TestContract(t *testing.T) {
	pickertest.Run(t, ejecting(t, outlier.Config{}), pickertest.Traits{Spread: 0.01})
}

//nolint:paralleltest // the contract counts allocations
func TestContractAroundAdaptive(t *testing.T) {
	a, err := picker.NewAdaptive(picker.AdaptiveConfig{})
	if err != nil {
		t.Fatal(err)
	}
	pickertest.Run(t, ejecting(t, outlier.Config{Policy: a}), pickertest.Traits{Spread: 0.15})
}

func BenchmarkRoundRobin(b *testing.B) { pickertest.Bench(b, ejecting(b, outlier.Config{})) }

func BenchmarkAdaptive(b *testing.B) {
	a, err := picker.NewAdaptive(picker.AdaptiveConfig{})
	if err != nil {
		b.Fatal(err)
	}
	pickertest.Bench(b, ejecting(b, outlier.Config{Policy: a}))
}

// bad fails the calls of one endpoint.
func bad(which int) func(int) picker.Result {
	return func(i int) picker.Result {
		if i == which {
			return picker.Failure
		}
		return picker.Success
	}
}

// Fault 9: an endpoint that always fails is out after five failures.
func TestFault09FailuresInARowEject(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{}), 4)
	got := h.Share(400, time.Millisecond, bad(2))
	if got[2] != 5 {
		t.Errorf("the endpoint that fails had %d calls, want 5", got[2])
	}
	for _, i := range []int{0, 1, 3} {
		if got[i] < 125 || got[i] > 140 {
			t.Errorf("endpoint %d had %d of 400 calls", i, got[i])
		}
	}
	v := h.Explain(2)
	if !v.Out || v.Reason != "ejected: 5 failures in a row" || v.Since == 0 || v.Until != v.Since+outlier.DefaultBaseTime {
		t.Errorf("it says %+v", v)
	}
	if v := h.Explain(1); v.Out || v.Reason != "" {
		t.Errorf("of a good one it says %+v", v)
	}
}

// Fault 3: after one failure an endpoint that the policy within avoids is out too, when others succeed meanwhile.
func TestFault03FailingForLongEjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		cfg     outlier.Config
		fails   int // failures of endpoint 0
		others  picker.Result
		success bool // of endpoint 0, afterwards
		want    string
	}{
		{"two failures", outlier.Config{}, 2, picker.Success, false, "ejected: no success for 1s, failures: 2"},
		{"one failure", outlier.Config{}, 1, picker.Success, false, "ejected: no success for 1s, failures: 1"},
		{"a success after them", outlier.Config{}, 2, picker.Success, true, ""},
		{"nobody succeeds", outlier.Config{}, 2, picker.Neither, false, ""},
		{"off", outlier.Config{FailingFor: outlier.Off}, 2, picker.Success, false, ""},
	} {
		h := pickertest.NewHost(t, ejecting(t, tt.cfg), 2)
		for left := tt.fails; left > 0; {
			p := h.Place(nil)
			if h.Index(p.Candidate) == 0 {
				p.End(picker.Failure)
				left--
			} else {
				p.End(tt.others)
			}
		}
		for range 20 { // a second and a half in which the other gets the calls
			h.Pass(75 * time.Millisecond)
			p := h.Place(nil)
			if h.Index(p.Candidate) != 0 {
				p.End(tt.others)
			} else if tt.success {
				p.End(picker.Success)
			}
		}
		if got := h.Explain(0).Reason; got != tt.want {
			t.Errorf("%s: it says %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A success between failures is no row, and a client that goes away says nothing.
func TestOnlyFailuresInARowCount(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{FailureShare: outlier.Off}), 2)
	results := []picker.Result{picker.Failure, picker.Failure, picker.Neither, picker.Failure, picker.Failure, picker.Success}
	n := 0
	got := h.Share(120, time.Millisecond, func(i int) picker.Result {
		if i == 0 {
			return picker.Success
		}
		n++
		return results[n%len(results)]
	})
	if got[1] != 60 {
		t.Errorf("an endpoint with four failures in a row had %d of 120 calls, want 60", got[1])
	}
}

// One call is placed on what is out when its time is over, the next when that has ended; the time doubles up to its limit.
func TestTrials(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{}), 3)
	h.Share(40, time.Millisecond, bad(0))
	ejected := h.Explain(0).Since
	trial := func() *pickertest.Placed {
		t.Helper()
		var found *pickertest.Placed
		for range 30 {
			p := h.Place(nil)
			if h.Index(p.Candidate) != 0 {
				p.End(picker.Success)
				continue
			}
			if found != nil {
				t.Fatal("two trials at a time")
			}
			found = p
		}
		return found
	}
	for i, pause := range []time.Duration{1, 2, 4, 4, 4} {
		pause *= time.Second
		h.Pass(ejected + pause - h.Now() - time.Millisecond)
		if trial() != nil {
			t.Fatalf("trial %d came before %v", i, pause)
		}
		h.Pass(time.Millisecond)
		p := trial()
		if p == nil {
			t.Fatalf("trial %d did not come after %v", i, pause)
		}
		h.Pass(10 * time.Millisecond)
		p.End(picker.Failure)
		ejected = h.Now()
	}
	h.Pass(5 * time.Second)
	p := trial()
	h.Pass(time.Second)
	p.End(picker.Neither) // says nothing: the next one may
	p = trial()
	p.End(picker.Success)
	h.Pass(time.Millisecond)
	if v := h.Explain(0); v.Out {
		t.Errorf("after a good trial it says %+v", v)
	}
	if got := h.Share(30, time.Millisecond, pickertest.Well); got[0] != 10 {
		t.Errorf("after a good trial it had %d of 30 calls", got[0])
	}
}

// A trial that does not end does not keep an endpoint out for ever, and is no news when it does end.
func TestAStuckTrialIsNotTheLast(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{}), 2)
	h.Share(20, time.Millisecond, bad(0))
	h.Pass(time.Second)
	stuck := h.Place(nil)
	h.Pass(9 * time.Second)
	if p := h.Place(nil); h.Index(p.Candidate) == 0 {
		t.Fatal("a second trial within ten seconds")
	}
	h.Pass(time.Second)
	second := h.Place(nil)
	if h.Index(stuck.Candidate) != 0 || h.Index(second.Candidate) != 0 {
		t.Fatal("no trials")
	}
	second.End(picker.Success)
	h.Pass(time.Millisecond)
	stuck.End(picker.Failure)
	h.Pass(time.Millisecond)
	if v := h.Explain(0); v.Out {
		t.Errorf("the old trial has ejected it again: %+v", v)
	}
}

func TestStreamsAreNoTrials(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{}), 2)
	h.Share(20, time.Millisecond, bad(0))
	h.Pass(2 * time.Second)
	for range 10 {
		if p := h.Place(&picker.Call{Streaming: true}); h.Index(p.Candidate) == 0 {
			t.Fatal("a stream was the trial")
		}
	}
	if p := h.Place(&picker.Call{}); h.Index(p.Candidate) != 0 {
		t.Error("no trial")
	}
}

// Fault 2: what comes back with a new connection is tried at once.
func TestFault02ANewConnectionIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{BaseTime: time.Minute}), 2)
	h.Share(20, time.Millisecond, bad(0))
	again := *h.View.All[0]
	again.Since = h.Now()
	h.View.All = []*picker.Candidate{&again, h.View.All[1]}
	h.View.Ready = h.View.All
	h.Show()
	p := h.Place(nil)
	if h.Index(p.Candidate) != 0 {
		t.Fatal("no trial")
	}
	p.End(picker.Success)
	h.Pass(time.Millisecond)
	if got := h.Share(20, time.Millisecond, pickertest.Well); got[0] != 10 {
		t.Errorf("it had %d of 20 calls", got[0])
	}
}

// Fault 11: never more than half are out, those without a connection among them.
func TestFault11AtMostHalfAreOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		all, ready     int
		maxOut         float64
		bad, out, used int
	}{
		{"two of three bad", 3, 3, 0, 2, 1, 2},
		{"all of four bad", 4, 4, 0, 4, 2, 2},
		{"one of two bad", 2, 2, 0, 1, 1, 1},
		{"the only one is bad", 1, 1, 0, 1, 0, 1},
		{"half have no connection", 4, 2, 0, 1, 0, 2},
		{"one in ten may be", 10, 10, 0.1, 3, 1, 9},
	} {
		h := pickertest.NewHost(t, ejecting(t, outlier.Config{MaxOut: tt.maxOut, BaseTime: time.Hour}), tt.all)
		h.View.Ready = h.View.All[:tt.ready]
		h.Show()
		fails := func(i int) picker.Result {
			if i < tt.bad {
				return picker.Failure
			}
			return picker.Success
		}
		h.Share(100*tt.all, time.Millisecond, fails)
		out, used := 0, 0
		for i := range h.View.All {
			if h.Explain(i).Out {
				out++
			}
		}
		for _, n := range h.Share(100*tt.all, time.Millisecond, fails) {
			if n > 0 {
				used++
			}
		}
		if out != tt.out || used != tt.used {
			t.Errorf("%s: %d out and %d used, want %d and %d", tt.name, out, used, tt.out, tt.used)
		}
	}
}

// More endpoints that are lost after an ejection: the ejected ones are used again rather than too few.
func TestEjectedAreUsedWhenOthersAreLost(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{BaseTime: time.Hour}), 4)
	h.Share(40, time.Millisecond, bad(0))
	h.View.Ready = h.View.All[:2]
	h.Show()
	if got := h.Share(20, time.Millisecond, pickertest.Well); got[0] != 10 {
		t.Errorf("with two of four lost the ejected one had %d of 20 calls", got[0])
	}
	if v := h.Explain(0); v.Out || !strings.Contains(v.Reason, "5 failures in a row; used all the same: 1 of 4 are healthy") {
		t.Errorf("it says %+v", v)
	}
}

func TestFailureShareEjects(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{Interval: time.Second, BaseTime: time.Hour}), 4)
	n := 0
	h.Share(4000, time.Millisecond, func(i int) picker.Result {
		if i != 1 {
			return picker.Success
		}
		if n++; n%3 == 0 { // never three in a row
			return picker.Success
		}
		return picker.Failure
	})
	v := h.Explain(1)
	if !v.Out || !strings.Contains(v.Reason, "calls failed") {
		t.Errorf("it says %+v", v)
	}
}

// A50's success rate, and latency: what is far from the others.
func TestOutliersAmongManyEject(t *testing.T) {
	t.Parallel()
	n := 0
	for _, tt := range []struct {
		name   string
		cfg    outlier.Config
		result func(i int) picker.Result
		took   func(i int) time.Duration
		want   string
	}{
		{
			"success rate",
			outlier.Config{SuccessDeviations: 1.9, FailureShare: outlier.Off, BaseTime: time.Hour},
			func(i int) picker.Result {
				if i != 3 {
					return picker.Success
				}
				if n++; n%4 == 0 {
					return picker.Failure
				}
				return picker.Success
			}, func(int) time.Duration { return time.Millisecond }, "success rate",
		},
		{
			"latency",
			outlier.Config{LatencyFactor: 5},
			pickertest.Well,
			func(i int) time.Duration {
				if i == 3 {
					return 10 * time.Millisecond
				}
				return time.Millisecond
			}, "mean latency 10ms, the others' median is 1ms",
		},
	} {
		tt.cfg.Interval = time.Second
		h := pickertest.NewHost(t, ejecting(t, tt.cfg), 6)
		call := func() int {
			p := h.Place(nil)
			i := h.Index(p.Candidate)
			h.Pass(tt.took(i))
			p.End(tt.result(i))
			return i
		}
		for h.Explain(3).Reason == "" {
			if call(); h.Now() > time.Hour+10*time.Second {
				break
			}
		}
		v := h.Explain(3)
		if !v.Out || !strings.Contains(v.Reason, tt.want) {
			t.Errorf("%s: it says %+v", tt.name, v)
			continue
		}
		for _, i := range []int{0, 1, 2, 4, 5} {
			if h.Explain(i).Out {
				t.Errorf("%s: %d is out: %v", tt.name, i, h.Explain(i).Reason)
			}
		}
		if tt.name != "latency" {
			continue
		}
		// A trial that is as slow as before is not good.
		h.Pass(time.Second)
		if call() != 3 || !h.Explain(3).Out {
			t.Errorf("%s: after a slow trial it says %+v", tt.name, h.Explain(3))
		}
	}
}

// Around the adaptive policy: a trial is none of its calls, and who comes back is used at once.
func TestAdaptiveWithin(t *testing.T) {
	t.Parallel()
	a, err := picker.NewAdaptive(picker.AdaptiveConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := pickertest.NewHost(t, ejecting(t, outlier.Config{Policy: a, Consecutive: 1}), 4)
	h.Share(400, 10*time.Millisecond, bad(0))
	if !h.Explain(0).Out {
		t.Fatal("it is not out")
	}
	h.Pass(10 * time.Second)
	got := h.Share(400, 10*time.Millisecond, pickertest.Well)
	if got[0] < 60 || got[0] > 140 {
		t.Errorf("after its return it had %d of 400 calls", got[0])
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := outlier.New(outlier.Config{
		Consecutive: -2, FailingFor: 1, FailureShare: 2, SuccessDeviations: -3, LatencyFactor: 0.5, Interval: time.Millisecond,
		MinCalls: -1, MinEndpoints: 1, BaseTime: time.Second, MaxTime: time.Millisecond, MaxOut: 1,
	})
	if err == nil {
		t.Fatal("want an error")
	}
	for _, want := range []string{
		"policy is nil", "consecutive is -2", "failing for is 1ns", "failure share is 2", "success deviations is -3", "latency factor is 0.5",
		"interval is 1ms; it must be 10ms or more", "min calls is -1", "min endpoints is 1", "max time is 1ms; it must be base time, 1s", "max out is 1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
}

// Around everything else.
//
//nolint:paralleltest // the contract counts allocations
func TestContractAroundWrappers(t *testing.T) {
	within, err := picker.NewWeightedRoundRobin(picker.WeightedRoundRobinConfig{})
	if err != nil {
		t.Fatal(err)
	}
	zone, err := picker.NewZone(picker.ZoneConfig{Policy: within, Local: "a"})
	if err != nil {
		t.Fatal(err)
	}
	priority, err := picker.NewPriority(picker.PriorityConfig{Policy: zone})
	if err != nil {
		t.Fatal(err)
	}
	slow, err := picker.NewSlowStart(picker.SlowStartConfig{Policy: priority})
	if err != nil {
		t.Fatal(err)
	}
	pickertest.Run(t, ejecting(t, outlier.Config{Policy: slow}), pickertest.Traits{Spread: 0.01})
}
