// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// samplePerSecond is how many lines of net/http's own log pass in a second. It writes one for each broken
// connection, and who breaks many must not fill a disk (threat D15).
const samplePerSecond = 10

// sampled is a log handler that drops what comes too often and says how much it dropped.
type sampled struct {
	slog.Handler
	state *sampleState
}

type sampleState struct {
	mu      sync.Mutex
	second  int64 // guarded by mu, as is all below
	passed  int
	dropped int
}

func newSampled(h slog.Handler) *sampled { return &sampled{Handler: h, state: &sampleState{}} }

func (s *sampled) Handle(ctx context.Context, r slog.Record) error {
	dropped, pass := s.state.take(r.Time)
	if !pass {
		return nil
	}
	if dropped > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("dropped_before", dropped))
	}
	return s.Handler.Handle(ctx, r)
}

func (s *sampleState) take(now time.Time) (dropped int, pass bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := now.Unix(); second != s.second {
		s.second, s.passed = second, 0
	}
	if s.passed >= samplePerSecond {
		s.dropped++
		return 0, false
	}
	s.passed++
	dropped, s.dropped = s.dropped, 0
	return dropped, true
}
