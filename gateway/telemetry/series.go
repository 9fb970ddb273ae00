// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"maps"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Point is what happened within one step of time.
type Point struct {
	// Time is when the step began.
	Time time.Time
	// Requests is how many calls ended, Errors for how many of them the gateway or a backend was at fault (Record.Failed), and Refused how
	// many more did not end with OK.
	Requests, Errors, Refused uint32
	// P50, P95 and P99 are the percentiles of how long calls took that do not stream; 0 where there was none.
	P50, P95, P99 time.Duration
	// Overhead50, Overhead95 and Overhead99 are those of the time that they spent in the gateway and not with a backend.
	Overhead50, Overhead95, Overhead99 time.Duration
	// BytesIn and BytesOut are the bodies of all calls, of streams when they end.
	BytesIn, BytesOut int64
}

// codeCount is how many codes gRPC has.
const codeCount = int(codes.Unauthenticated) + 1

// Totals are what was counted of a route or a service since the gateway began, or since it was last known.
type Totals struct {
	Calls uint64
	// ByCode counts calls by their code.
	ByCode [codeCount]uint64
	// ByReason counts them by why they ended so, at most MaxReasons; nil where there was none. It is not changed any more.
	ByReason map[status.Reason]uint64
	// Last is when the last one ended.
	Last time.Time
}

// MaxReasons is how many reasons are counted apart; there are fewer.
const MaxReasons = 64

// reason counts why a call ended as it did.
func (t *Totals) reason(r status.Reason) {
	if t.ByReason == nil {
		t.ByReason = map[status.Reason]uint64{}
	}
	if _, known := t.ByReason[r]; known || len(t.ByReason) < MaxReasons {
		t.ByReason[r]++
	}
}

// series is the points of one thing that calls are counted by. The caller holds the lock.
type series struct {
	step   time.Duration
	points []Point // a ring, by the number of the step
	totals Totals

	current        int64 // the number of the step that goes on, since 1970
	sum            Point // of it, but for the percentiles
	took, overhead latencies
	recent         recent

	heat       [HeatColumns][HeatRows]uint32 // a ring, by the number of the column
	heatColumn int64                         // the one that goes on
}

func newSeries(step, window time.Duration, now time.Time) *series {
	return &series{
		step: step, points: make([]Point, window/step), current: now.UnixNano() / int64(step), heatColumn: now.UnixNano() / int64(HeatSpan),
	}
}

// add counts a call that has just ended.
func (s *series) add(r *Record, now time.Time) {
	s.advance(now)
	s.totals.Calls++
	if int(r.Code) < codeCount {
		s.totals.ByCode[r.Code]++
	}
	s.totals.reason(r.Reason)
	s.totals.Last = now
	s.sum.Requests++
	s.sum.BytesIn += r.BytesIn
	s.sum.BytesOut += r.BytesOut
	switch {
	case r.Failed():
		s.sum.Errors++
	case r.Code != codes.OK:
		s.sum.Refused++
	}
	if !r.Streams {
		s.took.add(r.Duration)
		s.overhead.add(r.Overhead())
		s.recent.add(r.Duration, now)
		s.heat[s.heatColumn%int64(HeatColumns)][heatRow(r.Duration)]++
	}
}

func heatRow(d time.Duration) int {
	for row, bound := range HeatBounds() {
		if d < bound {
			return row
		}
	}
	return HeatRows - 1
}

// advance ends all steps before now.
func (s *series) advance(now time.Time) {
	step := now.UnixNano() / int64(s.step)
	if step <= s.current {
		return
	}
	s.put(s.current, s.point())
	// Nothing happened in those between; of more than the ring has, all are empty.
	for empty := max(s.current+1, step-int64(len(s.points))); empty < step; empty++ {
		s.put(empty, Point{})
	}
	s.current, s.sum = step, Point{}
	if s.took.count > 0 {
		s.took, s.overhead = latencies{}, latencies{}
	}
	column := now.UnixNano() / int64(HeatSpan)
	for next := max(s.heatColumn+1, column-int64(HeatColumns)+1); next <= column; next++ {
		s.heat[next%int64(HeatColumns)] = [HeatRows]uint32{}
	}
	s.heatColumn = column
}

func (s *series) put(step int64, p Point) {
	p.Time = time.Unix(0, step*int64(s.step))
	s.points[step%int64(len(s.points))] = p
}

func (s *series) point() Point {
	p := s.sum
	if s.took.count > 0 {
		of, over := s.took.percentiles(0.5, 0.95, 0.99), s.overhead.percentiles(0.5, 0.95, 0.99)
		p.P50, p.P95, p.P99 = of[0], of[1], of[2]
		p.Overhead50, p.Overhead95, p.Overhead99 = over[0], over[1], over[2]
	}
	return p
}

// track returns what is known, with the points since a time.
func (s *series) track(name string, from, now time.Time) Track {
	t := Track{Name: name, Points: s.since(from, now), Totals: s.totals, Recent: s.recent.quantiles(now), HeatBegan: time.Unix(0, s.heatColumn*int64(HeatSpan))}
	t.Totals.ByReason = maps.Clone(t.Totals.ByReason)
	for i := range t.Heat {
		t.Heat[i] = s.heat[(s.heatColumn+1+int64(i))%int64(HeatColumns)]
	}
	return t
}

// since returns the points that began at a time or later and are over, the oldest first.
func (s *series) since(from, now time.Time) []Point {
	s.advance(now)
	var found []Point
	for step := s.current - int64(len(s.points)); step < s.current; step++ {
		if p := s.points[step%int64(len(s.points))]; !p.Time.IsZero() && !p.Time.Before(from) {
			found = append(found, p)
		}
	}
	return found
}
