// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"math/bits"
	"time"
)

// Of a latencies: each power of two of microseconds has so many parts, so that a percentile is wrong by a sixteenth at most.
const (
	partBits = 3
	parts    = 1 << partBits
	// powers is up to 2^36 microseconds, which is 19 hours; what takes longer counts as that.
	powers       = 36 - partBits + 1
	latencyCells = (powers + 1) * parts
)

// latencies counts durations so that percentiles can be told.
type latencies struct {
	cells [latencyCells]uint32
	count uint32
}

func (l *latencies) add(d time.Duration) {
	l.cells[cellOf(d)]++
	l.count++
}

// cellOf returns the cell of a duration.
func cellOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0)) //nolint:gosec // not negative
	if us < parts {
		return int(us)
	}
	power := bits.Len64(us) - 1 - partBits
	return min((power+1)*parts+int(us>>power)&(parts-1), latencyCells-1) //nolint:gosec // of at most three bits
}

// middleOf returns the duration in the middle of a cell.
func middleOf(cell int) time.Duration {
	power, part := cell/parts-1, cell%parts
	if power < 0 {
		return time.Duration(part) * time.Microsecond
	}
	low := uint64(parts+part) << power                                //nolint:gosec // small
	return time.Duration(low+(uint64(1)<<power)/2) * time.Microsecond //nolint:gosec // below 2^37
}

// percentiles returns the durations below which such shares of all are, which come in ascending order; 0 without any.
func (l *latencies) percentiles(shares ...float64) []time.Duration {
	found := make([]time.Duration, len(shares))
	if l.count == 0 {
		return found
	}
	seen, at := uint32(0), 0
	for cell, n := range l.cells {
		seen += n
		for n > 0 && at < len(shares) && float64(seen) >= shares[at]*float64(l.count) {
			found[at] = middleOf(cell)
			at++
		}
	}
	return found
}
