// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// What goes wrong.
const (
	// slowSpeed is the speed of the slow servers in "one in four slow".
	slowSpeed = 0.5
	// antagonistSpeed is what a moving antagonist leaves of a server's speed.
	antagonistSpeed = 0.4
	// antagonistStays is how long it stays.
	antagonistStays = 5 * time.Second
	// sickSpeed is the speed of the sick server.
	sickSpeed = 0.01
	// stallShare is the share of the time in which a process does not run, where processes stall.
	stallShare = 0.1
	// fallsIll is when the sick and the failing server begin to be so: the first second of it is not measured.
	fallsIll = warmup - time.Second
)

// scenario is what happens to the servers.
type scenario struct {
	name  string // in file names
	title string
	// begin plans what happens.
	begin func(w *world)
	// capacity is how many servers' worth of work n servers can do, those left out that nobody should call.
	capacity func(n int) float64
	// stalls is the share of the time in which each process does not run.
	stalls float64
}

// quarter is one server in four, at least one.
func quarter(n int) int { return max(n/4, 1) }

var scenarios = []scenario{
	{
		name: "homogeneous", title: "all alike",
		begin:    func(*world) {},
		capacity: func(n int) float64 { return float64(n) },
	},
	{
		name: "slow", title: "one in four at half speed",
		begin: func(w *world) {
			for _, s := range w.servers[:quarter(len(w.servers))] {
				s.speed = slowSpeed
			}
		},
		capacity: func(n int) float64 { return float64(n) - float64(quarter(n))*(1-slowSpeed) },
	},
	{
		name: "antagonist", title: "a moving antagonist",
		begin:    moveAntagonist,
		capacity: func(n int) float64 { return float64(n) - float64(quarter(n))*(1-antagonistSpeed) },
	},
	{
		name: "sick", title: "one sick",
		begin: func(w *world) {
			w.after(fallsIll, func() { w.servers[0].speed = sickSpeed })
		},
		capacity: func(n int) float64 { return float64(n - 1) },
	},
	{
		name: "failing", title: "one failing fast",
		begin: func(w *world) {
			w.after(fallsIll, func() { w.servers[0].failing = true })
		},
		capacity: func(n int) float64 { return float64(n - 1) },
	},
	{
		name: "stalls", title: "a moving antagonist while all processes stall",
		begin: moveAntagonist,
		capacity: func(n int) float64 {
			return (1 - stallShare) * (float64(n) - float64(quarter(n))*(1-antagonistSpeed))
		},
		stalls: stallShare,
	},
}

// moveAntagonist slows one server in four down, others each time.
func moveAntagonist(w *world) {
	for _, s := range w.servers {
		s.speed = 1
	}
	for _, i := range w.chance.Perm(len(w.servers))[:quarter(len(w.servers))] {
		w.servers[i].speed = antagonistSpeed
	}
	w.after(antagonistStays, func() { moveAntagonist(w) })
}
