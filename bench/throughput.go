// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/dragoman-gateway/dragoman/bench/load"
)

const (
	wrkClients = 64
	wrkTime    = 3 * time.Second
)

// rate is how much a peer served.
type rate struct {
	peer      string
	perSecond series
}

// throughput has wrk ask for as much as it gets.
func (s *stage) throughput(ctx context.Context, all []*scenario) ([]rate, error) {
	results := []rate{{peer: dragoman}, {peer: grpcGateway}}
	for range latencyRounds {
		for i := range results {
			p, err := s.server(ctx, results[i].peer, variant{})
			if err != nil {
				return nil, err
			}
			n, err := load.Wrk(ctx, all[0].url(p), wrkClients, wrkTime)
			if err != nil {
				return nil, err
			}
			results[i].perSecond = append(results[i].perSecond, n)
		}
	}
	return results, nil
}
