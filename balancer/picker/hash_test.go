// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func ringHash(tb testing.TB, cfg picker.RingHashConfig) picker.Policy {
	tb.Helper()
	return must[*picker.RingHash](tb)(picker.NewRingHash(cfg))
}

func maglev(tb testing.TB, cfg picker.MaglevConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Maglev](tb)(picker.NewMaglev(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestRingHash(t *testing.T) {
	pickertest.Run(t, ringHash(t, picker.RingHashConfig{}), pickertest.Traits{Spread: 0.35})
}

//nolint:paralleltest // the contract counts allocations
func TestMaglev(t *testing.T) {
	pickertest.Run(t, maglev(t, picker.MaglevConfig{}), pickertest.Traits{Spread: 0.05})
}

func BenchmarkRingHash(b *testing.B) { pickertest.Bench(b, ringHash(b, picker.RingHashConfig{})) }
func BenchmarkMaglev(b *testing.B)   { pickertest.Bench(b, maglev(b, picker.MaglevConfig{})) }

// BenchmarkTables is what a change of the endpoints costs.
func BenchmarkTables(b *testing.B) {
	for _, p := range []picker.Policy{ringHash(b, picker.RingHashConfig{}), maglev(b, picker.MaglevConfig{})} {
		b.Run(p.Name(), func(b *testing.B) {
			v := pickertest.NewView(b, 100)
			for b.Loop() {
				p.Next(nil, v)
			}
		})
	}
}

// hashed runs a test for both policies without a bound.
func hashed(t *testing.T, test func(t *testing.T, p picker.Policy)) {
	t.Helper()
	for _, p := range []picker.Policy{
		ringHash(t, picker.RingHashConfig{Bound: picker.Unbounded}), maglev(t, picker.MaglevConfig{Bound: picker.Unbounded}),
	} {
		t.Run(p.Name(), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// placed returns where a call of each of n keys goes.
func placed(tb testing.TB, p picker.Picker, n int) []*picker.Stats {
	tb.Helper()
	out := make([]*picker.Stats, n)
	for i := range out {
		c, err := p.Pick(picker.Info{Call: &picker.Call{Key: fmt.Sprint("user-", i)}, Random: rand.Uint64()})
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = c.Stats
	}
	return out
}

// Another process, which knows the endpoints in another order, agrees on every key.
func TestKeysAgreeEverywhere(t *testing.T) {
	t.Parallel()
	hashed(t, func(t *testing.T, p picker.Policy) {
		t.Helper()
		view := pickertest.NewView(t, 20)
		one := placed(t, p.Next(nil, view), 2000)
		if !slices.Equal(one, placed(t, p.Next(nil, view), 2000)) {
			t.Error("the same key goes to two endpoints")
		}
		other := view
		other.Ready = slices.Clone(view.Ready)
		slices.Reverse(other.Ready)
		differ := 0
		for i, to := range placed(t, p.Next(nil, other), 2000) {
			if to != one[i] {
				differ++
			}
		}
		if differ > 0 {
			t.Errorf("in another order %d of 2000 keys go elsewhere", differ)
		}
	})
}

// An endpoint that goes takes no key along but its own, or few.
func TestKeysStayWhenAnEndpointGoes(t *testing.T) {
	t.Parallel()
	hashed(t, func(t *testing.T, p picker.Policy) {
		t.Helper()
		view := pickertest.NewView(t, 20)
		before := placed(t, p.Next(nil, view), 10_000)
		gone := view.Ready[7].Stats
		view.Ready = slices.Delete(slices.Clone(view.Ready), 7, 8)
		moved := 0
		for i, to := range placed(t, p.Next(nil, view), 10_000) {
			if to == gone {
				t.Fatal("a key goes to the endpoint that has gone")
			}
			if before[i] != gone && to != before[i] {
				moved++
			}
		}
		if limit := map[string]int{"ring_hash": 0, "maglev": 500}[p.Name()]; moved > limit {
			t.Errorf("%d of 10000 keys of other endpoints moved, want at most %d", moved, limit)
		}
	})
}

func TestKeysFollowWeights(t *testing.T) {
	t.Parallel()
	hashed(t, func(t *testing.T, p picker.Policy) {
		t.Helper()
		view := pickertest.NewView(t, 8)
		view.Ready[2].Weight, view.Ready[5].Weight = 3, 0.5
		got := map[*picker.Stats]float64{}
		for _, to := range placed(t, p.Next(nil, view), 20_000) {
			got[to]++
		}
		for i, c := range view.Ready {
			want := 20_000 * c.Weight / 9.5
			if n := got[c.Stats]; n < want*0.7 || n > want*1.3 {
				t.Errorf("endpoint %d of weight %v has %v keys, want %.0f", i, c.Weight, n, want)
			}
		}
	})
}

// However hot one key is, an endpoint has at most 1.25 times its share of the calls in flight.
func TestLoadIsBounded(t *testing.T) {
	t.Parallel()
	for _, p := range []picker.Policy{ringHash(t, picker.RingHashConfig{}), maglev(t, picker.MaglevConfig{})} {
		view := pickertest.NewView(t, 10)
		view.Ready[0].Weight = 2
		pk := p.Next(nil, view)
		var calls []*picker.Candidate
		hot := picker.Info{Call: &picker.Call{Key: "hot"}}
		for range 1100 {
			hot.Random = rand.Uint64()
			c, err := pk.Pick(hot)
			if err != nil {
				t.Fatal(err)
			}
			c.Stats.Begin()
			calls = append(calls, c)
		}
		for i, c := range view.Ready {
			if got, limit := float64(c.Stats.InFlight()), 1.25*1100*c.Weight/11; got > limit+1 {
				t.Errorf("%s: endpoint %d has %v calls of one key, want at most %v", p.Name(), i, got, limit)
			}
		}
		// They end, some of them on the next picker's watch, and the key is back at its endpoint.
		own := calls[0]
		pk2 := p.Next(pk, view)
		for _, c := range calls {
			end(pk, c, 1, 1, picker.Success)
		}
		for range 20 {
			c, err := pk2.Pick(hot)
			if err != nil || c != own {
				t.Fatalf("%s: the key went to %v, %v; want %v", p.Name(), c.Endpoint, err, own.Endpoint)
			}
			c.Stats.Begin()
			end(pk2, c, 1, 1, picker.Success)
		}
	}
}

// Calls without a key go anywhere.
func TestWithoutAKey(t *testing.T) {
	t.Parallel()
	hashed(t, func(t *testing.T, p picker.Policy) {
		t.Helper()
		view := pickertest.NewView(t, 10)
		for i, n := range fill(t, p.Next(nil, view), view, 1000) {
			if n < 30 {
				t.Errorf("endpoint %d had %d of 1000 calls", i, n)
			}
		}
	})
}

func TestHashesRefuse(t *testing.T) {
	t.Parallel()
	_, ring := picker.NewRingHash(picker.RingHashConfig{Points: 5000, Bound: 0.5})
	_, table := picker.NewMaglev(picker.MaglevConfig{Table: -1, Bound: -2})
	for err, wants := range map[error][]string{
		ring:  {"ring_hash: points is 5000; it must be 1 to 4096", "ring_hash: bound is 0.5; it must be above 1, or unbounded"},
		table: {"maglev: table is -1; it must be 1 to 8388608", "maglev: bound is -2; it must be above 1, or unbounded"},
	} {
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		}
	}
}
