// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

var errDown = status.Error(codes.Unavailable, "try another one")

// Threat H9: who may have seen a call is not asked again unless the method allows it.
func TestThreatH9WhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	idempotent := get()
	idempotent.NoSideEffects = false
	for _, c := range []struct {
		name     string
		method   *transcoder.Method
		retry    backend.RetryConfig
		err      error // of the first servers
		failures int64
		arrivals int64
		want     codes.Code
	}{
		{"no side effects", get(), backend.RetryConfig{}, errDown, 1, 2, codes.OK},
		{"idempotent", idempotent, backend.RetryConfig{}, errDown, 1, 2, codes.OK},
		{"side effects", charge(), backend.RetryConfig{}, errDown, 1, 1, codes.Unavailable},
		{"side effects that are said to be harmless", charge(), backend.RetryConfig{TreatAsIdempotent: new(true)}, errDown, 1, 2, codes.OK},
		{"one retry by default", get(), backend.RetryConfig{}, errDown, 2, 2, codes.Unavailable},
		{"as many as are allowed", get(), backend.RetryConfig{Attempts: 5}, errDown, 4, 5, codes.OK},
		{"none", get(), backend.RetryConfig{Attempts: 1}, errDown, 1, 1, codes.Unavailable},
		{"another code", get(), backend.RetryConfig{}, status.Error(codes.ResourceExhausted, ""), 1, 1, codes.ResourceExhausted},
		{"another code that is listed", get(), backend.RetryConfig{On: []codes.Code{codes.Aborted}}, status.Error(codes.Aborted, ""), 1, 2, codes.OK},
		{"the usual code, not listed", get(), backend.RetryConfig{On: []codes.Code{codes.Aborted}}, errDown, 1, 1, codes.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, failingFirst(c.failures, c.err, echo))
			b := open(t, backend.Config{}, s)
			client := newClient("hello")
			call, err := forward(t.Context(), route(t, b, backend.PolicyConfig{Retry: c.retry}), c.method, client, 10*time.Second)
			if status.Code(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if n := s.arrived.Load(); n != c.arrivals || int64(call.Attempts) != n || b.State().Retries != uint64(n-1) { //nolint:gosec // small
				t.Errorf("%d arrived, the call counts %d attempts, the backend %d retries; want %d arrivals", n, call.Attempts, b.State().Retries, c.arrivals)
			}
			if got := client.got(); c.want == codes.OK && got != "hello" {
				t.Errorf("the answer is %q", got)
			}
		})
	}
}

// Each attempt goes to another server, and says how many there were before.
func TestAnotherAttemptGoesElsewhere(t *testing.T) {
	t.Parallel()
	var (
		mu   sync.Mutex
		seen []string
	)
	serve := func(_ int64, s grpc.ServerStream) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, header(s, "grpc-previous-rpc-attempts"))
		return errDown
	}
	servers := []*server{newServer(t, serve), newServer(t, serve), newServer(t, serve)}
	b := open(t, backend.Config{}, servers...)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3, Backoff: time.Millisecond}})
	for n := range int64(8) {
		if _, err := forward(t.Context(), r, get(), newClient(""), 10*time.Second); status.Code(err) != codes.Unavailable {
			t.Errorf("got %v", err)
		}
		for i, s := range servers {
			if got := s.arrived.Load(); got != n+1 {
				t.Fatalf("after %d calls server %d had %d attempts", n+1, i, got)
			}
		}
		if !slices.Equal(seen, []string{"", "1", "2"}) {
			t.Errorf("grpc-previous-rpc-attempts was %q", seen)
		}
		seen = nil
	}
}

// Threat H10: the authority is that of the server of each attempt.
func TestThreatH10EachAttemptHasItsAuthority(t *testing.T) {
	t.Parallel()
	authorities := make(chan string, 2)
	serve := func(_ int64, s grpc.ServerStream) error {
		authorities <- header(s, ":authority")
		return errDown
	}
	cfg := backend.Config{}
	for name, s := range map[string]*server{"one.test": newServer(t, serve), "two.test": newServer(t, serve)} {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{s.address}, ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Endpoints = append(cfg.Endpoints, e)
	}
	b := open(t, cfg)
	if _, err := forward(t.Context(), route(t, b, backend.PolicyConfig{}), get(), newClient(""), 10*time.Second); status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
	got := []string{<-authorities, <-authorities}
	slices.Sort(got)
	if !slices.Equal(got, []string{"one.test", "two.test"}) {
		t.Errorf("got %q", got)
	}
}

// A backend can ask for a pause before a retry, or for none; the client is told the same (gRFC A6).
func TestPushback(t *testing.T) {
	t.Parallel()
	const key = "grpc-retry-pushback-ms"
	for _, c := range []struct {
		value    string
		arrivals int64
		least    time.Duration
	}{
		{"120", 2, 120 * time.Millisecond},
		{"0", 2, 0},
		{"-1", 1, 0},
		{"soon", 1, 0},
		{"60001", 1, 0},                  // longer than anybody should wait
		{"9999999999999999999999", 1, 0}, // no number
		{"20000", 1, 0},                  // after the deadline
		{"99999999", 1, 0},               // a day
	} {
		t.Run(c.value, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(_ int64, s grpc.ServerStream) error {
				s.SetTrailer(metadata.Pairs(key, c.value))
				return errDown
			})
			b := open(t, backend.Config{}, s)
			r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Backoff: time.Millisecond}})
			began := time.Now()
			call, err := forward(t.Context(), r, get(), newClient(""), 10*time.Second)
			if status.Code(err) != codes.Unavailable || s.arrived.Load() != c.arrivals || time.Since(began) < c.least {
				t.Errorf("got %v after %d arrivals and %v; want %d arrivals and at least %v", err, s.arrived.Load(), time.Since(began), c.arrivals, c.least)
			}
			if got := values(call.Trailer, key); !slices.Equal(got, []string{c.value}) {
				t.Errorf("the client is told %q", got)
			}
		})
	}
}

func values(h wire.Header, name string) (all []string) {
	for _, f := range h {
		if f.Name == name {
			all = append(all, f.Value)
		}
	}
	return all
}

// Fault 15: what is left of the deadline goes to each attempt, less each time; and no attempt begins that has no time.
func TestFault15EachAttemptHasLessTime(t *testing.T) {
	t.Parallel()
	left := make(chan time.Duration, 5)
	s := newServer(t, func(_ int64, s grpc.ServerStream) error {
		end, _ := s.Context().Deadline()
		left <- time.Until(end)
		return errDown
	})
	b := open(t, backend.Config{}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 4}})
	began := time.Now()
	const deadline = 3 * time.Second
	if _, err := forward(t.Context(), r, get(), newClient(""), deadline); status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
	took := time.Since(began)
	before := deadline + 5*time.Millisecond
	for range 4 {
		next := <-left
		if next >= before {
			t.Errorf("an attempt had %v after one with %v", next, before)
		}
		before = next
	}
	if before < deadline-took-5*time.Millisecond {
		t.Errorf("the last attempt had %v, of which %v were left", before, deadline-took)
	}
}

// Fault 3: an attempt that is not answered in time is given up for another one; the last one has all the time that is left.
func TestFault03PerTryTimeout(t *testing.T) {
	t.Parallel()
	hanging := func(_ int64, s grpc.ServerStream) error {
		<-s.Context().Done()
		return s.Context().Err()
	}
	for _, m := range []*transcoder.Method{get(), streaming(false, true), streaming(true, true)} {
		for _, c := range []struct {
			name   string
			limit  time.Duration
			within time.Duration
		}{
			{"as it is set", 100 * time.Millisecond, 10 * time.Second},
			{"half of what is left", 10 * time.Second, time.Second},
		} {
			t.Run(m.Kind()+" "+c.name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
					if arrival == 1 {
						return hanging(arrival, s)
					}
					return echo(arrival, s)
				})
				b := open(t, backend.Config{}, s)
				client := newClient("hello")
				r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{PerTryTimeout: c.limit, Backoff: time.Millisecond}})
				if _, err := forward(t.Context(), r, m, client, c.within); err != nil {
					t.Fatal(err)
				}
				if got := client.got(); got != "hello" || s.arrived.Load() != 2 {
					t.Errorf("got %q after %d arrivals", got, s.arrived.Load())
				}
			})
		}
	}
	t.Run("the last one has the rest", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, hanging)
		b := open(t, backend.Config{}, s)
		r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{PerTryTimeout: 10 * time.Millisecond}})
		began := time.Now()
		_, err := forward(t.Context(), r, get(), newClient(""), 300*time.Millisecond)
		if took := time.Since(began); status.Code(err) != codes.DeadlineExceeded || took < 290*time.Millisecond || s.arrived.Load() != 2 {
			t.Errorf("got %v after %v and %d arrivals", err, took, s.arrived.Load())
		}
	})
	t.Run("not for a method with side effects", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, hanging)
		b := open(t, backend.Config{}, s)
		r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{PerTryTimeout: 10 * time.Millisecond}})
		_, err := forward(t.Context(), r, charge(), newClient(""), 100*time.Millisecond)
		if status.Code(err) != codes.DeadlineExceeded || s.arrived.Load() != 1 {
			t.Errorf("got %v after %d arrivals", err, s.arrived.Load())
		}
	})
}

// A client that has gone is not called for again.
func TestNoRetryForAClientThatHasGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, func(int64, grpc.ServerStream) error {
		cancel()
		return errDown
	})
	b := open(t, backend.Config{}, s)
	_, err := forward(ctx, route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 5}}), get(), newClient(""), 10*time.Second)
	if status.Code(err) != codes.Canceled || s.arrived.Load() != 1 {
		t.Errorf("got %v after %d arrivals", err, s.arrived.Load())
	}
}

// Fault 14: when all fails, there are no more retries than their share of the calls.
func TestFault14RetryStorm(t *testing.T) {
	t.Parallel()
	const calls = 1000
	s := newServer(t, failing(errDown))
	b := open(t, backend.Config{}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 5, Backoff: time.Millisecond}})
	for range calls {
		if _, err := forward(t.Context(), r, get(), newClient(""), 10*time.Second); status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
	}
	if n := s.arrived.Load(); n > calls*12/10 || n < calls*11/10 {
		t.Errorf("%d arrived for %d calls; want at most %d, and not much less", n, calls, calls*12/10)
	}
	if st := b.State(); st.OverBudget == 0 || int64(st.Retries) != s.arrived.Load()-calls { //nolint:gosec // small
		t.Errorf("the state is %+v after %d arrivals", st, s.arrived.Load())
	}
}

func TestPolicyIsChecked(t *testing.T) {
	t.Parallel()
	_, err := backend.NewPolicy(backend.PolicyConfig{Retry: backend.RetryConfig{
		Attempts: 6, On: []codes.Code{codes.OK, codes.Unavailable}, Backoff: time.Second, MaxBackoff: time.Millisecond, PerTryTimeout: -1,
	}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"attempts is 6; it must be 1 to 5", "on has OK; it may have UNAVAILABLE, ", "max_backoff is 1ms; it must be backoff, 1s, to 1m0s", "per_try_timeout is -1ns",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
