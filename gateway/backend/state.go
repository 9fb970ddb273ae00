// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import "sync/atomic"

// State is how the calls of a backend fare, since it was opened.
type State struct {
	// Retries is how many attempts were made beside the first ones.
	Retries uint64
	// OverBudget is how many retries were due that the budget did not allow.
	OverBudget uint64
	// Buffered is how many bytes of requests of streams are kept for retries.
	Buffered int64
}

// counts are what a State is made of.
type counts struct {
	retries, overBudget atomic.Uint64
}

// State returns how the calls fare. What is known of the endpoints is Channel().Endpoints().
func (b *Backend) State() State {
	return State{
		Retries: b.counts.retries.Load(), OverBudget: b.counts.overBudget.Load(), Buffered: b.replays.used.Load(),
	}
}
