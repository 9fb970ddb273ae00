// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"testing"
	"time"
)

// How often an endpoint was called is remembered second by second, for as long as a chart shows, also of seconds in which nobody looked.
func TestRatesAreOfTheirSecond(t *testing.T) {
	t.Parallel()
	const start = int64(1_800_000_000)
	var r rates
	r.add(start, 1)
	r.add(start+3, 3)
	r.add(start+3, 4) // a second look in the same second
	for second, want := range map[int64]float32{-1: 0, 0: 1, 1: 3, 2: 3, 3: 4, 4: 0} {
		if got := r.at(start + second); got != want {
			t.Errorf("in second %d: %v; want %v", second, got, want)
		}
	}
	end := start + int64(rateCount)
	r.add(end, 9)
	for second, want := range map[int64]float32{start: 0, start + 3: 4, start + 4: 9, end: 9} {
		if got := r.at(second); got != want {
			t.Errorf("a window later, in second %d: %v; want %v", second-start, got, want)
		}
	}
	later := end + 3*int64(rateCount)
	r.add(later, 2)
	if r.at(later-int64(rateCount)) != 0 || r.at(later-int64(rateCount)+1) != 2 || r.at(later) != 2 {
		t.Error("after a long pause there is more than a window, or less")
	}
	r.add(start, 7)
	if r.at(start) != 7 || r.at(start-1) != 0 || r.at(start+3) != 0 || r.at(later) != 0 {
		t.Error("a clock that was set back does not begin anew")
	}
}

// All series of an answer are as long and end together; of more endpoints than there is room for, the others are counted, and have theirs when there is.
func TestSeriesOfEndpointsAreBounded(t *testing.T) {
	t.Parallel()
	const more = 3
	s := &sampler{backends: map[string]*sampled{"all": {endpoints: map[string]*sampledEndpoint{}}, "one": {endpoints: map[string]*sampledEndpoint{}}}}
	now := time.Unix(1_800_000_000, 0)
	s.backends["one"].endpoints["a"] = &sampledEndpoint{rate: 1.23456}
	s.keepRatesLocked(now)
	for i := range mostRates - 1 + more {
		s.backends["all"].endpoints[fmt.Sprint(i)] = &sampledEndpoint{rate: 2}
	}
	for i := range 2 * rateCount {
		s.keepRatesLocked(now.Add(time.Duration(i+1) * time.Second))
		if i == 0 {
			first := s.series("")
			if len(first.GetEndpoints()) != mostRates || first.GetLeftOut() != more {
				t.Errorf("there are %d series, and %d are left out; want %d and %d", len(first.GetEndpoints()), first.GetLeftOut(), mostRates, more)
			}
			if got := first.GetEndpoints()[0].GetCallsPerSecond(); len(got) != 2 || got[0] != 0 || got[1] != 2 {
				t.Errorf("of an endpoint that came a second ago: %v; want [0 2]", got)
			}
		}
	}
	one := s.series("one")
	if len(one.GetEndpoints()) != 1 || one.GetLeftOut() != 0 || one.GetTime().AsTime() != now.Add(time.Duration(2*rateCount)*time.Second).UTC() {
		t.Fatalf("of one backend: %v", one)
	}
	if got := one.GetEndpoints()[0].GetCallsPerSecond(); len(got) != rateCount || got[0] != 1.23 || got[rateCount-1] != 1.23 {
		t.Errorf("%d values, from %v to %v; want %d of 1.23", len(got), got[0], got[len(got)-1], rateCount)
	}
	// One goes: there is room for another.
	delete(s.backends, "one")
	s.keepRatesLocked(now.Add(time.Hour))
	if all := s.series(""); len(all.GetEndpoints()) != mostRates || all.GetLeftOut() != more-1 {
		t.Errorf("there are %d series, and %d are left out", len(all.GetEndpoints()), all.GetLeftOut())
	}
	if none := (&sampler{}).series(""); none.GetTime() != nil || len(none.GetEndpoints()) != 0 {
		t.Errorf("of a gateway that has just begun: %v", none)
	}
}
