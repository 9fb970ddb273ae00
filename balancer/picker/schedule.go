// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"cmp"
	"math"
	"slices"
)

// The sizes of a schedule whose weights have no small common measure.
const (
	// turnsEach is how many turns there are for an endpoint on average: an endpoint's share is
	// exact to one part in that of an average one's.
	turnsEach = 64
	// maxTurns bounds the turns, and with it what a change of weights costs.
	maxTurns = 1 << 16
)

// schedule is an order of turns, to be repeated, in which every endpoint comes as often as its weight says and its turns
// are as far apart as can be: of all turns that are still to come, the one that is due first is next (EDF).
type schedule []uint32

// newSchedule returns the schedule of these weights, which are above zero.
func newSchedule(weights []float64) schedule {
	turns := exactTurns(weights)
	if turns == nil {
		turns = aboutTurns(weights)
	}
	type turn struct {
		due float64
		of  uint32
	}
	var all []turn
	for i, n := range turns {
		// Each begins at another moment of its period, or those of equal weight would come in a row.
		_, phase := math.Modf(float64(i+1) * math.Phi)
		for k := range n {
			all = append(all, turn{(float64(k) + phase) / float64(n), uint32(i)})
		}
	}
	slices.SortFunc(all, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.of, b.of))
	})
	s := make(schedule, len(all))
	for i, t := range all {
		s[i] = t.of
	}
	return s
}

// exactTurns returns whole weights without their common divisor; nil when they are not whole or too
// many.
func exactTurns(weights []float64) []int {
	divisor, sum := 0, 0.0
	for _, w := range weights {
		if w != math.Trunc(w) || w > maxTurns {
			return nil
		}
		divisor = gcd(divisor, int(w))
		sum += w
	}
	if sum/float64(divisor) > float64(max(maxTurns, len(weights))) {
		return nil
	}
	turns := make([]int, len(weights))
	for i, w := range weights {
		turns[i] = int(w) / divisor
	}
	return turns
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// aboutTurns returns turns that are about as many as the weights say, for each at least one.
func aboutTurns(weights []float64) []int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	size := float64(min(turnsEach*len(weights), max(maxTurns, len(weights))))
	turns := make([]int, len(weights))
	for i, w := range weights {
		turns[i] = max(int(math.Round(w/sum*size)), 1)
	}
	return turns
}
