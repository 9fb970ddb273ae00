// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Each attempt is told: where it went, why there was one, how it ended. Where the trace of the call is recorded, each is a part of it that
// the backend is told as its parent.
func TestEachAttemptIsTold(t *testing.T) {
	t.Parallel()
	slowFirst := func(arrival int64, s grpc.ServerStream) error {
		if arrival == 1 {
			<-s.Context().Done()
			return s.Context().Err()
		}
		return echo(arrival, s)
	}
	for _, c := range []struct {
		name    string
		method  *transcoder.Method
		policy  backend.PolicyConfig
		serve   func(int64, grpc.ServerStream) error
		kinds   []transcoder.TryKind
		codes   []codes.Code
		sampled bool
	}{
		{"one that goes well", get(), backend.PolicyConfig{}, echo, []transcoder.TryKind{transcoder.TryFirst}, []codes.Code{codes.OK}, false},
		{"one that goes well, recorded", get(), backend.PolicyConfig{}, echo, []transcoder.TryKind{transcoder.TryFirst}, []codes.Code{codes.OK}, true},
		{
			"retries", get(),
			backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3, Backoff: time.Millisecond}},
			failingFirst(2, errDown, echo),
			[]transcoder.TryKind{transcoder.TryFirst, transcoder.TryRetry, transcoder.TryRetry},
			[]codes.Code{codes.Unavailable, codes.Unavailable, codes.OK},
			true,
		},
		{
			"retries of a stream", streaming(true, true),
			backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 2, Backoff: time.Millisecond}},
			failingFirst(1, errDown, echo),
			[]transcoder.TryKind{transcoder.TryFirst, transcoder.TryRetry},
			[]codes.Code{codes.Unavailable, codes.OK},
			true,
		},
		{
			"a stream that fails for good", streaming(false, true),
			backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 2, Backoff: time.Millisecond}},
			failing(errDown),
			[]transcoder.TryKind{transcoder.TryFirst, transcoder.TryRetry},
			[]codes.Code{codes.Unavailable, codes.Unavailable},
			true,
		},
		{
			"a hedge", get(),
			backend.PolicyConfig{Hedge: &backend.HedgeConfig{After: 100 * time.Millisecond, Percent: 50}},
			slowFirst,
			[]transcoder.TryKind{transcoder.TryFirst, transcoder.TryHedge},
			[]codes.Code{codes.Canceled, codes.OK},
			true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var (
				mu      sync.Mutex
				parents []string
				counted int64
			)
			serve := func(_ int64, s grpc.ServerStream) error {
				mu.Lock()
				counted++
				arrival := counted
				parents = append(parents, header(s, "traceparent"))
				mu.Unlock()
				return c.serve(arrival, s)
			}
			one, two := newServer(t, serve), newServer(t, serve)
			b := open(t, backend.Config{}, one, two)
			call := transcoder.NewCall(t.Context(), &transcoder.Request{Method: "POST", Path: c.method.Path, Major: 2})
			call.Method, call.Deadline = c.method, time.Now().Add(10*time.Second)
			call.Trace = transcoder.Trace{ID: transcoder.NewTraceID(), Span: transcoder.NewSpanID(), Sampled: c.sampled}
			own := call.Trace.ParentText(call.Trace.Span)
			call.Metadata = wire.Header{{Name: "traceparent", Value: own}}
			r := route(t, b, c.policy)
			if c.policy.Hedge != nil {
				backend.SaveUp(r)
			}
			err := r.Forward(call, newClient("hello"))
			tries := call.Tries()
			if len(tries) != len(c.kinds) || call.Attempts != len(c.kinds) {
				t.Fatalf("%d attempts are told, and %d counted, of %d; %v", len(tries), call.Attempts, len(c.kinds), err)
			}
			for i := range tries {
				one := &tries[i]
				if one.Kind != c.kinds[i] || one.Code != c.codes[i] || !strings.HasPrefix(one.Endpoint, "127.0.0.1:") || one.Took <= 0 || one.Offset < 0 {
					t.Errorf("attempt %d is %+v; want %s that ends with %s", i, one, c.kinds[i], c.codes[i])
				}
				want := own
				if c.sampled {
					want = call.Trace.ParentText(one.Span)
				}
				mu.Lock()
				if !slices.Contains(parents, want) {
					t.Errorf("attempt %d is the part %s of the trace; backends were told %q", i, hex.EncodeToString(one.Span[:]), parents)
				}
				mu.Unlock()
			}
		})
	}
}

// A call that failed since the budget had no retry for it says so.
func TestAnEmptyBudgetIsTheReason(t *testing.T) {
	t.Parallel()
	b := open(t, backend.Config{}, newServer(t, failing(errDown)))
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 5, Backoff: time.Nanosecond}})
	reasons := map[status.Reason]bool{}
	for range 200 {
		call, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second)
		call.Err = err
		reasons[call.Reason()] = true
	}
	if !reasons[status.ReasonRetryBudgetEmpty] || !reasons[status.ReasonBackendError] || len(reasons) != 2 {
		t.Errorf("the reasons are %v, of %d that the budget did not allow", reasons, b.State().OverBudget)
	}
}
