// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/attributes"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/balancer/roundrobin"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/experimental/stats"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer"
)

// rig hosts a gRPC balancer without a network: every connection that it opens is ready at once when the rig
// says so. What the candidates of decision 2 cost is measured on it.
type rig struct {
	grpcbalancer.ClientConn

	conns []*rigConn
	state grpcbalancer.State
}

type rigConn struct {
	grpcbalancer.SubConn

	listener func(grpcbalancer.SubConnState)
	health   func(grpcbalancer.SubConnState) // nil unless registered
	up       bool
}

func (r *rig) NewSubConn(_ []grpcresolver.Address, o grpcbalancer.NewSubConnOptions) (grpcbalancer.SubConn, error) {
	c := &rigConn{listener: o.StateListener}
	r.conns = append(r.conns, c)
	return c, nil
}

func (r *rig) UpdateState(s grpcbalancer.State)          { r.state = s }
func (r *rig) ResolveNow(grpcresolver.ResolveNowOptions) {}
func (r *rig) Target() string                            { return "rig" }
func (r *rig) MetricsRecorder() stats.MetricsRecorder    { return nil }
func (c *rigConn) Connect()                              {}
func (c *rigConn) Shutdown()                             {}

// RegisterHealthListener is called by pick_first, under its lock: up calls the listener later.
func (c *rigConn) RegisterHealthListener(l func(grpcbalancer.SubConnState)) { c.health = l }

// up lets every connection that was opened succeed.
func (r *rig) up() {
	for i := 0; i < len(r.conns); i++ {
		c := r.conns[i]
		if c.up {
			continue
		}
		c.up = true
		for _, s := range []connectivity.State{connectivity.Connecting, connectivity.Ready} {
			c.listener(grpcbalancer.SubConnState{ConnectivityState: s})
		}
		if c.health != nil {
			c.health(grpcbalancer.SubConnState{ConnectivityState: connectivity.Ready})
		}
	}
}

// evenBuilder is a minimal round robin over balancer/base.
type evenBuilder struct{}

type evenPicker struct {
	conns []grpcbalancer.SubConn
	turn  atomic.Uint64
}

func (evenBuilder) Build(info base.PickerBuildInfo) grpcbalancer.Picker {
	p := &evenPicker{}
	for c := range info.ReadySCs {
		p.conns = append(p.conns, c)
	}
	return p
}

func (p *evenPicker) Pick(grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	return grpcbalancer.PickResult{SubConn: p.conns[p.turn.Add(1)%uint64(len(p.conns))]}, nil
}

func endpoints(n int) grpcresolver.State {
	var s grpcresolver.State
	for i := range n {
		a := grpcresolver.Address{Addr: fmt.Sprintf("10.0.%d.%d:50051", i/250, i%250+1), Attributes: attributes.New("k", "v")}
		s.Addresses = append(s.Addresses, a)
		s.Endpoints = append(s.Endpoints, grpcresolver.Endpoint{Addresses: []grpcresolver.Address{a}})
	}
	return s
}

// hosted returns a rig on which the balancer serves n ready endpoints.
func hosted(tb testing.TB, b grpcbalancer.Builder, s grpcresolver.State) (*rig, grpcbalancer.Balancer) {
	tb.Helper()
	r := &rig{}
	lb := b.Build(r, grpcbalancer.BuildOptions{})
	if err := lb.UpdateClientConnState(grpcbalancer.ClientConnState{ResolverState: s}); err != nil {
		tb.Fatal(err)
	}
	r.up()
	if r.state.ConnectivityState != connectivity.Ready {
		tb.Fatalf("state is %v", r.state.ConnectivityState)
	}
	return r, lb
}

func candidates() map[string]grpcbalancer.Builder {
	balancer.Register()
	return map[string]grpcbalancer.Builder{
		"dragoman":         grpcbalancer.Get(balancer.Name),
		"grpc_round_robin": grpcbalancer.Get(roundrobin.Name),
		"grpc_base":        base.NewBalancerBuilder("even", evenBuilder{}, base.Config{}),
	}
}

// BenchmarkPick is a pick and the call's end, 100 endpoints, 16 goroutines.
func BenchmarkPick(b *testing.B) {
	for name, builder := range candidates() {
		b.Run(name, func(b *testing.B) {
			r, lb := hosted(b, builder, endpoints(100))
			defer lb.Close()
			info := grpcbalancer.PickInfo{FullMethodName: "/s/m", Ctx: context.Background()}
			procs := runtime.GOMAXPROCS(0)
			b.SetParallelism((16 + procs - 1) / procs)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p, err := r.state.Picker.Pick(info)
					if err != nil {
						b.Error(err)
						return
					}
					if p.Done != nil {
						p.Done(grpcbalancer.DoneInfo{BytesSent: true, BytesReceived: true})
					}
				}
			})
		})
	}
}

// BenchmarkEndpoints is what an endpoint costs in memory, and in time until all are ready.
func BenchmarkEndpoints(b *testing.B) {
	const n = 1000
	for name, builder := range candidates() {
		b.Run(name, func(b *testing.B) {
			s := endpoints(n)
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				r, lb := hosted(b, builder, s)
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(r)
				lb.Close()
			}
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/n, "bytes/endpoint")
		})
	}
}

// A pick and the end of its call do not allocate.
//
//nolint:paralleltest // counts allocations
func TestPickDoesNotAllocate(t *testing.T) {
	balancer.Register()
	r, lb := hosted(t, grpcbalancer.Get(balancer.Name), endpoints(100))
	defer lb.Close()
	info := grpcbalancer.PickInfo{FullMethodName: "/s/m", Ctx: t.Context()}
	if got := testing.AllocsPerRun(1000, func() {
		p, err := r.state.Picker.Pick(info)
		if err != nil {
			t.Fatal(err)
		}
		p.Done(grpcbalancer.DoneInfo{BytesSent: true, BytesReceived: true})
	}); got > 0.1 {
		t.Errorf("a call allocates %v times", got)
	}
}
