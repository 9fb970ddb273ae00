// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// connections counts the connections that servers accept.
type connections struct{ begun atomic.Int64 }

func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnBegin); ok {
		c.begun.Add(1)
	}
}

func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }

// reloadable is a gateway whose configuration is replaced while it serves.
type reloadable struct {
	pool    *backend.Pool
	gateway *gateway.Gateway
	address string
	client  testv1.EchoServiceClient
}

func startReloadable(t testing.TB) *reloadable {
	t.Helper()
	log := slog.New(slog.NewTextHandler(logTo{t}, nil))
	r := &reloadable{pool: backend.NewPool(log), gateway: gateway.New(log)}
	server, err := transport.Listen(t.Context(), transport.Config{Name: "main", Address: "127.0.0.1:0"}, r.gateway.Serve, log)
	if err != nil {
		t.Fatal(err)
	}
	server.Start(func(err error) { t.Error(err) })
	r.address = server.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := server.Drain(ctx); err != nil {
			t.Error(err)
		}
		r.gateway.Close()
		if n := r.pool.Len(); n > 0 {
			t.Errorf("%d backends are left", n)
		}
	})
	_, r.client = dial(t, r.address)
	return r
}

// load puts a configuration in force, as a reload does.
func (r *reloadable) load(t testing.TB, yaml string) {
	t.Helper()
	a, err := assemble.New(parsed(t, yaml), assemble.Parts{Pool: r.pool, Log: slog.New(slog.NewTextHandler(logTo{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	loads := make([]assemble.Loaded, len(a.Sources()))
	for i, s := range a.Sources() {
		if loads[i], err = s.Load(t.Context(), assemble.Loaded{}, false); err != nil {
			t.Fatal(err)
		}
	}
	snapshot, _, err := a.Build(loads)
	if err != nil {
		t.Fatal(err)
	}
	r.gateway.Swap(snapshot)
}

// Another policy, other parameters, keys, sessions, ejection: each is in force for the calls that begin after a reload. No call fails,
// no stream is cut, and no server sees another connection.
func TestPolicyChangesUnderLoad(t *testing.T) {
	t.Parallel()
	counted := &connections{}
	all := make([]*testbackend.Backend, 3)
	for i := range all {
		all[i] = testbackend.Run(t, testbackend.Config{Name: fmt.Sprint("s", i), Options: []grpc.ServerOption{grpc.StatsHandler(counted)}})
	}
	r := startReloadable(t)
	endpoints := "endpoints: " + listed(all) + "\n"
	r.load(t, endpoints)
	talk, err := r.client.Converse(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	converse := func() {
		t.Helper()
		if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.Recv(); err != nil {
			t.Fatalf("the stream from before: %v", err)
		}
	}
	converse()
	d := &dragoman{address: r.address, client: r.client}
	l := d.startLoad(t, 3)
	for _, s := range all {
		l.reaches(t, s)
	}
	before := counted.begun.Load()
	if before != 3 {
		t.Fatalf("the servers see %d connections; want one each", before)
	}
	for range 3 {
		for _, yaml := range []string{
			"load_balancing: {policy: maglev, hash_key: [{field: id}], maglev: {unbounded: true}}",
			"load_balancing: {policy: round_robin}",
			"load_balancing: {policy: least_request, slow_start: {window: 200ms}}",
			"load_balancing: {policy: ring_hash, hash_key: [{header: x-a}, {client_address: true}]}",
			"load_balancing: {adaptive: {memory: 1s}, panic_percent: 30}\nhealth: {outlier: {consecutive_failures: 7}}",
			"load_balancing: {sticky: {cookie: sid, set_cookie: true}}\nhealth: {outlier: {disabled: true}}",
			"load_balancing: {policy: weighted_round_robin}",
		} {
			r.load(t, endpoints+yaml)
			switch yaml {
			case "load_balancing: {policy: round_robin}":
				for _, s := range all {
					l.reaches(t, s)
				}
			case "load_balancing: {policy: maglev, hash_key: [{field: id}], maglev: {unbounded: true}}":
				first, err := echo(within(t), r.client, &testv1.CanaryRequest{Id: "k"})
				for range 10 {
					again, errAgain := echo(within(t), r.client, &testv1.CanaryRequest{Id: "k"})
					if err != nil || errAgain != nil || again != first {
						t.Errorf("calls of one key go to %s and %s: %v, %v", first, again, err, errAgain)
					}
				}
			}
			converse()
		}
	}
	if now := counted.begun.Load(); now != before {
		t.Errorf("the servers see %d connections after the reloads; before, %d", now, before)
	}
	// Servers are taken out of the list and put into it: those that stay keep their connections.
	for n := range 3 {
		r.load(t, "endpoints: "+listed(all[:2])+"\n")
		gone := l.of(all[2])
		l.reaches(t, all[1])
		converse()
		eventually(t, func() error {
			now := l.of(all[2])
			if l.reaches(t, all[0]); l.of(all[2]) != now {
				return fmt.Errorf("a server that is not listed any more has had %d calls", l.of(all[2])-gone)
			}
			return nil
		})
		r.load(t, endpoints)
		l.reaches(t, all[2])
		converse()
		if now := counted.begun.Load(); now != before+int64(n)+1 {
			t.Errorf("the servers see %d connections; want %d before, and one for each return", now, before)
		}
	}
	// What is connected to is another: the calls move, and those under way end on the old connections.
	for range 3 {
		for _, yaml := range []string{"connections: {min: 2}", "connect_timeout: 2s", "health: {active: {}}"} {
			r.load(t, endpoints+yaml)
			l.reaches(t, all[1])
			converse()
		}
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); err == nil {
		t.Error("the stream does not end")
	}
	t.Logf("%d calls during the reloads", l.end(t))
}
