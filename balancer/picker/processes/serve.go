// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/orca"
	"google.golang.org/grpc/status"
)

// spread is the standard deviation of the logarithm of a server's service time.
const spread = 0.5

// worker is a server whose calls take a worker's time: it sleeps, for eight servers that computed would
// not fit into one machine.
type worker struct {
	testpb.UnimplementedTestServiceServer

	workers int
	mean    time.Duration
	free    chan struct{}
	speed   atomic.Uint64 // math.Float64bits
	failing atomic.Bool

	rate meter
}

// UnaryCall implements the test service.
func (w *worker) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if w.failing.Load() {
		return nil, status.Error(codes.Unavailable, "told to fail")
	}
	select {
	case w.free <- struct{}{}:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	w.rate.busy(1)
	work := float64(w.mean) * math.Exp(spread*rand.NormFloat64()-spread*spread/2) / math.Float64frombits(w.speed.Load())
	timer := time.NewTimer(time.Duration(work))
	<-timer.C // also when the client has gone: work that was begun is done
	usage, qps := w.rate.end(w.workers)
	<-w.free
	if r := orca.CallMetricsRecorderFromContext(ctx); r != nil {
		r.SetApplicationUtilization(usage)
		r.SetQPS(qps)
	}
	return &testpb.SimpleResponse{}, nil
}

// meter is what a server reports of itself, over the last second or so.
type meter struct {
	mu    sync.Mutex
	at    time.Time
	now   int
	usage float64
	qps   float64
}

func (m *meter) moveLocked() {
	t := time.Now()
	keep := math.Exp(-t.Sub(m.at).Seconds())
	m.usage = m.usage*keep + float64(m.now)*(1-keep)
	m.qps *= keep
	m.at = t
}

func (m *meter) busy(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moveLocked()
	m.now += n
}

func (m *meter) end(workers int) (usage, qps float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moveLocked()
	m.now--
	m.qps++
	return m.usage / float64(workers), m.qps
}

// serve runs a server until its input ends. It prints its address, and obeys "speed X" and "failing true".
func serve(ctx context.Context, workers int, mean time.Duration, in io.Reader, out io.Writer) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w := &worker{workers: workers, mean: mean, free: make(chan struct{}, workers)}
	w.speed.Store(math.Float64bits(1))
	s := grpc.NewServer(orca.CallMetricsServerOption(nil))
	testpb.RegisterTestServiceServer(s, w)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	fmt.Fprintln(out, l.Addr())
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var x float64
		var b bool
		switch line := lines.Text(); {
		case scanned(line, "speed %g", &x):
			w.speed.Store(math.Float64bits(x))
		case scanned(line, "failing %t", &b):
			w.failing.Store(b)
		default:
			return fmt.Errorf("told %q; it must be \"speed X\" or \"failing true\"", line)
		}
	}
	s.Stop()
	return <-done
}

func scanned(line, format string, into any) bool {
	n, err := fmt.Sscanf(line, format, into)
	return err == nil && n == 1
}
