// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"cmp"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
)

// DefaultAlwaysOver is how long a call takes that is written whatever the share is.
const DefaultAlwaysOver = time.Second

// Sampling says of which calls lines are written: of those that did not end with OK, of those that took long, and of a share of the others. A nil
// Sampling says all.
type Sampling struct {
	share uint64 // of 2^32
	over  time.Duration
}

// NewSampling returns a Sampling. percent is the share; nil means all. over is how long a call takes that is always written; 0 means
// DefaultAlwaysOver.
func NewSampling(percent *float64, over time.Duration) (*Sampling, error) {
	const all = 100
	if percent == nil || *percent == all {
		return nil, nil //nolint:nilnil // all
	}
	if !(*percent >= 0 && *percent <= all) {
		return nil, fmt.Errorf("telemetry: %v percent of the calls are to be written; it must be 0 to 100", *percent)
	}
	return &Sampling{share: uint64(*percent / all * (1 << 32)), over: cmp.Or(over, DefaultAlwaysOver)}, nil
}

// Wants tells whether a line is written of a call. It says the same each time, by the id of the request, so that all logs have the same calls.
func (s *Sampling) Wants(r *Record) bool {
	if s == nil || r.Code != codes.OK || r.Duration >= s.over {
		return true
	}
	// FNV-1a; what clients choose as id they can choose so that it is written, and lose nothing by.
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for i := range len(r.RequestID) {
		h = (h ^ uint32(r.RequestID[i])) * prime
	}
	// Its last bits are the good ones: they are mixed into the first.
	h ^= h >> 15
	h *= 0x85ebca6b
	h ^= h >> 13
	return uint64(h) < s.share
}
