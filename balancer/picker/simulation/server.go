// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"math"
	"time"

	"google.golang.org/grpc/metadata"
)

// What a server is like.
const (
	// workers is how many calls a server works on at a time; further ones queue, first come first served.
	workers = 4
	// meanService is how long a worker takes for a call, at full speed, on average.
	meanService = 10 * time.Millisecond
	// spread is the standard deviation of the logarithm of that time: one call in a hundred takes three
	// times the mean.
	spread = 0.5
	// failsIn is how fast a failing server answers.
	failsIn = 100 * time.Microsecond
	// wire is how long a call takes to the server, and its answer back.
	wire = 250 * time.Microsecond
	// timeout is how long a client waits.
	timeout = 2 * time.Second
)

// server is one endpoint.
type server struct {
	w *world

	speed   float64 // 1: full
	failing bool    // answers every call at once with UNAVAILABLE
	stall   stall

	busy    int
	queue   []*call
	pending int // calls that were sent here and have not ended, for the oracle

	load load
	took [maxTold]time.Duration // how long calls took of late, by how many were here when they came, for Prequal
}

// maxTold is up to how many calls at a server their number makes a difference in what it tells.
const maxTold = 64

// usual returns how long a call takes that comes when so many are here: as those did of late that came in
// about such a case.
func (s *server) usual(here int) time.Duration {
	here = min(here, maxTold-1)
	for off := range maxTold {
		for _, i := range [2]int{here - off, here + off} {
			if i >= 0 && i < maxTold && s.took[i] > 0 {
				return s.took[i]
			}
		}
	}
	return 0
}

// arrive is a call that reaches the server.
func (s *server) arrive(c *call) {
	c.arrived, c.found = s.w.now, min(s.busy+len(s.queue), maxTold-1)
	switch {
	case c.over:
	case s.failing:
		s.w.after(failsIn, func() { s.answer(c, true) })
	case s.busy < workers:
		s.start(c)
	default:
		s.queue = append(s.queue, c)
	}
}

func (s *server) start(c *call) {
	s.note(0)
	s.busy++
	took := time.Duration(float64(c.work) / s.speed)
	s.w.after(took, func() { s.stall.then(s.w, func() { s.finish(c) }) })
}

func (s *server) finish(c *call) {
	s.note(1)
	s.busy--
	if took := s.w.now - c.arrived; s.took[c.found] == 0 {
		s.took[c.found] = took
	} else {
		s.took[c.found] = (4*s.took[c.found] + took) / 5
	}
	s.answer(c, false)
	for len(s.queue) > 0 && s.busy < workers {
		next := s.queue[0]
		s.queue = s.queue[1:]
		if !next.over { // whose client has gone is not begun
			s.start(next)
		}
	}
}

func (s *server) answer(c *call, failed bool) {
	report := s.load
	s.w.after(wire, func() { c.g.stall.then(s.w, func() { c.end(failed, report) }) })
}

// load is what the server reports of itself with each answer: of the last second or so.
type load struct {
	at    time.Duration
	rate  float64 // calls a second
	usage float64 // share of the workers that are busy
}

// note moves the report: the server is as busy as it is since the last note, and so many calls have ended
// now.
func (s *server) note(ended float64) {
	keep := math.Exp(-(s.w.now - s.load.at).Seconds())
	s.load.usage = s.load.usage*keep + float64(s.busy)/workers*(1-keep)
	s.load.rate = s.load.rate*keep + ended
	s.load.at = s.w.now
}

// trailer returns the report as ORCA sends it.
func (l load) trailer() metadata.MD {
	// The tags of application_utilization and rps_fractional, both doubles.
	const usage, rate = 9<<3 | 1, 6<<3 | 1
	b := binary.LittleEndian.AppendUint64([]byte{usage}, math.Float64bits(l.usage))
	b = binary.LittleEndian.AppendUint64(append(b, rate), math.Float64bits(l.rate))
	return metadata.MD{"endpoint-load-metrics-bin": {string(b)}}
}
