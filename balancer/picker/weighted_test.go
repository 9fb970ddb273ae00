// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func weighted(tb testing.TB, cfg picker.WeightedRoundRobinConfig) picker.Policy {
	tb.Helper()
	return must[*picker.WeightedRoundRobin](tb)(picker.NewWeightedRoundRobin(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestWeightedRoundRobin(t *testing.T) {
	pickertest.Run(t, weighted(t, picker.WeightedRoundRobinConfig{}), pickertest.Traits{Spread: 0.01})
}

//nolint:paralleltest // the contract counts allocations
func TestWeightedRoundRobinByReports(t *testing.T) {
	pickertest.Run(t, weighted(t, picker.WeightedRoundRobinConfig{Reports: true}), pickertest.Traits{Spread: 0.01})
}

func BenchmarkWeightedRoundRobin(b *testing.B) {
	pickertest.Bench(b, weighted(b, picker.WeightedRoundRobinConfig{}))
}

// BenchmarkSchedule is what a change of weights costs.
func BenchmarkSchedule(b *testing.B) {
	v := pickertest.NewView(b, 100)
	for i, c := range v.Ready {
		c.Weight = 1 + float64(i)/7
	}
	p := weighted(b, picker.WeightedRoundRobinConfig{})
	for b.Loop() {
		p.Next(nil, v)
	}
}

func TestWeightsAreShares(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		weights []float64
		calls   int
		within  float64 // calls from the exact share
	}{
		{"whole", []float64{1, 2, 3, 4}, 100, 0},
		{"with a common divisor", []float64{100, 300}, 40, 0},
		{"equal", []float64{7, 7, 7}, 30, 0},
		{"broken", []float64{0.1, 0.25, 3.3}, 192 * 100, 100},
		{"far apart", []float64{1, 65536, 65536}, 192 * 100, 120},
		{"one", []float64{0.3}, 10, 0},
	} {
		h := pickertest.NewHost(t, weighted(t, picker.WeightedRoundRobinConfig{}), len(tt.weights))
		sum := 0.0
		for i, w := range tt.weights {
			h.View.All[i].Weight = w
			sum += w
		}
		h.Show()
		for i, got := range h.Share(tt.calls, time.Millisecond, pickertest.Well) {
			want := tt.weights[i] / sum * float64(tt.calls)
			if math.Abs(float64(got)-want) > tt.within+1e-9 || got == 0 {
				t.Errorf("%s: endpoint %d had %d of %d calls, want %.1f", tt.name, i, got, tt.calls, want)
			}
		}
	}
}

// The turns of an endpoint are spread: a heavy one has no run of calls.
func TestTurnsAreSpread(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, weighted(t, picker.WeightedRoundRobinConfig{}), 5)
	for i, w := range []float64{8, 2, 2, 2, 2} {
		h.View.All[i].Weight = w
	}
	h.Show()
	run := 0
	for range 160 {
		p := h.Place(nil)
		if h.Index(p.Candidate) != 0 {
			run = 0
		} else if run++; run > 2 {
			t.Fatal("half of the weight had three turns in a row")
		}
	}
}

// report is the trailer of a load report: utilization (field 9), calls and errors a second (6, 7), and fields
// that nobody reads here.
func report(utilization, rate, errors float64) metadata.MD {
	var b []byte
	b = append(b, 3<<3, 0x80, 1)                    // rps, a varint
	b = append(b, 4<<3|2, 3, 10, 1, 'x')            // a map entry
	b = append(b, 20<<3&0x7f|0x80|5, 1, 1, 2, 3, 4) // fixed32 of an unknown field
	for field, v := range map[byte]float64{9: utilization, 6: rate, 7: errors} {
		b = append(b, field<<3|1)
		for i := range 8 {
			b = append(b, byte(math.Float64bits(v)>>(8*i)))
		}
	}
	return metadata.MD{"endpoint-load-metrics-bin": {string(b)}}
}

// gRFC A58: the weight is calls by utilization, after a blackout, until it expires, and errors count against it.
func TestReportsMakeWeights(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, weighted(t, picker.WeightedRoundRobinConfig{Reports: true, ErrorPenalty: 2}), 4)
	utilization, errors := []float64{0.2, 0.4, 0.2, 0}, []float64{0, 0, 10, 0}
	share := func(calls int) []int {
		t.Helper()
		got := make([]int, 4)
		for range calls {
			p := h.Place(nil)
			i := h.Index(p.Candidate)
			got[i]++
			h.Pass(100 * time.Millisecond)
			o := picker.Outcome{Result: picker.Success}
			if i < 3 {
				o.Trailer = report(utilization[i], 100, errors[i])
			}
			p.Outcome(o)
		}
		return got
	}
	even := func(got []int, when string) {
		t.Helper()
		for i, n := range got {
			if n != got[0] {
				t.Errorf("%s endpoint %d had %d calls of %v", when, i, n, got)
			}
		}
	}
	even(share(80), "within the blackout")
	h.Pass(10 * time.Second)
	share(20)
	// 500, 250, 100/(0.2+0.1*2) = 250, and one that does not report: their mean, 333.
	got := share(800)
	for i, want := range []float64{300, 150, 150, 200} {
		if n := float64(got[i]); math.Abs(n-want) > 15 {
			t.Errorf("endpoint %d had %v of 800 calls, want %v", i, n, want)
		}
	}
	if v := h.Explain(0); v.Weight != 500 {
		t.Errorf("it says %+v", v)
	}
	// One that begins anew is not believed for a while, and counts as average: it is not flooded.
	again := *h.View.All[0]
	again.Since = h.Now()
	h.View.All = []*picker.Candidate{&again, h.View.All[1], h.View.All[2], h.View.All[3]}
	h.View.Ready = h.View.All
	h.Show()
	if v := h.Explain(0); v.Weight != 250 {
		t.Errorf("of one that begins anew it says %+v", v)
	}
	h.Pass(4 * time.Minute)
	even([]int{int(h.Explain(0).Weight), int(h.Explain(1).Weight), int(h.Explain(2).Weight), int(h.Explain(3).Weight)}, "after the expiry")
}

func TestReportsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := pickertest.NewHost(t, weighted(t, picker.WeightedRoundRobinConfig{Reports: true, Blackout: -1}), 2)
	good := report(0.5, 100, 0)["endpoint-load-metrics-bin"][0]
	var bad []string
	for n := range len(good) {
		bad = append(bad, good[:n])
	}
	bad = append(bad, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x0b", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		report(math.NaN(), 100, 0)["endpoint-load-metrics-bin"][0], report(-1, 100, 0)["endpoint-load-metrics-bin"][0],
		report(math.Inf(1), 1, 0)["endpoint-load-metrics-bin"][0], report(0, 100, 0)["endpoint-load-metrics-bin"][0])
	for i, b := range bad {
		for range 4 {
			p := h.Place(nil)
			h.Pass(time.Millisecond)
			p.Outcome(picker.Outcome{Result: picker.Success, Trailer: metadata.MD{"endpoint-load-metrics-bin": {b}}})
		}
		h.Pass(2 * time.Second)
		// Cut between two fields a report can still be whole, but for what it lacks.
		if w := h.Explain(0).Weight; w != 1 && w != h.Explain(1).Weight {
			t.Errorf("report %d, %q, gave the weights %v and %v", i, b, w, h.Explain(1).Weight)
		}
	}
}

func TestWeightedRefuses(t *testing.T) {
	t.Parallel()
	_, err := picker.NewWeightedRoundRobin(picker.WeightedRoundRobinConfig{Expiry: -1, Update: time.Millisecond})
	for _, want := range []string{"expiry is -1ns; it must be above 0", "update is 1ms; it must be 100ms or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
