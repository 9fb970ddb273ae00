// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"sync"
	"time"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// sampleInterval is how often the sampler looks.
const sampleInterval = time.Second

// mostTransitions is how many changes of endpoints are remembered of a backend.
const mostTransitions = 100

// sampler looks at the backends every second, so that what became of them, and how fast they are called, can be told.
type sampler struct {
	api     *API
	reloads feed[*adminv1.Reload]
	gauges  gauges

	mu       sync.Mutex
	backends map[string]*sampled     // by name; guarded by mu
	limits   map[string]sampledLimit // by the name of the rule; guarded by mu
}

// sampled is what is remembered of a backend.
type sampled struct {
	endpoints   map[string]*sampledEndpoint // by address
	transitions []*adminv1.Transition
}

type sampledEndpoint struct {
	state adminv1.EndpointState
	calls uint64
	at    time.Time
	rate  float64
	past  *rates // what the rate was before; nil where there are too many endpoints
}

func newSampler(a *API) *sampler { return &sampler{api: a, backends: map[string]*sampled{}} }

// run looks until ctx ends.
func (s *sampler) run(ctx context.Context) {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	for {
		s.gauges.look(time.Now(), gaugeOf(s.api))
		s.look()
		s.lookAtLimits()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *sampler) look() {
	overviews := s.api.config.Assembly().Overviews()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	there := map[string]bool{}
	for i := range overviews {
		b := backendOf(&overviews[i])
		there[b.GetName()] = true
		own := s.backends[b.GetName()]
		first := own == nil
		if first {
			own = &sampled{endpoints: map[string]*sampledEndpoint{}}
			s.backends[b.GetName()] = own
		}
		own.look(b, now, first)
	}
	for name := range s.backends {
		if !there[name] {
			delete(s.backends, name)
		}
	}
	s.keepRatesLocked(now)
}

// look takes note of what a backend does now. What was there at the first look has not changed.
func (s *sampled) look(b *adminv1.Backend, now time.Time, first bool) {
	there := map[string]bool{}
	for _, e := range b.GetEndpoints() {
		there[e.GetAddress()] = true
		own := s.endpoints[e.GetAddress()]
		calls := e.GetSucceeded() + e.GetFailed()
		if own == nil {
			own = &sampledEndpoint{calls: calls, at: now}
			s.endpoints[e.GetAddress()] = own
			if first {
				own.state = e.GetState()
			}
		}
		if own.state != e.GetState() {
			s.add(&adminv1.Transition{Time: timeOf(now), Address: e.GetAddress(), From: own.state, To: e.GetState(), Reason: e.GetReason()})
			own.state = e.GetState()
		}
		if took := now.Sub(own.at).Seconds(); took > 0 && calls >= own.calls {
			own.rate = float64(calls-own.calls) / took
		}
		own.calls, own.at = calls, now
	}
	for address, own := range s.endpoints {
		if !there[address] {
			s.add(&adminv1.Transition{Time: timeOf(now), Address: address, From: own.state, Reason: "is gone"})
			delete(s.endpoints, address)
		}
	}
}

func (s *sampled) add(t *adminv1.Transition) {
	if len(s.transitions) == mostTransitions {
		s.transitions = s.transitions[1:]
	}
	s.transitions = append(s.transitions, t)
}

// addTo adds what is remembered to what is told of a backend.
func (s *sampler) addTo(b *adminv1.Backend) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.backends[b.GetName()]
	if own == nil {
		return
	}
	b.Transitions = append(b.Transitions, own.transitions...)
	for _, e := range b.GetEndpoints() {
		if known := own.endpoints[e.GetAddress()]; known != nil {
			e.CallsPerSecond = known.rate
		}
	}
}
