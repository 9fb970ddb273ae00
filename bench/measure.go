// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/bench/load"
	"github.com/dragoman-gateway/dragoman/bench/process"
)

// sample is one run of a scenario with a peer.
type sample struct {
	cpu  time.Duration // of the peer, for each request
	rate float64       // requests a second
}

// measured is what the rounds of a scenario gave: for each peer a sample of each round, in one order.
type measured struct {
	*scenario
	samples map[string][]sample
}

// plainly names the samples of the scenario that one is compared with.
const plainly = "as above"

// turn is who has a turn in each round.
type turn struct {
	name string // of the samples
	peer string
	*scenario
	run load.Fixed
}

// turns are those of a scenario: its peers, or the gateway alone with the plain scenario.
func (sc *scenario) turns() []*turn {
	var all []*turn
	for _, peer := range sc.peers {
		all = append(all, &turn{name: peer, peer: peer, scenario: sc})
	}
	if sc.beside != nil {
		all = append(all, &turn{name: plainly, peer: sc.peers[0], scenario: sc.beside})
	}
	return all
}

// rounds runs a scenario, the peers taking turns.
func (s *stage) rounds(ctx context.Context, sc *scenario, rounds int) (*measured, error) {
	m := &measured{scenario: sc, samples: map[string][]sample{}}
	turns := sc.turns()
	for _, t := range turns {
		if err := s.prepare(ctx, t); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", t.scenario.name, t.peer, err)
		}
	}
	for range rounds {
		for _, t := range turns {
			p, err := s.server(ctx, t.peer, t.variant)
			if err != nil {
				return nil, err
			}
			one, err := measure(ctx, p, t.run)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", t.scenario.name, t.peer, err)
			}
			m.samples[t.name] = append(m.samples[t.name], one)
		}
	}
	return m, nil
}

// fixed returns a peer and the requests of a scenario to it, of which one was answered, and checked in full.
func (s *stage) fixed(ctx context.Context, peer string, sc *scenario) (*process.Process, load.Fixed, error) {
	p, err := s.server(ctx, peer, sc.variant)
	if err != nil {
		return nil, load.Fixed{}, err
	}
	client := newClient(sc.http1, sc.tls)
	defer client.CloseIdleConnections()
	url := sc.url(p)
	length, err := sc.check(ctx, client, url, s.tokens.bearer)
	return p, load.Fixed{
		URL: url, HTTP1: sc.http1, Clients: sc.clients, Streams: sc.streams, Requests: sc.requests, Body: sc.body, Headers: sc.headers(s.tokens.bearer), Length: length,
	}, err
}

// prepare checks an answer in full, and warms up.
func (s *stage) prepare(ctx context.Context, t *turn) (err error) {
	if _, t.run, err = s.fixed(ctx, t.peer, t.scenario); err != nil {
		return err
	}
	warm := t.run
	const part = 10
	warm.Requests = max(t.requests/part, t.clients)
	_, err = warm.Run(ctx)
	return err
}

func (sc *scenario) url(p *process.Process) string {
	scheme := "http"
	if sc.tls {
		scheme = "https"
	}
	return scheme + "://" + p.Address + sc.path
}

// measure is one run.
func measure(ctx context.Context, p *process.Process, run load.Fixed) (sample, error) {
	before, err := p.CPU()
	if err != nil {
		return sample{}, err
	}
	result, err := run.Run(ctx)
	if err != nil {
		return sample{}, err
	}
	after, err := p.CPU()
	if err != nil {
		return sample{}, err
	}
	return sample{(after - before) / time.Duration(run.Requests), result.PerSecond}, nil
}

// series is the figures of rounds.
type series []float64

// median returns the middle one.
func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread returns how far the middle half of them reaches, in parts of the median.
func (s series) spread() float64 {
	const quarter = 4
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	if n < quarter {
		return 1
	}
	return (sorted[n-1-n/quarter] - sorted[n/quarter]) / s.median()
}

// cpu returns the time of a peer in each round, in microseconds.
func (m *measured) cpu(peer string) series {
	var s series
	for _, one := range m.samples[peer] {
		s = append(s, float64(one.cpu)/float64(time.Microsecond))
	}
	return s
}

// ratio returns in each round what the first peer needs of what another does.
func (m *measured) ratio(peer string, of func(sample) float64) series {
	var s series
	for i, one := range m.samples[m.peers[0]] {
		s = append(s, of(one)/of(m.samples[peer][i]))
	}
	return s
}

func cpuOf(s sample) float64  { return float64(s.cpu) }
func rateOf(s sample) float64 { return s.rate }

// run measures all scenarios that only lets through.
func (s *stage) run(ctx context.Context, all []*scenario, rounds int, only func(*scenario) bool) ([]*measured, error) {
	var results []*measured
	for i, sc := range all {
		if !only(sc) {
			continue
		}
		began := time.Now()
		m, err := s.rounds(ctx, sc, rounds)
		if err != nil {
			return nil, err
		}
		results = append(results, m)
		fmt.Fprintf(os.Stderr, "%3d/%d %-40s %6.1f s  %s\n", i+1, len(all), sc.group+": "+sc.name, time.Since(began).Seconds(), m.line())
	}
	return results, nil
}

// line says in a line what came out.
func (m *measured) line() string {
	text := ""
	for _, t := range m.turns() {
		text += fmt.Sprintf("%s %.0f µs  ", t.name, m.cpu(t.name).median())
	}
	return text
}
