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

// rounds runs scenarios, the peers taking turns.
func (s *stage) rounds(ctx context.Context, sc *scenario, rounds int) (*measured, error) {
	m := &measured{scenario: sc, samples: map[string][]sample{}}
	client := newClient(sc.http1, sc.tls)
	defer client.CloseIdleConnections()
	runs := map[string]load.Fixed{}
	for _, peer := range sc.peers {
		p, err := s.server(ctx, peer, sc.variant)
		if err != nil {
			return nil, err
		}
		url := sc.url(p)
		length, err := sc.check(ctx, client, url, s.tokens.bearer)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", sc.name, peer, err)
		}
		run := load.Fixed{
			URL: url, HTTP1: sc.http1, Clients: sc.clients, Streams: sc.streams, Requests: sc.requests, Body: sc.body, Headers: sc.headers(s.tokens.bearer), Length: length,
		}
		warm := run
		const part = 10
		warm.Requests = max(sc.requests/part, sc.clients)
		if _, err := warm.Run(ctx); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", sc.name, peer, err)
		}
		runs[peer] = run
	}
	for range rounds {
		for _, peer := range sc.peers {
			p, err := s.server(ctx, peer, sc.variant)
			if err != nil {
				return nil, err
			}
			one, err := measure(ctx, p, runs[peer])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", sc.name, peer, err)
			}
			m.samples[peer] = append(m.samples[peer], one)
		}
	}
	return m, nil
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
	for _, peer := range m.peers {
		text += fmt.Sprintf("%s %.0f µs  ", peer, m.cpu(peer).median())
	}
	return text
}
