// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
)

// rateSamples is over how many samples of a second a rate is told.
const rateSamples = 5

// sampledLimit is what a rule had counted at the last samples, the newest last.
type sampledLimit []limitSample

type limitSample struct {
	time              time.Time
	admitted, refused uint64
}

// lookAtLimits takes note of what rules have counted.
func (s *sampler) lookAtLimits() {
	counts := s.api.config.Assembly().LimitCounts()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	next := make(map[string]sampledLimit, len(counts))
	for _, c := range counts {
		all := append(s.limits[c.Name], limitSample{now, c.Admitted, c.Refused})
		if len(all) > rateSamples+1 {
			all = all[1:]
		}
		next[c.Name] = all
	}
	s.limits = next
}

// limitRates returns how many calls a rule admitted and refused per second of late; 0 before that is known, and where a reload has made it count anew.
func (s *sampler) limitRates(of *ratelimit.State) (admitted, refused float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.limits[of.Rule.Name]
	if len(all) < 2 { //nolint:mnd // a difference takes two
		return 0, 0
	}
	first, last := &all[0], &all[len(all)-1]
	took := last.time.Sub(first.time).Seconds()
	if took <= 0 || last.admitted < first.admitted || last.refused < first.refused {
		return 0, 0
	}
	return float64(last.admitted-first.admitted) / took, float64(last.refused-first.refused) / took
}
