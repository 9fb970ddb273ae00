// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

const (
	// mostRates is of how many endpoints, of all backends together, it is remembered how often they were called. Each takes rateCount values, of four bytes.
	mostRates = 256
	// rateCount is how many seconds are remembered.
	rateCount = int(telemetry.Window / telemetry.Step)
)

// rates are how often an endpoint was called in each of the last seconds. The zero value knows of none.
type rates struct {
	ring        [rateCount]float32 // by second
	first, last int64              // the seconds that are known, since 1970; 0 for none
}

// add says what the rate was since the second that was said last, of which there may be more than one on a busy machine.
func (r *rates) add(second int64, rate float64) {
	if second < r.last || r.last == 0 { // a clock that was set back begins anew
		r.first, r.last = second, second-1
	}
	for at := max(r.last+1, second-int64(rateCount)+1); at <= second; at++ {
		r.ring[at%int64(rateCount)] = float32(rate)
	}
	r.ring[second%int64(rateCount)], r.last = float32(rate), second
	r.first = max(r.first, second-int64(rateCount)+1)
}

// at is the rate of a second, 0 where it is not known.
func (r *rates) at(second int64) float32 {
	if second < r.first || second > r.last {
		return 0
	}
	return r.ring[second%int64(rateCount)]
}

// keepRatesLocked remembers how often endpoints were called in the last second. New ones are remembered as long as there is room.
func (s *sampler) keepRatesLocked(now time.Time) {
	kept := 0
	for _, b := range s.backends {
		for _, e := range b.endpoints {
			if e.past != nil {
				kept++
				e.past.add(now.Unix(), e.rate)
			}
		}
	}
	for _, b := range s.backends {
		for _, e := range b.endpoints {
			if e.past == nil && kept < mostRates {
				kept++
				e.past = &rates{}
				e.past.add(now.Unix(), e.rate)
			}
		}
	}
}

// series tells what is remembered of the endpoints of a backend, or of all where its name is empty.
func (s *sampler) series(backend string) *adminv1.ListEndpointSeriesResponse {
	const hundredth = 100
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &adminv1.ListEndpointSeriesResponse{}
	var all []*rates
	first, last := int64(math.MaxInt64), int64(0)
	for name, b := range s.backends {
		if backend != "" && backend != name {
			continue
		}
		for address, e := range b.endpoints {
			if e.past == nil {
				out.LeftOut++
				continue
			}
			out.Endpoints = append(out.Endpoints, &adminv1.EndpointSeries{Backend: name, Address: address})
			all = append(all, e.past)
			first, last = min(first, e.past.first), max(last, e.past.last)
		}
	}
	if all == nil {
		return out
	}
	out.Time = &timestamppb.Timestamp{Seconds: last}
	for i, r := range all {
		values := make([]float32, 0, last-first+1)
		for at := first; at <= last; at++ {
			values = append(values, float32(math.Round(float64(r.at(at))*hundredth)/hundredth))
		}
		out.Endpoints[i].CallsPerSecond = values
	}
	slices.SortFunc(out.GetEndpoints(), func(a, b *adminv1.EndpointSeries) int {
		return cmp.Or(cmp.Compare(a.GetBackend(), b.GetBackend()), cmp.Compare(a.GetAddress(), b.GetAddress()))
	})
	return out
}
