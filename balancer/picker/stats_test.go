// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// Deadline-exceeded and UNAVAILABLE are failures; a client's own cancellation is neither.
func TestResultOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want picker.Result
	}{
		{nil, picker.Success},
		{status.Error(codes.Unavailable, ""), picker.Failure},
		{status.Error(codes.DeadlineExceeded, ""), picker.Failure},
		{status.Error(codes.Canceled, ""), picker.Neither},
		{context.Canceled, picker.Neither},
		{fmt.Errorf("call: %w", context.Canceled), picker.Neither},
		{status.Error(codes.NotFound, ""), picker.Success},
		{status.Error(codes.InvalidArgument, ""), picker.Success},
		{errors.New("plain"), picker.Success},
	} {
		if got := picker.ResultOf(tt.err); got != tt.want {
			t.Errorf("ResultOf(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestStatsCount(t *testing.T) {
	t.Parallel()
	var s picker.Stats
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 {
				s.Begin()
				s.End([]picker.Result{picker.Success, picker.Failure, picker.Neither}[i%3], time.Millisecond, int64(i))
			}
		})
	}
	wg.Wait()
	if s.InFlight() != 0 || s.Succeeded() != 800 || s.Failed() != 800 || s.Canceled() != 800 {
		t.Errorf("in flight %d, succeeded %d, failed %d, canceled %d; want 0, 800, 800, 800",
			s.InFlight(), s.Succeeded(), s.Failed(), s.Canceled())
	}
	if got := s.Latency(); got != time.Millisecond {
		t.Errorf("latency %v, want 1ms", got)
	}
}

func TestLatencyFollows(t *testing.T) {
	t.Parallel()
	var s picker.Stats
	if s.Latency() != 0 {
		t.Errorf("latency %v before the first call", s.Latency())
	}
	end := func(d, at time.Duration) {
		s.Begin()
		s.End(picker.Success, d, int64(at))
	}
	end(10*time.Millisecond, 0)
	end(-1, time.Hour) // a stream is no sample
	if got := s.Latency(); got != 10*time.Millisecond {
		t.Errorf("latency %v after one call of 10ms and one stream", got)
	}
	// After one time constant a new sample weighs 1 - 1/e.
	end(110*time.Millisecond, 10*time.Second)
	if got := s.Latency(); got < 73*time.Millisecond || got > 74*time.Millisecond {
		t.Errorf("latency %v, want 73.2ms", got)
	}
	s.Begin()
	s.End(picker.Neither, time.Hour, int64(20*time.Second))
	if got := s.Latency(); got > 74*time.Millisecond {
		t.Errorf("latency %v: a cancelled call moved it", got)
	}
}

func TestCallTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{"a:1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name           string
		chosen         bool
		sent, answered bool
		want           picker.Stage
	}{
		{"no endpoint", false, false, false, picker.StageWaiting},
		{"no stream", true, false, false, picker.StageChosen},
		{"no answer", true, true, false, picker.StageSent},
		{"answer", true, true, true, picker.StageAnswered},
	} {
		c := &picker.Call{}
		if got := picker.CallFrom(picker.WithCall(t.Context(), c)); got != c {
			t.Fatal("the context lost the call")
		}
		if tt.chosen {
			c.Chose(&picker.Candidate{Endpoint: e})
			c.Ended(tt.sent, tt.answered)
		}
		if c.Stage() != tt.want || c.Endpoint().IsZero() == tt.chosen {
			t.Errorf("%s: stage %v at %v, want %v", tt.name, c.Stage(), c.Endpoint(), tt.want)
		}
	}
	if picker.CallFrom(t.Context()) != nil {
		t.Error("a call out of nothing")
	}
}
