// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

//nolint:paralleltest // the contract counts allocations
func TestRoundRobin(t *testing.T) {
	pickertest.Run(t, picker.RoundRobin{}, pickertest.Traits{Spread: 0.01})
}

func BenchmarkRoundRobin(b *testing.B) { pickertest.Bench(b, picker.RoundRobin{}) }

func TestRoundRobinTakesTurns(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 4)
	p := picker.RoundRobin{}.Next(nil, view)
	seen := map[*picker.Candidate]int{}
	for range 400 {
		c, err := p.Pick(picker.Info{})
		if err != nil {
			t.Fatal(err)
		}
		seen[c]++
	}
	for _, c := range view.Ready {
		if seen[c] != 100 {
			t.Errorf("%v had %d of 400 turns, want 100", c.Endpoint, seen[c])
		}
	}
}

// A change of the endpoints before every pick must not favour the first.
func TestRoundRobinMovesOnAcrossRebuilds(t *testing.T) {
	t.Parallel()
	view := pickertest.NewView(t, 4)
	seen := map[*picker.Candidate]int{}
	var p picker.Picker
	for range 400 {
		p = picker.RoundRobin{}.Next(p, view)
		c, err := p.Pick(picker.Info{})
		if err != nil {
			t.Fatal(err)
		}
		seen[c]++
	}
	for _, c := range view.Ready {
		if seen[c] != 100 {
			t.Errorf("%v had %d of 400 turns, want 100", c.Endpoint, seen[c])
		}
	}
}
