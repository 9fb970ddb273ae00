// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"testing"
	"time"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// What was under way in a second is told of that second, of one that nobody looked at as before, and of what is too long ago no more.
func TestGaugesAreOfTheirSecond(t *testing.T) {
	t.Parallel()
	var s gauges
	start := time.Unix(1_800_000_000, 0)
	of := func(second int) int64 {
		p := &adminv1.Point{}
		s.addTo(p, start.Add(time.Duration(second)*time.Second))
		return p.GetInFlight()
	}
	s.look(start.Add(time.Millisecond), gauge{inFlight: 1})
	s.look(start.Add(3*time.Second), gauge{inFlight: 3, streams: 2, connections: map[string]int64{"http2": 7}})
	for second, want := range []int64{1, 1, 1, 3, 0} {
		if got := of(second); got != want {
			t.Errorf("in second %d there were %d; want %d", second, got, want)
		}
	}
	p := &adminv1.Point{}
	s.addTo(p, start.Add(3*time.Second))
	if p.GetStreams() != 2 || p.GetConnections()["http2"] != 7 {
		t.Errorf("got %v", p)
	}
	s.look(start.Add(time.Duration(gaugeCount+1)*time.Second), gauge{inFlight: 9})
	for second, want := range map[int]int64{0: 0, 1: 0, 2: 1, gaugeCount: 3, gaugeCount + 1: 9} {
		if got := of(second); got != want {
			t.Errorf("a window later, in second %d there were %d; want %d", second, got, want)
		}
	}
}
