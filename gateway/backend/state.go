// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import "sync/atomic"

// State is how the calls of a backend fare. What is counted is counted since it was opened.
type State struct {
	// InFlight and Streams are how many calls that do not stream, and how many streams, are under way.
	InFlight int `json:"in_flight"`
	Streams  int `json:"streams"`
	// Queued is how many calls wait for another one to end.
	Queued int `json:"queued"`
	// Limit is how many calls that do not stream there may be now.
	Limit int `json:"limit"`
	// Refused is how many calls were refused because there were too many, or waited in vain.
	Refused uint64 `json:"refused"`
	// Parked is how many calls are under way that nobody waits for any more: they are reset in their turn, or end by themselves.
	Parked int64 `json:"parked"`
	// Retries is how many attempts were made beside the first ones.
	Retries uint64 `json:"retries"`
	// OverBudget is how many retries were due that the budget did not allow.
	OverBudget uint64 `json:"over_budget"`
	// Hedges is how many calls were made once more because they were late, and HedgesWon in how many that was answered first.
	Hedges    uint64 `json:"hedges"`
	HedgesWon uint64 `json:"hedges_won"`
	// HedgesOverBudget is how many more were late, but the budget did not allow it.
	HedgesOverBudget uint64 `json:"hedges_over_budget"`
	// Buffered is how many bytes of requests of streams are kept for retries.
	Buffered int64 `json:"buffered"`
	// Breaker is how the circuit breaker stands; closed where there is none.
	Breaker BreakerState `json:"circuit_breaker"`
	// Shut is how many calls the circuit breaker refused.
	Shut uint64 `json:"shut"`
}

// counts are what a State is made of.
type counts struct {
	retries, overBudget, shut           atomic.Uint64
	hedges, hedgesWon, hedgesOverBudget atomic.Uint64
}

// State returns how the calls fare. What is known of the endpoints is Channel().Endpoints().
func (b *Backend) State() State {
	s := State{
		Retries: b.counts.retries.Load(), OverBudget: b.counts.overBudget.Load(), Buffered: b.replays.used.Load(),
		Hedges: b.counts.hedges.Load(), HedgesWon: b.counts.hedgesWon.Load(), HedgesOverBudget: b.counts.hedgesOverBudget.Load(),
		Parked:  b.parking.all.Load(),
		Breaker: b.breaker.current(), Shut: b.counts.shut.Load(),
	}
	var refusedStreams uint64
	s.InFlight, s.Queued, s.Limit, s.Refused = b.calls.state()
	s.Streams, _, _, refusedStreams = b.streams.state()
	s.Refused += refusedStreams
	return s
}

func (g *gate) state() (inFlight, queued, limit int, refused uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight, len(g.waiting), g.limit(), g.refused
}
