// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// gauge is what was under way at one moment.
type gauge struct {
	second            int64 // since 1970
	inFlight, streams int64
	connections       map[string]int64 // by what they speak; not changed any more
}

// gaugeOf looks at what is under way now.
func gaugeOf(a *API) gauge {
	g := gauge{inFlight: a.config.Gateway.InFlight(), streams: a.config.Gateway.Streams()}
	if a.config.Connections != nil {
		g.connections = a.config.Connections()
	}
	return g
}

func (g gauge) addTo(p *adminv1.Point) {
	p.InFlight, p.Streams, p.Connections = g.inFlight, g.streams, g.connections
}

// gaugeCount is how many seconds are remembered.
const gaugeCount = int(telemetry.Window / telemetry.Step)

// gauges are what was under way at the end of each of the last seconds.
type gauges struct {
	mu   sync.Mutex
	ring [gaugeCount]gauge // by second; guarded by mu
	last int64             // the second that was looked at last; guarded by mu
}

// look remembers what is under way. In seconds that nobody looked at, which a busy machine may have, it was as before.
func (s *gauges) look(now time.Time, g gauge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.second = now.Unix()
	before := s.ring[s.last%int64(gaugeCount)]
	for skipped := max(s.last+1, g.second-int64(gaugeCount)+1); s.last > 0 && skipped < g.second; skipped++ {
		before.second = skipped
		s.ring[skipped%int64(gaugeCount)] = before
	}
	s.ring[g.second%int64(gaugeCount)], s.last = g, max(s.last, g.second)
}

// addTo adds to the point of a second what was under way in it, if that is known.
func (s *gauges) addTo(p *adminv1.Point, second time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.ring[second.Unix()%int64(gaugeCount)]; g.second == second.Unix() {
		g.addTo(p)
	}
}
