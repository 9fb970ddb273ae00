// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// A circuit opens when enough calls fail, tells why and since when, and closes after probes that succeed.
func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
		if down.Load() {
			return errDown
		}
		return echo(arrival, s)
	})
	b := open(t, backend.Config{CircuitBreaker: backend.BreakerConfig{FailurePercent: 50, MinCalls: 10, OpenFor: 100 * time.Millisecond, Probes: 2}}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 1}})
	call := func() error {
		_, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second)
		return err
	}
	for range 6 {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	down.Store(true)
	for range 5 {
		if err := call(); err == nil {
			t.Fatal("no error")
		}
	}
	if st := b.State().Breaker; st.Circuit != backend.CircuitClosed {
		t.Fatalf("5 of 11 failed, and the circuit is %+v", st)
	}
	before := time.Now()
	_ = call()
	st := b.State().Breaker
	if st.Circuit != backend.CircuitOpen || st.Reason != "6 of 12 calls failed" || st.Since.Before(before) || st.Until.Before(st.Since.Add(80*time.Millisecond)) {
		t.Fatalf("6 of 12 failed, and the circuit is %+v", st)
	}
	var shown backend.Overview
	if text, err := json.Marshal(b.Overview()); err != nil || json.Unmarshal(text, &shown) != nil || shown.Calls.Breaker.Circuit != backend.CircuitOpen ||
		shown.Calls.Breaker.Reason != st.Reason || !strings.Contains(string(text), `"circuit":"open"`) {
		t.Errorf("operators are shown %s: %v", text, err)
	}
	arrived := s.arrived.Load()
	err := call()
	e, ok := errors.AsType[*status.Error](err)
	if _, has := status.RetryAfter(err); !ok || e.Code != codes.Unavailable || e.Reason != status.ReasonCircuitOpen || !has {
		t.Errorf("an open circuit answers %v", err)
	}
	if s.arrived.Load() != arrived || b.State().Shut != 1 {
		t.Errorf("%d arrived through an open circuit; the state is %+v", s.arrived.Load()-arrived, b.State())
	}
	// A probe fails: open again, and for longer.
	eventually(t, "a probe", func() bool { _ = call(); return s.arrived.Load() == arrived+1 })
	if st := b.State().Breaker; st.Circuit != backend.CircuitOpen || st.Reason != "a probe failed" || st.Until.Before(st.Since.Add(160*time.Millisecond)) {
		t.Errorf("after a probe that failed the circuit is %+v", st)
	}
	down.Store(false)
	eventually(t, "a probe that succeeds", func() bool { return call() == nil })
	if st := b.State().Breaker; st.Circuit != backend.CircuitHalfOpen {
		t.Errorf("after one probe of two the circuit is %+v", st)
	}
	if err := call(); err != nil {
		t.Error(err)
	}
	if st := b.State().Breaker; st.Circuit != backend.CircuitClosed || st.Reason != "" {
		t.Errorf("after two probes the circuit is %+v", st)
	}
}

// One probe at a time.
func TestOneProbeAtATime(t *testing.T) {
	t.Parallel()
	var hold atomic.Bool
	release := make(chan struct{})
	s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
		if !hold.Load() {
			return errDown
		}
		<-release
		return echo(arrival, s)
	})
	b := open(t, backend.Config{CircuitBreaker: backend.BreakerConfig{FailurePercent: 1, MinCalls: 1, OpenFor: time.Millisecond, Probes: 1}}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 1}})
	if err := <-start(t.Context(), r, get()); err == nil {
		t.Fatal("no error")
	}
	hold.Store(true)
	eventually(t, "the pause is over", func() bool { return time.Now().After(b.State().Breaker.Until) })
	probe := start(t.Context(), r, get())
	eventually(t, "the probe is there", func() bool { return s.arrived.Load() == 2 })
	for range 10 {
		if err := <-start(t.Context(), r, get()); status.ReasonOf(err) != status.ReasonCircuitOpen {
			t.Errorf("beside a probe a call got %v", err)
		}
	}
	close(release)
	if err := <-probe; err != nil || b.State().Breaker.Circuit != backend.CircuitClosed || s.arrived.Load() != 2 {
		t.Errorf("the probe got %v, and the circuit is %+v", err, b.State().Breaker)
	}
}
