// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
)

// budgets are how many objects the gateway allocates for a request of each scenario, and for a message of one that streams. One client makes one
// request at a time: how many requests share a write, or a wake-up, is then left to chance no more, and the figures are the same in every run.
// Large messages come in pieces, whose number is left to chance: theirs are the most that there may be.
//
// make allocs holds them. Who makes the gateway allocate less writes the smaller figure here; a larger one needs a reason in the commit.
var budgets = map[string]float64{
	"REST: GET small, HTTP/1.1, 1 client":                                   21,
	"REST: POST small, HTTP/1.1, 1 client":                                  23,
	"REST: GET small, HTTP/2, 1 stream":                                     22,
	"REST: POST small, HTTP/2, 4 × 4 streams":                               26,
	"REST: GET medium (10 KB)":                                              20,
	"REST: echo medium (10 KB)":                                             22,
	"REST: GET large (1 MB)":                                                120,
	"REST: echo large (1 MB)":                                               150,
	"REST: stream of 1,000":                                                 3,
	"REST: GET small, 1,000 rules":                                          21,
	"REST: GET small, TLS":                                                  22,
	"gRPC: small, 1 stream":                                                 37,
	"gRPC: echo medium (10 KB), 4 × 4 streams":                              31,
	"gRPC: echo large (1 MB), 4 streams":                                    200,
	"gRPC: stream of 1,000, 4 streams":                                      4,
	"Other protocols, and features: gRPC-Web, HTTP/2":                       38,
	"Other protocols, and features: Connect, HTTP/2":                        33,
	"Other protocols, and features: Connect GET, HTTP/2":                    31,
	"Other protocols, and features: gRPC, a token that nobody asks for":     38,
	"Other protocols, and features: gRPC, a token, a limit, a rule":         39,
	"Other protocols, and features: REST, HTTP/2, a token, a limit, a rule": 24,
	"Other protocols, and features: gRPC, stored answers":                   32,
	"Other protocols, and features: REST, HTTP/2, stored answers":           17,
	"Other protocols, and features: gRPC, TLS":                              38,
	"Balancing: 3 endpoints, adaptive":                                      37,
	"Balancing: 3 endpoints, least_request":                                 37,
	"Balancing: 3 endpoints, peak_ewma":                                     37,
	"Balancing: 3 endpoints, weighted_round_robin":                          37,
	"Balancing: 3 endpoints, ring_hash":                                     38,
	"Balancing: 3 endpoints, maglev":                                        38,
	"Balancing: 3 endpoints, round_robin":                                   37,
	"Balancing: 3 endpoints, random":                                        37,
}

// budgeted are the scenarios with a budget: each kind of call once, whatever the number of its clients.
func budgeted(all []*scenario) []*scenario {
	seen := map[string]bool{}
	var some []*scenario
	for _, sc := range all {
		if sc.group == groupBalanced && sc.endpoints != 0 && sc.endpoints != balancedFew || sc.rules > mostRules {
			continue // they take long to start, and allocate no more
		}
		key := fmt.Sprint(sc.form, sc.http1, sc.path, sc.body, sc.bearing, sc.variant)
		if !seen[key] {
			seen[key] = true
			some = append(some, sc)
		}
	}
	return some
}

// What budgets are for.
const (
	balancedFew = 3    // endpoints
	mostRules   = 1000 // beside those that are called
)

// objects counts what the gateway allocates for a request, or for a message of a stream, to the nearest whole number.
func (s *stage) objects(ctx context.Context, sc *scenario) (float64, error) {
	p, run, err := s.fixed(ctx, allocating, sc)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", sc.name, err)
	}
	run.Clients, run.Streams, run.Requests = 1, 1, sc.counted()
	if _, err := run.Run(ctx); err != nil { // pools fill
		return 0, fmt.Errorf("%s: %w", sc.name, err)
	}
	before, _, err := p.Allocated()
	if err != nil {
		return 0, err
	}
	if _, err := run.Run(ctx); err != nil {
		return 0, fmt.Errorf("%s: %w", sc.name, err)
	}
	after, _, err := p.Allocated()
	return math.Round(float64(after-before) / float64(run.Requests*sc.messages())), err
}

// within tells whether what was counted is what the budget says.
func (sc *scenario) within(got, budget float64) bool {
	return got == budget || sc.isLarge() && got < budget
}

// isLarge tells whether its messages are: how many pieces they come in is left to chance.
func (sc *scenario) isLarge() bool { return sc.requests == manyLarge || sc.requests == manyFrames }

// counted is how many requests are counted together: enough for what happens beside them, once in a while, to disappear.
func (sc *scenario) counted() int {
	switch sc.requests {
	case manyLarge, manyFrames, manyStream:
		return manyLarge
	case manyMedium:
		return manyMedium / 2
	default:
		return oneClient
	}
}
