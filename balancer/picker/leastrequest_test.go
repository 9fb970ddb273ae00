// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

// must returns a policy that has to be right.
func must[P any](tb testing.TB) func(p P, err error) P {
	return func(p P, err error) P {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
}

func leastRequest(tb testing.TB, cfg picker.LeastRequestConfig) picker.Policy {
	tb.Helper()
	return must[*picker.LeastRequest](tb)(picker.NewLeastRequest(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestLeastRequest(t *testing.T) {
	pickertest.Run(t, leastRequest(t, picker.LeastRequestConfig{}), pickertest.Traits{Spread: 0.15})
}

//nolint:paralleltest // the contract counts allocations
func TestLeastRequestOfTwo(t *testing.T) {
	pickertest.Run(t, leastRequest(t, picker.LeastRequestConfig{FullScan: 1}), pickertest.Traits{Spread: 0.15})
}

func BenchmarkLeastRequest(b *testing.B) {
	pickertest.Bench(b, leastRequest(b, picker.LeastRequestConfig{}))
}

// fill places n calls that do not end and returns how many each candidate of view has then.
func fill(tb testing.TB, p picker.Picker, view picker.View, n int) []int64 {
	tb.Helper()
	for i := range n {
		c, err := p.Pick(picker.Info{Random: rand.Uint64(), Call: &picker.Call{}, Now: view.Now + 1, Method: "/s/m"})
		if err != nil {
			tb.Fatalf("pick %d: %v", i, err)
		}
		c.Stats.Begin()
	}
	got := make([]int64, len(view.Ready))
	for i, c := range view.Ready {
		got[i] = c.Stats.InFlight()
	}
	return got
}

func TestLeastRequestLevelsTheLoad(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 10)
	for range 30 {
		view.Ready[3].Stats.Begin() // a busy one
	}
	p := leastRequest(t, picker.LeastRequestConfig{}).Next(nil, view)
	for i, got := range fill(t, p, view, 90) {
		if want := map[bool]int64{false: 10, true: 30}[i == 3]; got != want {
			t.Errorf("endpoint %d has %d in flight, want %d", i, got, want)
		}
	}
}

func TestLeastRequestHeedsWeights(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 4)
	for i, c := range view.Ready {
		c.Weight = float64(i + 1)
	}
	p := leastRequest(t, picker.LeastRequestConfig{}).Next(nil, view)
	for i, got := range fill(t, p, view, 100) {
		if want := int64(i+1) * 10; got < want-1 || got > want+1 {
			t.Errorf("endpoint %d of weight %d has %d in flight, want %d", i, i+1, got, want)
		}
	}
}

// Beyond the full scan two are compared: a busy endpoint is still avoided, though not always.
func TestLeastRequestOfTwoAvoidsTheBusy(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 100)
	for _, c := range view.Ready[:10] {
		for range 50 {
			c.Stats.Begin()
		}
	}
	p := leastRequest(t, picker.LeastRequestConfig{}).Next(nil, view)
	got := fill(t, p, view, 1000)
	busy := int64(0)
	for _, n := range got[:10] {
		busy += n - 50
	}
	// Both of two are busy in one draw of a hundred.
	if busy > 40 {
		t.Errorf("busy endpoints had %d of 1000 calls", busy)
	}
	for i, n := range got[10:] {
		if n == 0 || n > 30 {
			t.Errorf("endpoint %d has %d calls", i+10, n)
		}
	}
}

func TestScansRefuse(t *testing.T) {
	t.Parallel()
	_, least := picker.NewLeastRequest(picker.LeastRequestConfig{FullScan: -1, Choices: 1})
	_, peak := picker.NewPeakEWMA(picker.PeakEWMAConfig{Decay: -1})
	for err, wants := range map[error][]string{
		least: {"least_request: full scan is -1; it must be 1 to 1024", "least_request: choices is 1; it must be 2 to 1024"},
		peak:  {"peak_ewma: decay is -1ns; it must be 1ms or more"},
	} {
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		}
	}
}
