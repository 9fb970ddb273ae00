// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// held is a server whose calls wait until they are released.
func held(t *testing.T) (s *server, release func()) {
	t.Helper()
	held := make(chan struct{})
	release = sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	return newServer(t, func(arrival int64, s grpc.ServerStream) error {
		select {
		case <-held:
			return echo(arrival, s)
		case <-s.Context().Done():
			return s.Context().Err()
		}
	}), release
}

// start begins a call, and returns where its end will be told.
func start(ctx context.Context, r *backend.Route, m *transcoder.Method) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := forward(ctx, r, m, newClient("x"), 10*time.Second)
		ended <- err
	}()
	return ended
}

// refusedAsOverloaded says what is wrong with a refusal.
func refusedAsOverloaded(err error) error {
	e, ok := errors.AsType[*status.Error](err)
	after, has := status.RetryAfter(err)
	if !ok || e.Code != codes.ResourceExhausted || e.Reason != status.ReasonOverloaded || status.HTTPOf(err) != 503 || !has || after != 1 {
		return err
	}
	return nil
}

// Calls beyond the limit wait, those beyond the queue are refused at once, with the time to come back.
func TestLimitAndQueue(t *testing.T) {
	t.Parallel()
	s, release := held(t)
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxInFlight: 2, Queue: 3, MaxPerClient: 100}}, s)
	r := route(t, b, backend.PolicyConfig{})
	var calls []<-chan error
	for range 5 {
		calls = append(calls, start(t.Context(), r, charge()))
	}
	eventually(t, "two are in flight and three wait", func() bool {
		st := b.State()
		return st.InFlight == 2 && st.Queued == 3 && s.arrived.Load() == 2
	})
	if err := <-start(t.Context(), r, charge()); refusedAsOverloaded(err) != nil {
		t.Errorf("the sixth got %v", err)
	}
	if got := b.State(); got.Refused != 1 || got.Limit != 2 {
		t.Errorf("state %+v", got)
	}
	release()
	for _, c := range calls {
		if err := <-c; err != nil {
			t.Error(err)
		}
	}
	if got := b.State(); got.InFlight != 0 || got.Queued != 0 || s.arrived.Load() != 5 {
		t.Errorf("in the end the state is %+v, and %d arrived", got, s.arrived.Load())
	}
}

// Who waits too long is refused; who goes away gives up its place.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	s, _ := held(t)
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxInFlight: 1, QueueTimeout: 50 * time.Millisecond, MaxPerClient: 100}}, s)
	r := route(t, b, backend.PolicyConfig{})
	start(t.Context(), r, charge())
	eventually(t, "one is in flight", func() bool { return s.arrived.Load() == 1 })
	if err := <-start(t.Context(), r, charge()); refusedAsOverloaded(err) != nil {
		t.Errorf("who waited too long got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := start(ctx, r, charge())
	cancel()
	if err := <-gone; grpcstatus.Code(err) != codes.Canceled {
		t.Errorf("who went away got %v", err)
	}
	if got := b.State(); got.Queued != 0 || got.InFlight != 1 || s.arrived.Load() != 1 {
		t.Errorf("state %+v", got)
	}
}

// Streams have a limit of their own, and do not wait.
func TestStreamsHaveTheirOwnLimit(t *testing.T) {
	t.Parallel()
	s, release := held(t)
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxInFlight: 1, MaxStreams: 1, MaxPerClient: 100}}, s)
	r := route(t, b, backend.PolicyConfig{})
	one, stream := start(t.Context(), r, charge()), start(t.Context(), r, streaming(false, true))
	eventually(t, "both are in flight", func() bool { return s.arrived.Load() == 2 })
	if err := <-start(t.Context(), r, streaming(true, true)); refusedAsOverloaded(err) != nil {
		t.Errorf("the second stream got %v", err)
	}
	release()
	if err := errors.Join(<-one, <-stream); err != nil {
		t.Error(err)
	}
	if got := b.State(); got.Streams != 0 || got.InFlight != 0 {
		t.Errorf("state %+v", got)
	}
}

// No endpoint has more calls than it may, whatever the policy; what finds no room waits.
func TestLimitPerEndpoint(t *testing.T) {
	t.Parallel()
	one, release1 := held(t)
	two, release2 := held(t)
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxPerEndpoint: 3, MaxPerClient: 100}}, one, two)
	r := route(t, b, backend.PolicyConfig{})
	var calls []<-chan error
	for range 10 {
		calls = append(calls, start(t.Context(), r, charge()))
	}
	eventually(t, "six are in flight", func() bool { return one.arrived.Load() == 3 && two.arrived.Load() == 3 && b.State().Queued == 4 })
	if err := <-start(t.Context(), r, streaming(false, true)); refusedAsOverloaded(err) != nil { // streams do not wait
		t.Errorf("a stream got %v", err)
	}
	release1()
	release2()
	for _, c := range calls {
		if err := <-c; err != nil {
			t.Error(err)
		}
	}
}

// Fault 44: a client at ten times what it may have at a time is refused; the others are served as before.
func TestFault44ANoisyNeighbour(t *testing.T) {
	t.Parallel()
	s, release := held(t)
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxInFlight: 20, MaxPerClient: 10}}, s)
	r := route(t, b, backend.PolicyConfig{})
	var noisy []<-chan error
	for range 100 {
		noisy = append(noisy, startFrom(t.Context(), r, "10.0.0.1"))
	}
	eventually(t, "the noisy one has ten calls, and 90 refusals", func() bool { return s.arrived.Load() == 10 && b.State().Refused == 90 })
	var others []<-chan error
	for _, from := range strings.Fields("10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5") {
		others = append(others, startFrom(t.Context(), r, from))
	}
	eventually(t, "the others are served", func() bool { return s.arrived.Load() == 14 })
	release()
	for _, c := range others {
		if err := <-c; err != nil {
			t.Error(err)
		}
	}
	refused := 0
	for _, c := range noisy {
		if err := <-c; err != nil {
			refused++
			if refusedAsOverloaded(err) != nil {
				t.Error(err)
			}
		}
	}
	if refused != 90 {
		t.Errorf("%d of the noisy one's calls were refused", refused)
	}
}

// Fault 44: while a client makes ten times as many calls as it may have at a time, and is refused most of them, the calls of the others take as
// long as before.
func TestFault44TheOthersTakeNoLonger(t *testing.T) {
	t.Parallel()
	const share = 10
	s := newServer(t, func(n int64, s grpc.ServerStream) error {
		time.Sleep(2 * time.Millisecond)
		return echo(n, s)
	})
	b := open(t, backend.Config{Limits: backend.LimitsConfig{MaxInFlight: 200, MaxPerClient: share}}, s)
	r := route(t, b, backend.PolicyConfig{})
	l := startLoad(t, r, rate, get())
	b99 := quiet(t, l, get())
	ctx, cancel := context.WithCancel(t.Context())
	var noisy sync.WaitGroup
	for range 10 * share {
		noisy.Go(func() {
			for ctx.Err() == nil {
				<-startFrom(ctx, r, "10.0.0.1")
				time.Sleep(100 * time.Millisecond) // as fast as it may: a thousand calls a second, ten times its share of them at once
			}
		})
	}
	l.p99(get())
	l.more(t, get(), rounds(200, 3000))
	p99 := l.p99(get())
	cancel()
	noisy.Wait()
	l.end()
	within(t, "beside a noisy client", p99, b99, 1.2)
	t.Logf("%v; %+v", l, b.State())
	// On a busy machine the others have as many calls at a time as the noisy one, and are refused, too.
	if faults.Held() && l.failures(get()) > 0 || b.State().Refused == 0 {
		t.Errorf("%v; %+v", l, b.State())
	}
}
