// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

// SaveUp gives a route as many hedges as its calls can save up for.
func SaveUp(r *Route) {
	r.hedger.mu.Lock()
	defer r.hedger.mu.Unlock()
	r.hedger.savings = hedgeSavings * hedgeCost
}
