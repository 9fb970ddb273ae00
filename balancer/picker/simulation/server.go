// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"
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
	w     *world
	index int

	speed   float64 // 1: full
	failing bool    // answers every call at once with UNAVAILABLE

	busy    int
	queue   []*call
	pending int // calls that were sent here and have not ended, for the oracle

	load  load
	stall stall
}

// load is what the server would report of itself, as ORCA reports do: over the last second or so.
type load struct {
	at    time.Duration
	rate  float64 // calls a second
	usage float64 // share of the workers that are busy
}

// arrive is a call that reaches the server.
func (s *server) arrive(c *call) {
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

// note moves the server's report: it is busy as it is since the last note, and so many calls have ended now.
func (s *server) note(ended float64) {
	const memory = time.Second
	d := float64(s.w.now-s.load.at) / float64(memory)
	keep := exp(-d)
	s.load.usage = s.load.usage*keep + float64(s.busy)/workers*(1-keep)
	s.load.rate = s.load.rate*keep + ended
	s.load.at = s.w.now
}
