// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

func TestMain(m *testing.M) {
	processtest.Play(map[string]processtest.Role{aloneRole: serveAlone})
	goleak.VerifyTestMain(m)
}

// patience is how long tests wait for what must happen.
const patience = 10 * time.Second

// backend is a gRPC server on loopback that can die and come back on its port.
type backend struct {
	testpb.UnimplementedTestServiceServer

	address string
	opts    []grpc.ServerOption
	health  *health.Server // nil: it does not serve its health
	calls   atomic.Int64
	answer  atomic.Pointer[status.Status] // nil: OK

	mu     sync.Mutex
	server *grpc.Server // nil while down
	served chan struct{}
}

func newBackend(tb testing.TB, opts ...grpc.ServerOption) *backend {
	tb.Helper()
	b := &backend{opts: opts}
	b.start(tb, "127.0.0.1:0")
	tb.Cleanup(b.kill)
	return b
}

func (b *backend) start(tb testing.TB, address string) {
	tb.Helper()
	l := listen(tb, address)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.address = l.Addr().String()
	if l.Addr().Network() == "unix" {
		b.address = "unix:" + b.address
	}
	b.server = grpc.NewServer(b.opts...)
	testpb.RegisterTestServiceServer(b.server, b)
	if b.health != nil {
		healthpb.RegisterHealthServer(b.server, b.health)
	}
	b.served = make(chan struct{})
	go func(s *grpc.Server, served chan struct{}) {
		defer close(served)
		_ = s.Serve(l)
	}(b.server, b.served)
}

func listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	network, addr := endpoint.Dialable(address)
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), network, addr)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// kill ends the server and its connections at once.
func (b *backend) kill() { b.stop((*grpc.Server).Stop) }

func (b *backend) stop(how func(*grpc.Server)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		how(b.server)
		<-b.served
		b.server = nil
	}
}

func (b *backend) restart(tb testing.TB) { tb.Helper(); b.start(tb, b.address) }

func (b *backend) UnaryCall(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	b.calls.Add(1)
	if s := b.answer.Load(); s != nil {
		return nil, s.Err()
	}
	return &testpb.SimpleResponse{Username: b.address}, nil
}

func (b *backend) StreamingOutputCall(r *testpb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	b.calls.Add(1)
	for _, p := range r.GetResponseParameters() {
		if err := s.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
			return err
		}
	}
	return nil
}

func (b *backend) FullDuplexCall(s grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
	b.calls.Add(1)
	for {
		if _, err := s.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := s.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

func at(tb testing.TB, addresses ...string) endpoint.Endpoint {
	tb.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: addresses})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// list is a source that a test changes.
type list struct {
	mu      sync.Mutex
	current []endpoint.Endpoint
	update  func([]endpoint.Endpoint, error)
}

func (l *list) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	l.mu.Lock()
	l.update = update
	update(l.current, nil)
	l.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (l *list) set(es ...endpoint.Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = es
	if l.update != nil {
		l.update(slices.Clone(es), nil)
	}
}

func (l *list) source() *resolver.Source { return &resolver.Source{Name: "list", Watch: l} }

// open opens a channel over plain text, which is closed when the test ends.
func open(tb testing.TB, cfg balancer.Config) *balancer.Channel {
	tb.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.Credentials == nil {
		cfg.Credentials = insecure.NewCredentials()
	}
	c, err := balancer.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil && status.Code(err) != codes.Canceled {
			tb.Error(err)
		}
	})
	return c
}

// openTo opens a channel that takes turns, so that a test knows where calls go.
func openTo(tb testing.TB, backends ...*backend) *balancer.Channel {
	tb.Helper()
	return open(tb, balancer.Config{Endpoints: endpointsOf(tb, backends), Policy: picker.RoundRobin{}})
}

func endpointsOf(tb testing.TB, backends []*backend) []endpoint.Endpoint {
	tb.Helper()
	var es []endpoint.Endpoint
	for _, b := range backends {
		es = append(es, at(tb, b.address))
	}
	return es
}

// unary calls and returns the address of the server that answered.
func unary(ctx context.Context, c grpc.ClientConnInterface) (string, error) {
	r, err := testpb.NewTestServiceClient(c).UnaryCall(ctx, &testpb.SimpleRequest{})
	return r.GetUsername(), err
}

// states waits until the channel's endpoints satisfy cond, and returns them.
func states(tb testing.TB, c *balancer.Channel, what string, cond func([]balancer.State) bool) []balancer.State {
	tb.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s := c.Endpoints()
		if cond(s) {
			return s
		}
		if time.Now().After(deadline) {
			tb.Fatalf("not %s within %v: %v", what, patience, s)
		}
		<-tick.C
	}
}

// ready waits until n endpoints are ready.
func ready(tb testing.TB, c *balancer.Channel, n int) {
	tb.Helper()
	states(tb, c, "ready", func(s []balancer.State) bool {
		got := 0
		for _, e := range s {
			if e.Condition == balancer.Ready {
				got++
			}
		}
		return got == n
	})
}

// load calls from several goroutines until it is stopped.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	calls  atomic.Int64
	mu     sync.Mutex
	errs   []error
}

func startLoad(tb testing.TB, c grpc.ClientConnInterface, goroutines int) *load {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	l := &load{cancel: cancel}
	for range goroutines {
		l.done.Go(func() {
			for ctx.Err() == nil {
				// Not ctx: a call under way is to end, not to be cancelled.
				one, stop := context.WithTimeout(context.Background(), patience)
				_, err := unary(one, c) //nolint:contextcheck // as above
				stop()
				l.calls.Add(1)
				if err != nil {
					l.mu.Lock()
					l.errs = append(l.errs, err)
					l.mu.Unlock()
				}
			}
		})
	}
	tb.Cleanup(func() { l.stop() })
	return l
}

// more waits until n more calls have ended.
func (l *load) more(tb testing.TB, n int64) {
	tb.Helper()
	want := l.calls.Load() + n
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for l.calls.Load() < want {
		if time.Now().After(deadline) {
			tb.Fatalf("%d calls are missing after %v", want-l.calls.Load(), patience)
		}
		<-tick.C
	}
}

// stop ends the load and returns how many calls there were, and the errors.
func (l *load) stop() (int64, []error) {
	l.cancel()
	l.done.Wait()
	return l.calls.Load(), l.errs
}
