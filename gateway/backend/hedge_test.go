// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

// pair are two servers of which the one that is called first does another thing than the second.
func pair(t *testing.T, first, second func(int64, grpc.ServerStream) error) (*server, *server) {
	t.Helper()
	var calls atomic.Int64
	serve := func(arrival int64, s grpc.ServerStream) error {
		if calls.Add(1) == 1 {
			return first(arrival, s)
		}
		return second(arrival, s)
	}
	return newServer(t, serve), newServer(t, serve)
}

func named(name string) func(int64, grpc.ServerStream) error {
	return func(_ int64, s grpc.ServerStream) error {
		drain(s)
		s.SetTrailer(metadata.Pairs("from", name))
		m := message(name)
		return s.SendMsg(&m)
	}
}

// A call that is late is made once more, elsewhere; who answers first counts, and the other is cancelled.
func TestHedging(t *testing.T) {
	t.Parallel()
	cancelled := make(chan struct{}, 3)
	t.Cleanup(func() {
		for range 3 { // of the cases in which one hangs
			select {
			case <-cancelled:
			case <-time.After(10 * time.Second):
				t.Error("a call that lost was not cancelled, or never made")
			}
		}
	})
	hanging := func(_ int64, s grpc.ServerStream) error {
		<-s.Context().Done()
		cancelled <- struct{}{}
		return s.Context().Err()
	}
	later := func(then func(int64, grpc.ServerStream) error) func(int64, grpc.ServerStream) error {
		return func(arrival int64, s grpc.ServerStream) error {
			select {
			case <-time.After(200 * time.Millisecond):
				return then(arrival, s)
			case <-s.Context().Done():
				return s.Context().Err()
			}
		}
	}
	for _, c := range []struct {
		name          string
		first, second func(int64, grpc.ServerStream) error
		want          string
		code          codes.Code
		won           uint64
	}{
		{"the second answers first", hanging, named("second"), "second", codes.OK, 1},
		{"the first answers first", later(named("first")), hanging, "first", codes.OK, 0},
		{"an error that all would give ends it", hanging, failing(status.Error(codes.NotFound, "")), "", codes.NotFound, 1},
		{"an error that others may not give does not", later(named("first")), failing(errDown), "first", codes.OK, 0},
		{"both fail", later(failing(errDown)), failing(errDown), "", codes.Unavailable, 0},
		{"the first fails and the second answers", func(arrival int64, s grpc.ServerStream) error {
			return later(failing(errDown))(arrival, s)
		}, later(named("second")), "second", codes.OK, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one, two := pair(t, c.first, c.second)
			b := open(t, backend.Config{}, one, two)
			r := route(t, b, backend.PolicyConfig{Hedge: &backend.HedgeConfig{After: 50 * time.Millisecond, Percent: 50}, Retry: backend.RetryConfig{Attempts: 1}})
			backend.SaveUp(r)
			before := one.arrived.Load() + two.arrived.Load()
			client := newClient("x")
			call, err := forward(t.Context(), r, get(), client, 10*time.Second)
			if got := client.got(); status.Code(err) != c.code || got != c.want {
				t.Fatalf("got %q and %v", got, err)
			}
			if c.code == codes.OK && !slices.Equal(values(call.Trailer, "from"), []string{c.want}) {
				t.Errorf("the trailer is %v", call.Trailer)
			}
			if call.Attempts != 2 {
				t.Errorf("the call counts %d attempts", call.Attempts)
			}
			if st := b.State(); st.Hedges != 1 || st.HedgesWon != c.won {
				t.Errorf("state %+v", st)
			}
			if n := one.arrived.Load() + two.arrived.Load() - before; n != 2 {
				t.Errorf("%d arrived", n)
			}
		})
	}
}

// Hedging is for what has no side effects, does not stream, and has another endpoint.
func TestWhatIsNotHedged(t *testing.T) {
	t.Parallel()
	idempotent := get()
	idempotent.NoSideEffects = false
	slow := func(_ int64, s grpc.ServerStream) error {
		drain(s)
		time.Sleep(50 * time.Millisecond)
		m := message("x")
		return s.SendMsg(&m)
	}
	one, two := newServer(t, slow), newServer(t, slow)
	both, alone := open(t, backend.Config{}, one, two), open(t, backend.Config{}, one)
	policy := backend.PolicyConfig{Hedge: &backend.HedgeConfig{After: time.Millisecond}}
	for _, c := range []struct {
		name string
		b    *backend.Backend
		call func(r *backend.Route) error
	}{
		{"side effects", both, func(r *backend.Route) error {
			_, err := forward(t.Context(), r, charge(), newClient("x"), 10*time.Second)
			return err
		}},
		{"idempotent is not enough", both, func(r *backend.Route) error {
			_, err := forward(t.Context(), r, idempotent, newClient("x"), 10*time.Second)
			return err
		}},
		{"a stream", both, func(r *backend.Route) error {
			_, err := forward(t.Context(), r, streaming(false, true), newClient("x"), 10*time.Second)
			return err
		}},
		{"no other endpoint", alone, func(r *backend.Route) error {
			_, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second)
			return err
		}},
	} {
		r := route(t, c.b, policy)
		backend.SaveUp(r)
		before := one.arrived.Load() + two.arrived.Load()
		if err := c.call(r); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := one.arrived.Load() + two.arrived.Load() - before; n != 1 || c.b.State().Hedges != 0 {
			t.Errorf("%s: %d arrived, state %+v", c.name, n, c.b.State())
		}
	}
}

// Where one call in forty is slow for no reason of its own, hedging after the 95th percentile leaves less than one in a hundred of
// them slow, and costs at most its budget.
func TestHedgingShortensTheTail(t *testing.T) {
	t.Parallel()
	const calls, workers = 2000, 8
	run := func(hedge *backend.HedgeConfig) (slow int, arrived int64, st backend.State) {
		var served atomic.Int64
		serve := func(_ int64, s grpc.ServerStream) error {
			drain(s)
			answer := "fast"
			if served.Add(1)%40 == 0 {
				answer = "slow"
				select {
				case <-time.After(150 * time.Millisecond):
				case <-s.Context().Done():
				}
			}
			m := message(answer)
			return s.SendMsg(&m)
		}
		one, two := newServer(t, serve), newServer(t, serve)
		b := open(t, backend.Config{}, one, two)
		r := route(t, b, backend.PolicyConfig{Hedge: hedge})
		var slowly atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range calls / workers {
					client := newClient("x")
					if _, err := forward(t.Context(), r, get(), client, 10*time.Second); err != nil {
						t.Error(err)
					}
					if client.got() == "slow" {
						slowly.Add(1)
					}
				}
			})
		}
		all.Wait()
		return int(slowly.Load()), one.arrived.Load() + two.arrived.Load(), b.State()
	}
	plain, arrived, _ := run(nil)
	if plain != calls/40 || arrived != calls {
		t.Fatalf("without hedging %d of %d were slow, and %d arrived", plain, calls, arrived)
	}
	hedged, arrived, st := run(&backend.HedgeConfig{})
	if hedged*100 >= calls {
		t.Errorf("with hedging %d of %d were slow; want less than one in a hundred; state %+v", hedged, calls, st)
	}
	if arrived > calls*105/100 || arrived > calls+int64(st.Hedges) { //nolint:gosec // small
		t.Errorf("%d arrived for %d calls; the budget is 5 %%; state %+v", arrived, calls, st)
	}
	t.Logf("slow without hedging %d, with %d of %d; %d hedges, %d won", plain, hedged, calls, st.Hedges, st.HedgesWon)
}

func TestHedgeIsChecked(t *testing.T) {
	t.Parallel()
	_, err := backend.NewPolicy(backend.PolicyConfig{Hedge: &backend.HedgeConfig{After: -1, Attempts: 6, Percent: 51}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"after is -1ns", "attempts is 6; it must be 1 to 5", "percent is 51; it must be 1 to 50"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
