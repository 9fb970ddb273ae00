// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

// Random is the policy that draws an endpoint for each call, each ready one with the same chance.
// It is what other policies are compared with; under load it queues more than any of them.
type Random struct{}

// Name implements Policy.
func (Random) Name() string { return "random" }

// Next implements Policy.
func (Random) Next(_ Picker, view View) Picker { return random(view.Ready) }

type random []*Candidate

// Pick implements Picker.
func (p random) Pick(info Info) (*Candidate, error) {
	return info.from(p, below(info.Random, len(p))), nil
}
