// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// The setup that the tables are about, and around which the others vary it.
const (
	usualServers  = 10
	usualGateways = 4
	usualLoad     = 0.85
)

var (
	sizes    = []int{3, 10, 100}
	gateways = []int{1, 4, 16}
	loads    = []float64{0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95}
	// plotted are the contenders of the plots and of the table of sizes.
	plotted = []string{roundRobin, "least request, two choices", leastRequest + ", ejection", peakEWMA, prequalName, adaptive, oracleName}
)

// largeShare is which part of the length a run with a hundred servers gets: it has ten times the calls.
const largeShare = 5

// run is one run that the report needs.
type run struct {
	scenario string
	servers  int
	gateways int
	load     float64
	policy   string
}

// report is all runs.
type report struct {
	length time.Duration
	seed   uint64
	runs   map[run]*measured
}

// newReport runs everything.
func newReport(length time.Duration, seed uint64) (*report, error) {
	r := &report{length: length, seed: seed, runs: map[run]*measured{}}
	type job struct {
		s setup
		c contender
		m *measured
	}
	var jobs []job
	want := func(s scenario, c contender, servers, gateways int, load float64) {
		k := run{s.name, servers, gateways, load, c.name}
		if r.runs[k] != nil {
			return
		}
		d := length
		if servers >= 100 {
			d /= largeShare
		}
		r.runs[k] = new(measured)
		jobs = append(jobs, job{setup{s, servers, gateways, load, d, seed}, c, r.runs[k]})
	}
	for _, s := range scenarios {
		for _, c := range append(append([]contender(nil), contenders...), ablations...) {
			want(s, c, usualServers, usualGateways, usualLoad)
		}
		for _, name := range plotted {
			c, err := named(name)
			if err != nil {
				return nil, err
			}
			for _, l := range loads {
				want(s, c, usualServers, usualGateways, l)
			}
			for _, n := range sizes {
				for _, g := range gateways {
					want(s, c, n, g, usualLoad)
				}
			}
		}
	}
	var workers sync.WaitGroup
	queue := make(chan job)
	errs := make([]error, runtime.GOMAXPROCS(0))
	for i := range errs {
		workers.Go(func() {
			for j := range queue {
				m, err := simulate(j.s, j.c)
				if err != nil {
					errs[i] = errors.Join(errs[i], fmt.Errorf("%s, %s: %w", j.s.scenario.name, j.c.name, err))
				}
				m.quantile(0)
				*j.m = m.summary()
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	workers.Wait()
	return r, errors.Join(errs...)
}

// of returns a run.
func (r *report) of(s scenario, policy string, servers, gateways int, load float64) *measured {
	return r.runs[run{s.name, servers, gateways, load, policy}]
}

// ms is a time in a table.
func ms(d time.Duration) string {
	if d >= timeout {
		return "time-out"
	}
	return fmt.Sprintf("%.1f", d.Seconds()*1000)
}

// percent is a share of errors in a table.
func percent(share float64) string {
	if share == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2g", share*100)
}

// markdown returns the report's text.
func (r *report) markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, intro, r.seed, usualServers, usualGateways, usualLoad*100, workers, ms(meanService), ms(wire), timeout, r.length)
	b.WriteString("\n## All policies\n\nEach cell: p50 / p99 / p99.9 in ms, then the calls that failed in percent (nothing when none did).\n\n")
	r.table(&b, contenders)
	b.WriteString("\n## What each part is good for\n\nThe adaptive policy, with parts left out.\n\n")
	r.table(&b, ablations)
	b.WriteString("\n## Sizes\n\np99 at ")
	fmt.Fprintf(&b, "%.0f %% load, in parts of the oracle's: servers / gateways.\n", usualLoad*100)
	for _, s := range scenarios {
		r.sizes(&b, s)
	}
	b.WriteString("\n## By load\n\n")
	for _, s := range scenarios {
		fmt.Fprintf(&b, "![p99 by load, %s](%s.svg)\n\n", s.title, s.name)
	}
	return []byte(strings.TrimRight(b.String(), "\n") + "\n")
}

// table writes one line for each contender.
func (r *report) table(b *strings.Builder, cs []contender) {
	b.WriteString("| policy |")
	for _, s := range scenarios {
		fmt.Fprintf(b, " %s |", s.title)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(scenarios)) + "\n")
	for _, c := range cs {
		fmt.Fprintf(b, "| %s |", c.name)
		for _, s := range scenarios {
			m := r.of(s, c.name, usualServers, usualGateways, usualLoad)
			fmt.Fprintf(b, " %s / %s / %s", ms(m.quantile(0.5)), ms(m.quantile(0.99)), ms(m.quantile(0.999)))
			if m.failed > 0 {
				fmt.Fprintf(b, ", %s %%", percent(m.errors()))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
}

// sizes writes the table of one scenario.
func (r *report) sizes(b *strings.Builder, s scenario) {
	fmt.Fprintf(b, "\n%s:\n\n| policy |", s.title)
	for _, n := range sizes {
		for _, g := range gateways {
			fmt.Fprintf(b, " %d / %d |", n, g)
		}
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(sizes)*len(gateways)) + "\n")
	for _, name := range plotted {
		if name == oracleName {
			continue
		}
		fmt.Fprintf(b, "| %s |", name)
		for _, n := range sizes {
			for _, g := range gateways {
				best := r.of(s, oracleName, n, g, usualLoad).quantile(0.99)
				got := r.of(s, name, n, g, usualLoad).quantile(0.99)
				if got >= timeout {
					b.WriteString(" time-out |")
					continue
				}
				fmt.Fprintf(b, " %.2f |", got.Seconds()/best.Seconds())
			}
		}
		b.WriteString("\n")
	}
}

const intro = `<!-- Generated by make balance; do not edit. -->

# Policies, simulated

The pickers' own code on simulated time, from the seed %d.
Unless it says otherwise: %d servers, %d gateways that each know of their own calls only, %.0f %% of what the servers that work can serve.
A server works on %d calls at a time and queues the others; a call takes %s ms there on average, with a long tail, and %s ms on the wire each way.
Clients call whatever happens and wait %v.
Each run is %v long (a fifth of that with 100 servers) after two seconds that are not counted.

- *one in four at half speed*: always the same ones.
- *a moving antagonist*: one in four has 40 %% of its speed left; every five seconds others.
- *one sick*: it takes a hundred times as long.
- *one failing fast*: it answers every call within 0.1 ms with UNAVAILABLE. The first second of it is not counted, as with the sick one.
- *while all processes stall*: gateways and servers do not run for a tenth of the time, 20 ms at a time on average, as on a machine that is shared.

The oracle knows every queue and every speed at the moment, of all gateways' calls, but not how long a call will take.
Prequal is there to compare with: it asks three servers with each call.
"Time-out": the client has given up.
`
