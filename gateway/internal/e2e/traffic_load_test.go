// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// trafficCalls is how many calls the measurements make; make traffic makes 100,000.
var trafficCalls = flag.Int("traffic.calls", 10_000, "calls of the measurements of splits and mirrors")

// trafficCallers is how many calls are in flight.
const trafficCallers = 16

// tally is a backend that only counts, or that answers nothing.
type tally struct {
	testv1.UnimplementedBindingServiceServer

	name    string
	hole    bool
	arrived atomic.Int64
}

func (b *tally) NoRule(ctx context.Context, _ *testv1.BindRequest) (*testv1.BindResponse, error) {
	b.arrived.Add(1)
	if b.hole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &testv1.BindResponse{Seen: &testv1.Seen{Backend: b.name}}, nil
}

// tallies runs backends that count, by their names; one that is called hole answers nothing.
func tallies(t testing.TB, names ...string) (map[string]*tally, []backend.Config) {
	t.Helper()
	running := map[string]*tally{}
	var configs []backend.Config
	for _, name := range names {
		b := &tally{name: name, hole: name == "hole"}
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		testv1.RegisterBindingServiceServer(server, b)
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		t.Cleanup(func() {
			server.Stop()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		running[name] = b
		configs = append(configs, at(t, name, listener.Addr().String()))
	}
	return running, configs
}

// swarm makes n unary calls, some at a time, and returns how long each took, in order of length. None may fail. before prepares the
// context of a call; it may be nil.
func swarm(t testing.TB, conn *grpc.ClientConn, n int, request *testv1.BindRequest, before func(ctx context.Context, i int) context.Context) []time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	failed := make(chan error, trafficCallers)
	var all sync.WaitGroup
	for k := range trafficCallers {
		all.Go(func() {
			rpc := testv1.NewBindingServiceClient(conn)
			for i := k; i < n; i += trafficCallers {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				if before != nil {
					ctx = before(ctx, i)
				}
				began := time.Now()
				_, err := rpc.NoRule(ctx, request)
				took[i] = time.Since(began)
				cancel()
				if err != nil {
					failed <- fmt.Errorf("call %d: %w", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Fatalf("a call failed: %v", err)
	default:
	}
	slices.Sort(took)
	return took
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))].Round(time.Microsecond)
}

// within5 tells whether a count of a binomial distribution is within five standard deviations: one run in two million is not.
func within5(count, calls int, p float64) bool {
	return math.Abs(float64(count)-float64(calls)*p) <= 5*math.Sqrt(float64(calls)*p*(1-p))
}

func weigh(name string, n uint32) split.Rule {
	return split.Rule{Label: name, Backend: name, Weight: &n}
}

// A canary at 5 % gets 5 % of the calls, and a mirror every one of them, counted by the backends themselves.
func TestCanaryAndMirrorOverManyCalls(t *testing.T) {
	t.Parallel()
	running, configs := tallies(t, "stable", "canary", "copies")
	d := startTraffic(t, configs, config.Service{
		Split:  []split.Rule{weigh("stable", 95), weigh("canary", 5)},
		Mirror: &config.Mirror{Backend: "copies", MirrorConfig: backend.MirrorConfig{MaxInFlight: 10_000, Timeout: patience}},
	})
	calls := *trafficCalls
	took := swarm(t, d.dial(t), calls, &testv1.BindRequest{Id: "1"}, nil)
	copies := d.mirrored(t, "copies")
	arrived := func(name string) int { return int(running[name].arrived.Load()) }
	t.Logf("%d calls: stable %d, canary %d (%.2f %%), copies %d; p50 %s, p99 %s; at most %d copies in flight",
		calls, arrived("stable"), arrived("canary"), 100*float64(arrived("canary"))/float64(calls), arrived("copies"), quantile(took, 0.5), quantile(took, 0.99), copies.MostInFlight)
	if !within5(arrived("canary"), calls, 0.05) || arrived("stable")+arrived("canary") != calls {
		t.Errorf("stable had %d calls and the canary %d, of %d; want 95 and 5 %%", arrived("stable"), arrived("canary"), calls)
	}
	if arrived("copies") != calls || copies != (backend.MirrorStats{Sent: int64(calls), MostInFlight: copies.MostInFlight}) {
		t.Errorf("%d copies arrived, and %+v is counted; want one for each of %d calls", arrived("copies"), copies, calls)
	}
}

// A mirror that is a black hole fails no call, has no more copies in flight than it may, and holds no more memory. How long calls take with
// and without it is in the log.
func TestABlackHoledMirrorCostsCallsNothing(t *testing.T) {
	const limit, size = 32, 64 << 10
	calls := *trafficCalls / 2
	request := &testv1.BindRequest{Name: strings.Repeat("x", 16<<10)}
	measure := func(mirror *config.Mirror) (took []time.Duration, stats backend.MirrorStats, grown int64) {
		_, configs := tallies(t, "stable", "hole")
		d := startTraffic(t, configs, config.Service{Backend: "stable", Mirror: mirror})
		conn := d.dial(t)
		swarm(t, conn, 200, request, nil) // connections, pools
		before := d.liveHeap()
		took = swarm(t, conn, calls, request, nil)
		grown = d.liveHeap() - before
		for _, b := range d.started.Backends() {
			if b.Name == "hole" {
				stats = b.Mirrored
			}
		}
		return took, stats, grown
	}
	without, _, plain := measure(nil)
	with, stats, grown := measure(&config.Mirror{Backend: "hole", MirrorConfig: backend.MirrorConfig{MaxInFlight: limit, MaxMessage: size, Timeout: time.Second}})
	t.Logf("%d calls: without a mirror p50 %s, p99 %s, live heap %+d KiB; with a black hole p50 %s, p99 %s, live heap %+d KiB; %+v", calls,
		quantile(without, 0.5), quantile(without, 0.99), plain>>10, quantile(with, 0.5), quantile(with, 0.99), grown>>10, stats)
	if stats.MostInFlight > limit || stats.MostInFlight == 0 {
		t.Errorf("%d copies were in flight; want some, and at most %d", stats.MostInFlight, limit)
	}
	if stats.Busy == 0 || int(stats.Sent+stats.Busy) != calls+200 {
		t.Errorf("%+v is counted of %d calls; want each of them, and that most were not copied", stats, calls+200)
	}
	const room = 8 << 20 // for what pools and connections keep
	if most := int64(limit*size + room); grown > most {
		t.Errorf("the heap grew by %d bytes; copies may hold %d", grown, most)
	}
}

// liveHeap is how much of the heap is in use, without what the test keeps of logs.
func (d *dragoman) liveHeap() int64 {
	for _, l := range []*logLines{d.log, d.access} {
		l.mu.Lock()
		l.buf = bytes.Buffer{}
		l.mu.Unlock()
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // it is no exabyte
}

// A split that changes, fifty times under load, fails no call, and moves only the users that must move.
func TestSplitsChangeUnderLoad(t *testing.T) {
	t.Parallel()
	const changes = 50
	running, configs := tallies(t, "stable", "canary")
	log := slog.New(slog.DiscardHandler)
	pool := backend.NewPool(log)
	g := gateway.New(log)
	var loads []assemble.Loaded // the schemas do not change
	put := func(share uint32) *assemble.Assembly {
		cfg := configFor(t, "127.0.0.1:1")
		cfg.Backends = configs
		cfg.Services = []config.Service{{
			Match: config.AllServices(), Split: []split.Rule{weigh("stable", 100-share), weigh("canary", share)}, Sticky: split.Key{Header: "x-user"},
		}}
		cfg.SetDefaults()
		assembly, err := assemble.New(cfg, assemble.Parts{Pool: pool, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range assembly.Sources()[len(loads):] {
			loaded, err := s.Load(within(t), assemble.Loaded{}, false)
			if err != nil {
				t.Fatal(err)
			}
			loads = append(loads, loaded)
		}
		snapshot, _, err := assembly.Build(loads)
		if err != nil {
			t.Fatal(err)
		}
		g.Swap(snapshot)
		return assembly
	}
	current := put(0)
	server, err := transport.Listen(within(t), transport.Config{Name: "main", Address: "127.0.0.1:0"}, g.Serve, log)
	if err != nil {
		t.Fatal(err)
	}
	server.Start(func(err error) { t.Error(err) })
	t.Cleanup(func() {
		_ = server.Close()
		current.Close()
		g.Close()
		if n := pool.Len(); n != 0 {
			t.Errorf("%d backends are still open", n)
		}
	})
	d := &dragoman{address: server.Addr().String()}
	conn := d.dial(t)
	sideOf := func(ctx context.Context, user int) (string, error) {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-user", fmt.Sprint(user))
		answer, err := testv1.NewBindingServiceClient(conn).NoRule(ctx, &testv1.BindRequest{})
		return answer.GetSeen().GetBackend(), err
	}
	l := newLoad()
	ctx := context.WithoutCancel(t.Context())
	for k := range 4 {
		l.run(func(n int) string {
			if _, err := sideOf(ctx, k*1000+n%1000); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	const users = 400
	before := make([]string, users)
	for i := range changes {
		share := uint32(2 * (i + 1)) //nolint:gosec // at most 100
		next := put(share)
		current.Close()
		current = next
		if i%10 != 9 {
			continue
		}
		onCanary := 0
		for user := range users {
			side, err := sideOf(within(t), user)
			if err != nil {
				t.Fatal(err)
			}
			if before[user] == "canary" && side != "canary" {
				t.Errorf("at %d %%: user %d went back to stable while the canary grew", share, user)
			}
			before[user] = side
			if side == "canary" {
				onCanary++
			}
		}
		if !within5(onCanary, users, float64(share)/100) {
			t.Errorf("at %d %%: %d of %d users are on the canary", share, onCanary, users)
		}
	}
	l.end(t)
	if l.calls.Load() < changes || running["canary"].arrived.Load() == 0 {
		t.Errorf("only %d calls were made", l.calls.Load())
	}
}
