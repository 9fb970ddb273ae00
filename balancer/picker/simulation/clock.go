// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// clock is simulated time: what is to happen is done in the order of its time, and time passes in no
// other way. Of two things at the same time the one that was planned first comes first, so that a run
// can be repeated exactly.
type clock struct {
	now     time.Duration
	planned []event // a heap
	count   uint64
}

type event struct {
	at    time.Duration
	order uint64
	do    func()
}

func (e event) before(o event) bool { return e.at < o.at || (e.at == o.at && e.order < o.order) }

// after plans what happens when d has passed.
func (c *clock) after(d time.Duration, do func()) {
	c.count++
	h := append(c.planned, event{at: c.now + max(d, 0), order: c.count, do: do})
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	c.planned = h
}

// run lets everything happen that is planned up to end.
func (c *clock) run(end time.Duration) {
	for len(c.planned) > 0 && c.planned[0].at <= end {
		e := c.pop()
		c.now = e.at
		e.do()
	}
	c.now = end
}

func (c *clock) pop() event {
	h := c.planned
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = event{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < last && h[down].before(h[least]) {
				least = down
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	c.planned = h
	return top
}
