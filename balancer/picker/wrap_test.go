// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func slowStart(tb testing.TB, cfg picker.SlowStartConfig) picker.Policy {
	tb.Helper()
	return must[*picker.SlowStart](tb)(picker.NewSlowStart(cfg))
}

func priority(tb testing.TB, cfg picker.PriorityConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Priority](tb)(picker.NewPriority(cfg))
}

func zone(tb testing.TB, cfg picker.ZoneConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Zone](tb)(picker.NewZone(cfg))
}

func sticky(tb testing.TB, cfg picker.StickyConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Sticky](tb)(picker.NewSticky(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestWrappers(t *testing.T) {
	within := weighted(t, picker.WeightedRoundRobinConfig{})
	for name, tt := range map[string]struct {
		policy picker.Policy
		traits pickertest.Traits
	}{
		"slow start": {slowStart(t, picker.SlowStartConfig{Policy: within}), pickertest.Traits{Spread: 0.01}},
		"priority":   {priority(t, picker.PriorityConfig{Policy: within}), pickertest.Traits{Spread: 0.01}},
		"zone":       {zone(t, picker.ZoneConfig{Policy: within, Local: "a"}), pickertest.Traits{Spread: 0.01}},
		"sticky":     {sticky(t, picker.StickyConfig{Keyed: maglev(t, picker.MaglevConfig{}), Policy: within}), pickertest.Traits{Spread: 0.05}},
		"all": {slowStart(t, picker.SlowStartConfig{Policy: priority(t, picker.PriorityConfig{Policy: zone(t, picker.ZoneConfig{
			Local: "a", Policy: sticky(t, picker.StickyConfig{Keyed: maglev(t, picker.MaglevConfig{}), Policy: adaptive(t, picker.AdaptiveConfig{})}),
		})})}), pickertest.Traits{Spread: 0.05}},
	} {
		t.Run(name, func(t *testing.T) { pickertest.Run(t, tt.policy, tt.traits) })
	}
}

func BenchmarkWrappers(b *testing.B) {
	pickertest.Bench(b, slowStart(b, picker.SlowStartConfig{Policy: priority(b, picker.PriorityConfig{Policy: zone(b, picker.ZoneConfig{
		Local: "a", Policy: sticky(b, picker.StickyConfig{Keyed: maglev(b, picker.MaglevConfig{}), Policy: picker.RoundRobin{}}),
	})})}))
}

// Fault 41: the share of a fresh endpoint ramps up over the window, and is never nothing.
func TestFault41SlowStartRamps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		cfg   picker.SlowStartConfig
		parts []float64 // of an even share, after each quarter of the window
	}{
		{"straight", picker.SlowStartConfig{}, []float64{0.1, 0.25, 0.5, 0.75, 1}},
		{"fast at first", picker.SlowStartConfig{Aggression: 2}, []float64{0.1, 0.5, 0.707, 0.866, 1}},
		{"from a half", picker.SlowStartConfig{LeastWeight: 0.5, Window: 4 * time.Second}, []float64{0.5, 0.5, 0.5, 0.75, 1}},
	} {
		tt.cfg.Policy = weighted(t, picker.WeightedRoundRobinConfig{})
		h := pickertest.NewHost(t, slowStart(t, tt.cfg), 4)
		h.Pass(time.Minute)
		fresh := *h.View.All[0]
		fresh.Since = h.Now()
		h.View.All[0] = &fresh
		h.Show()
		window := tt.cfg.Window
		if window == 0 {
			window = picker.DefaultWindow
		}
		for i, want := range tt.parts {
			got := h.Share(1200, 0, pickertest.Well)
			part := float64(got[0]) / float64(got[1])
			if math.Abs(part-want) > 0.03 {
				t.Errorf("%s: after %d quarters it has %.3f of another's share, want %.3f", tt.name, i, part, want)
			}
			v := h.Explain(0)
			if want < 1 && (math.Abs(v.Weight-want) > 0.03 || !strings.HasPrefix(v.Reason, "slow start: ") || v.Out) {
				t.Errorf("%s: after %d quarters it says %+v", tt.name, i, v)
			}
			h.Pass(window / 4)
		}
		if v := h.Explain(0); v.Reason != "" {
			t.Errorf("%s: in the end it says %+v", tt.name, v)
		}
	}
}

// place replaces the endpoints of a host by such of these zones and priorities; the first ready ones are.
func place(tb testing.TB, h *pickertest.Host, specs []endpoint.Spec, ready ...int) {
	tb.Helper()
	h.View.Ready = nil
	for i := range specs {
		specs[i].Addresses = []string{fmt.Sprintf("10.0.0.%d:1", i+1)}
		e, err := endpoint.New(specs[i])
		if err != nil {
			tb.Fatal(err)
		}
		h.View.All[i].Endpoint = e
	}
	for _, i := range ready {
		h.View.Ready = append(h.View.Ready, h.View.All[i])
	}
	h.Show()
}

// near says whether shares of calls are what they should be, within three percent of all.
func near(t *testing.T, name string, got []int, want []float64) {
	t.Helper()
	all := 0
	for _, n := range got {
		all += n
	}
	for i, w := range want {
		if share := float64(got[i]) / float64(all); math.Abs(share-w) > 0.03 {
			t.Errorf("%s: endpoint %d had %.3f of the calls, want %.3f", name, i, share, w)
		}
	}
}

func TestPriorityFailsOver(t *testing.T) {
	t.Parallel()
	levels := []endpoint.Spec{{}, {}, {}, {}, {Priority: 1}, {Priority: 1}, {Priority: 5}}
	for _, tt := range []struct {
		name  string
		ready []int
		want  []float64
	}{
		{"all well", []int{0, 1, 2, 3, 4, 5, 6}, []float64{0.25, 0.25, 0.25, 0.25, 0, 0, 0}},
		{"three of four carry it", []int{0, 1, 2, 4, 5, 6}, []float64{0.333, 0.333, 0.333, 0, 0, 0, 0}},
		{"half of them carry seven tenths", []int{0, 1, 4, 5, 6}, []float64{0.35, 0.35, 0, 0, 0.15, 0.15, 0}},
		{"none of them", []int{4, 5, 6}, []float64{0, 0, 0, 0, 0.5, 0.5, 0}},
		{"none and half", []int{5, 6}, []float64{0, 0, 0, 0, 0, 0.7, 0.3}},
		{"too few in all", []int{0, 5}, []float64{0.333, 0, 0, 0, 0, 0.667, 0}},
		{"the last", []int{6}, []float64{0, 0, 0, 0, 0, 0, 1}},
	} {
		h := pickertest.NewHost(t, priority(t, picker.PriorityConfig{Policy: picker.RoundRobin{}}), len(levels))
		place(t, h, levels, tt.ready...)
		near(t, tt.name, h.Share(4000, time.Millisecond, pickertest.Well), tt.want)
	}
}

func TestZoneKeepsCallsLocal(t *testing.T) {
	t.Parallel()
	three := []endpoint.Spec{{Zone: "a"}, {Zone: "a"}, {Zone: "b"}, {Zone: "b"}, {Zone: "c"}, {Zone: "c"}}
	all := []int{0, 1, 2, 3, 4, 5}
	for _, tt := range []struct {
		name  string
		cfg   picker.ZoneConfig
		specs []endpoint.Spec
		ready []int
		want  []float64
	}{
		{"enough", picker.ZoneConfig{}, three, all, []float64{0.5, 0.5, 0, 0, 0, 0}},
		// One of six endpoints for a third of the calls: it may have 1.4 times its sixth... of five that are left.
		{"half of the zone is lost", picker.ZoneConfig{}, three, []int{0, 2, 3, 4, 5}, []float64{0.84, 0, 0.04, 0.04, 0.04, 0.04}},
		{"without headroom", picker.ZoneConfig{Headroom: 1}, three, []int{0, 2, 3, 4, 5}, []float64{0.6, 0, 0.1, 0.1, 0.1, 0.1}},
		{"the zone is lost", picker.ZoneConfig{}, three, []int{2, 3, 4, 5}, []float64{0, 0, 0.25, 0.25, 0.25, 0.25}},
		{"all the others are", picker.ZoneConfig{}, three, []int{1}, []float64{0, 1, 0, 0, 0, 0}},
		{"most calls begin here", picker.ZoneConfig{Share: 0.8, Headroom: 1}, three, all, []float64{0.208, 0.208, 0.146, 0.146, 0.146, 0.146}},
		{"unknown zones are others", picker.ZoneConfig{Headroom: 1}, []endpoint.Spec{{Zone: "a"}, {}, {}, {}}, []int{0, 1, 2, 3}, []float64{0.25, 0.25, 0.25, 0.25}},
	} {
		tt.cfg.Policy, tt.cfg.Local = picker.RoundRobin{}, "a"
		h := pickertest.NewHost(t, zone(t, tt.cfg), len(tt.specs))
		place(t, h, tt.specs, tt.ready...)
		near(t, tt.name, h.Share(6000, time.Millisecond, pickertest.Well), tt.want)
	}
}

func TestZoneCountsWeights(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, zone(t, picker.ZoneConfig{Policy: weighted(t, picker.WeightedRoundRobinConfig{}), Local: "a", Headroom: 1}), 3)
	h.View.All[0].Weight, h.View.All[2].Weight = 0.5, 2
	place(t, h, []endpoint.Spec{{Zone: "a"}, {Zone: "b"}, {Zone: "b"}}, 0, 1, 2)
	// A seventh of the weight for half of the calls.
	near(t, "weights", h.Share(6000, time.Millisecond, pickertest.Well), []float64{0.286, 0.238, 0.476})
}

func TestStickyKeepsKeysTogether(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, sticky(t, picker.StickyConfig{
		Keyed:  maglev(t, picker.MaglevConfig{Bound: picker.Unbounded}),
		Policy: leastRequest(t, picker.LeastRequestConfig{}),
	}), 4)
	own := h.Index(h.Place(&picker.Call{Key: "user"}).Candidate)
	for range 50 {
		if got := h.Index(h.Place(&picker.Call{Key: "user"}).Candidate); got != own {
			t.Fatalf("the key went to %d, then to %d", own, got)
		}
	}
	for range 60 {
		if got := h.Index(h.Place(&picker.Call{}).Candidate); got == own {
			t.Fatal("a call without a key went to the busiest endpoint")
		}
	}
}

func TestWrappersRefuse(t *testing.T) {
	t.Parallel()
	refusal := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		err   error
		wants []string
	}{
		{refusal(picker.NewPanic(picker.PanicConfig{})), []string{"panic: policy is nil; it must be the policy to wrap"}},
		{refusal(picker.NewPanic(picker.PanicConfig{Policy: picker.Random{}, Threshold: 1.5})), []string{"panic: threshold is 1.5; it must be above 0 and at most 1"}},
		{refusal(picker.NewSlowStart(picker.SlowStartConfig{Window: 1, LeastWeight: -1, Aggression: -1})), []string{
			"slow start: policy is nil", "window is 1ns; it must be 100ms or more", "least weight is -1", "aggression is -1",
		}},
		{refusal(picker.NewPriority(picker.PriorityConfig{})), []string{"priority: policy is nil"}},
		{refusal(picker.NewPriority(picker.PriorityConfig{Policy: picker.Random{}, Headroom: 0.5})), []string{"priority: headroom is 0.5; it must be 1 or more"}},
		{refusal(picker.NewZone(picker.ZoneConfig{Share: 2, Headroom: -1})), []string{"zone: policy is nil", "local is empty", "share is 2", "headroom is -1"}},
		{refusal(picker.NewSticky(picker.StickyConfig{})), []string{"sticky: policy is nil", "keyed is nil"}},
		{refusal(picker.NewAdaptive(picker.AdaptiveConfig{
			Memory: 1, Forgive: -1, QualityMemory: -1, Prior: -1, SlownessPower: 65, QualityPower: -1, FullScan: 2000, Choices: 1, Without: 8,
		})), []string{
			"adaptive: memory is 1ns; it must be 1ms or more", "forgive is -1ns", "quality memory is -1ns", "prior is -1; it must be above 0",
			"slowness power is 65; it must be 1 to 64", "quality power is -1", "full scan is 2000", "choices is 1", "unknown terms 0x8",
		}},
	} {
		for _, want := range tt.wants {
			if tt.err == nil || !strings.Contains(tt.err.Error(), want) {
				t.Errorf("error %v does not say %q", tt.err, want)
			}
		}
	}
}
