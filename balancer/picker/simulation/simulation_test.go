// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// short is how long the runs of the tests are measured: some ten thousand calls.
const short = 10 * time.Second

// seedsFor returns how many runs the ratio of two policies is averaged over: one p99 of some thirty thousand calls is up to three
// percent off, which matters where the goal is near.
func seedsFor(s scenario) uint64 {
	if s.name == "antagonist" {
		return 6
	}
	return 2
}

// goal runs contenders through a scenario of the usual setup, all of them with the same calls.
func goal(t *testing.T, scenarioName string, names ...string) map[string]*measured {
	t.Helper()
	return seeded(t, 1, scenarioName, names...)
}

func seeded(t *testing.T, seed uint64, scenarioName string, names ...string) map[string]*measured {
	t.Helper()
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == scenarioName })
	out := map[string]*measured{}
	for _, name := range names {
		c, err := named(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := simulate(setup{scenarios[i], usualServers, usualGateways, usualLoad, short, seed}, c)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &m
	}
	return out
}

// The goals of the adaptive policy: its p99 is within 1.1 times the oracle's in every scenario.
func TestAdaptiveIsNearTheOracle(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			times := 0.0
			for seed := range seedsFor(s) {
				m := seeded(t, seed+1, s.name, adaptive, oracleName)
				times += m[adaptive].quantile(0.99).Seconds() / m[oracleName].quantile(0.99).Seconds() / float64(seedsFor(s))
			}
			if times > 1.1 {
				t.Errorf("p99 is %.3f times the oracle's", times)
			}
			t.Logf("%.3f times the oracle's p99", times)
		})
	}
}

// Under a moving antagonist it is at most a third of round robin's, and below the others that follow load.
func TestAdaptiveBeatsTheOthersUnderAnAntagonist(t *testing.T) {
	t.Parallel()
	m := goal(t, "antagonist", adaptive, roundRobin, leastRequest, peakEWMA, prequalName)
	got := m[adaptive].quantile(0.99)
	if limit := m[roundRobin].quantile(0.99) / 3; got > limit {
		t.Errorf("p99 is %v, a third of round robin's is %v", got, limit)
	}
	for _, name := range []string{leastRequest, peakEWMA, prequalName} {
		if other := m[name].quantile(0.99); got >= other {
			t.Errorf("p99 is %v, that of %s %v", got, name, other)
		}
	}
}

// With one endpoint failing fast at most one call in a thousand fails after the first second, without retries; others
// are drawn to it.
func TestAdaptiveIsNotDrawnToWhatFails(t *testing.T) {
	t.Parallel()
	m := goal(t, "failing", adaptive, leastRequest)
	if got := m[adaptive].errors(); got > 0.001 {
		t.Errorf("%.3f%% of the calls failed", got*100)
	}
	if got := m[leastRequest].errors(); got < 0.1 {
		t.Errorf("with least request %.3f%% of the calls failed: the scenario is none", got*100)
	}
}

// With one endpoint sick the p99 is at most 1.1 times that of healthy ones.
func TestAdaptiveAvoidsTheSick(t *testing.T) {
	t.Parallel()
	sick, well := goal(t, "sick", adaptive)[adaptive].quantile(0.99), goal(t, "homogeneous", adaptive)[adaptive].quantile(0.99)
	if sick.Seconds() > 1.1*well.Seconds() {
		t.Errorf("p99 is %v, healthy it is %v", sick, well)
	}
}

// Every run can be repeated exactly.
func TestRunsRepeat(t *testing.T) {
	t.Parallel()
	for _, c := range contenders {
		var first measured
		for i := range 2 {
			m, err := simulate(setup{scenarios[2], 5, 3, 0.8, 3 * time.Second, 7}, c)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = m
				continue
			}
			if !slices.Equal(first.took, m.took) || first.failed != m.failed {
				t.Errorf("%s: the second run differs", c.name)
			}
		}
	}
}

func TestClockKeepsOrder(t *testing.T) {
	t.Parallel()
	var c clock
	var got []int
	for i, d := range []time.Duration{30, 10, 20, 10, 40} {
		c.after(d, func() {
			got = append(got, i)
			if i == 1 {
				c.after(0, func() { got = append(got, 100) })
			}
		})
	}
	c.run(35)
	if want := []int{1, 3, 100, 2, 0}; !slices.Equal(got, want) || c.now != 35 {
		t.Errorf("happened: %v until %v, want %v until 35", got, c.now, want)
	}
}

// The report has a line for each policy, and plots that are well-formed.
func TestReport(t *testing.T) {
	t.Parallel()
	r := &report{runs: map[run]*measured{}, length: time.Second}
	for _, s := range scenarios {
		for _, c := range append(slices.Clone(contenders), ablations...) {
			for _, n := range sizes {
				for _, g := range gateways {
					for _, l := range loads {
						r.runs[run{s.name, n, g, l, c.name}] = &measured{took: []time.Duration{12345678, timeout}, calls: 3, failed: 1}
					}
				}
			}
		}
	}
	text := string(r.markdown())
	for _, want := range []string{"| adaptive | time-out / time-out / time-out, 33 % |", "| without age |", "| peak EWMA | time-out |", "(sick.svg)", "10.0 ms", "40 % of its speed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	for _, s := range scenarios {
		d := xml.NewDecoder(bytes.NewReader(r.plot(s)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
	}
	if len(strokes) != len(plotted) {
		t.Errorf("%d lines and %d strokes", len(plotted), len(strokes))
	}
}

// What is committed is of these scenarios and policies.
func TestDocumentIsOfThisCode(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "balancing", "simulation.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(slices.Clone(contenders), ablations...) {
		if !strings.Contains(string(data), "| "+c.name+" |") {
			t.Errorf("simulation.md has no line for %q: run make balance", c.name)
		}
	}
	for _, s := range scenarios {
		if !strings.Contains(string(data), "("+s.name+".svg)") {
			t.Errorf("simulation.md has no plot of %q: run make balance", s.name)
		}
	}
}
