// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// server is a gRPC server that serves every method in the way that the test says, and counts what arrives.
type server struct {
	address string
	arrived atomic.Int64
	serve   func(arrival int64, s grpc.ServerStream) error
	grpc    *grpc.Server
}

func newServer(t testing.TB, serve func(arrival int64, s grpc.ServerStream) error, opts ...grpc.ServerOption) *server {
	t.Helper()
	return serverOn(t, func(l net.Listener) net.Listener { return l }, serve, opts...)
}

// serverOn is newServer on a listener that the test wraps.
func serverOn(t testing.TB, wrap func(net.Listener) net.Listener, serve func(arrival int64, s grpc.ServerStream) error, opts ...grpc.ServerOption) *server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = wrap(l)
	s := &server{address: l.Addr().String(), serve: serve}
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		grpc.ForceServerCodecV2(transcoder.RawCodec{}),
		grpc.UnknownServiceHandler(func(_ any, ss grpc.ServerStream) error { return s.serve(s.arrived.Add(1), ss) }),
	}, opts...)...)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.grpc.Serve(l)
	}()
	t.Cleanup(func() {
		s.grpc.Stop()
		<-served
	})
	return s
}

// echo answers one message with the same.
func echo(_ int64, s grpc.ServerStream) error {
	var m transcoder.Message
	if err := s.RecvMsg(&m); err != nil {
		return err
	}
	defer m.Free()
	return s.SendMsg(&m)
}

// failing answers with an error, after it has read the request.
func failing(err error) func(int64, grpc.ServerStream) error {
	return func(_ int64, s grpc.ServerStream) error {
		drain(s)
		return err
	}
}

// failingFirst answers the first n calls with an error, the others as then says.
func failingFirst(n int64, err error, then func(int64, grpc.ServerStream) error) func(int64, grpc.ServerStream) error {
	return func(arrival int64, s grpc.ServerStream) error {
		if arrival <= n {
			drain(s)
			return err
		}
		return then(arrival, s)
	}
}

// drain reads a request to its end, and returns it.
func drain(s grpc.ServerStream) (all []string) {
	for {
		var m transcoder.Message
		if s.RecvMsg(&m) != nil {
			return all
		}
		all = append(all, text(&m))
		m.Free()
	}
}

func text(m *transcoder.Message) string { return string(m.Data.Materialize()) }

func message(text string) transcoder.Message {
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(text)}}
}

// open opens a backend of these servers, which takes turns unless the configuration says otherwise, and waits until all are connected.
func open(t testing.TB, cfg backend.Config, servers ...*server) *backend.Backend {
	t.Helper()
	cfg.Name = "test"
	if cfg.LoadBalancing.Policy == "" {
		cfg.LoadBalancing.Policy, cfg.Health.WithoutOutlier = backend.RoundRobin, true
	}
	for _, s := range servers {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{s.address}})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Endpoints = append(cfg.Endpoints, e)
	}
	b, err := backend.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	eventually(t, "all are connected", func() bool {
		for _, e := range b.Channel().Endpoints() {
			if e.Connections == 0 {
				return false
			}
		}
		return len(b.Channel().Endpoints()) == len(cfg.Endpoints)
	})
	return b
}

// eventually waits for what must come.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func route(t testing.TB, b *backend.Backend, cfg backend.PolicyConfig) *backend.Route {
	t.Helper()
	p, err := backend.NewPolicy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b.Route(p)
}

// The kinds of methods.
func charge() *transcoder.Method { return transcoder.BareMethod("/test.Service/Charge", false, false) }

func get() *transcoder.Method {
	m := transcoder.BareMethod("/test.Service/Get", false, false)
	m.Idempotent, m.NoSideEffects = true, true
	return m
}

func streaming(client, server bool) *transcoder.Method {
	m := transcoder.BareMethod("/test.Service/Stream", client, server)
	m.Idempotent, m.NoSideEffects = true, true
	return m
}

// client is the client's side of a call: it sends what it is given, and keeps what it gets.
type client struct {
	requests chan transcoder.Message // closed at the end of the request
	closed   chan struct{}
	close    sync.Once
	answers  chan string
	gone     error // what Send returns
}

func newClient(messages ...string) *client {
	c := &client{requests: make(chan transcoder.Message, len(messages)), closed: make(chan struct{}), answers: make(chan string, 1024)}
	for _, m := range messages {
		c.requests <- message(m)
	}
	close(c.requests)
	return c
}

// newPacedClient returns a client whose request is sent by the test.
func newPacedClient() *client {
	return &client{requests: make(chan transcoder.Message), closed: make(chan struct{}), answers: make(chan string, 1024)}
}

func (c *client) Recv() (transcoder.Message, error) {
	select {
	case m, ok := <-c.requests:
		if !ok {
			return transcoder.Message{}, io.EOF
		}
		return m, nil
	case <-c.closed:
		return transcoder.Message{}, context.Canceled
	}
}

func (c *client) CloseRecv()        { c.close.Do(func() { close(c.closed) }) }
func (c *client) SendHeader() error { return c.gone }

func (c *client) Send(m transcoder.Message) error {
	defer m.Free()
	c.answers <- text(&m)
	return c.gone
}

func (c *client) Finish() error { return nil }

// got returns the answer so far.
func (c *client) got() string {
	var all []string
	for {
		select {
		case m := <-c.answers:
			all = append(all, m)
		default:
			return strings.Join(all, " ")
		}
	}
}

// forward makes one call with a deadline.
func forward(ctx context.Context, r *backend.Route, m *transcoder.Method, c *client, within time.Duration) (*transcoder.Call, error) {
	call := transcoder.NewCall(ctx, &transcoder.Request{Method: "POST", Path: m.Path, Major: 2})
	call.Method = m
	call.Deadline = time.Now().Add(within)
	err := r.Forward(call, c) //nolint:contextcheck // the call has it
	return call, err
}

// startFrom begins a call of a client with an address.
func startFrom(ctx context.Context, r *backend.Route, from string) <-chan error {
	ended := make(chan error, 1)
	go func() {
		m := charge()
		call := transcoder.NewCall(ctx, &transcoder.Request{Method: "POST", Path: m.Path, Major: 2})
		call.Method, call.Client, call.Deadline = m, netip.MustParseAddr(from), time.Now().Add(10*time.Second)
		ended <- r.Forward(call, newClient("x")) //nolint:contextcheck // the call has it
	}()
	return ended
}

func header(s grpc.ServerStream, key string) string {
	md, _ := metadata.FromIncomingContext(s.Context())
	return strings.Join(md[key], ",")
}
