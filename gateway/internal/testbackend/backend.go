// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

const (
	// maxMessage is how many bytes a message may have in either direction, above what a behavior can ask for.
	maxMessage = 65 << 20
	// stopTime is how long a backend of [Run] may take to stop by itself.
	stopTime = 5 * time.Second
)

// Config says how a [Backend] is started. The zero value is a backend on a free port of 127.0.0.1, without TLS.
type Config struct {
	// Name is what the backend calls itself in Seen.backend. Empty means backend.
	Name string
	// Address is where to listen. Empty means a free port of 127.0.0.1.
	Address string
	// Options are for the gRPC server, such as credentials or limits.
	Options []grpc.ServerOption
	// WithoutReflection leaves the reflection service out.
	WithoutReflection bool
}

// Backend is a running server. All its methods are safe for concurrent use.
type Backend struct {
	name    string
	address string
	server  *grpc.Server
	health  *health.Server
	calls   calls
	// served has the result of the server once it has ended.
	served chan error
	once   sync.Once
	result error
}

// Start starts a backend. When it returns without an error, the backend accepts calls. The caller stops it.
func Start(ctx context.Context, config Config) (*Backend, error) {
	if config.Name == "" {
		config.Name = "backend"
	}
	if config.Address == "" {
		config.Address = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.Address)
	if err != nil {
		return nil, fmt.Errorf("testbackend: %s cannot listen: %w", config.Name, err)
	}
	b := &Backend{
		name:    config.Name,
		address: listener.Addr().String(),
		health:  health.NewServer(),
		calls:   newCalls(),
		served:  make(chan error, 1),
	}
	b.server = grpc.NewServer(append([]grpc.ServerOption{
		// The tap sees each stream before anything can refuse it, malformed paths included.
		grpc.InTapHandle(b.calls.arrive),
		grpc.UnknownServiceHandler(unknown),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
	}, config.Options...)...)
	if err := b.register(); err != nil { //nolint:contextcheck // each call brings its own context
		return nil, errors.Join(err, listener.Close())
	}
	healthgrpc.RegisterHealthServer(b.server, b.health)
	if !config.WithoutReflection {
		reflection.Register(b.server)
	}
	for name := range b.server.GetServiceInfo() {
		b.health.SetServingStatus(name, healthgrpc.HealthCheckResponse_SERVING)
	}
	go func() { b.served <- b.server.Serve(listener) }()
	return b, nil
}

// Run starts a backend that is stopped when the test ends. It fails the test when it cannot.
func Run(tb testing.TB, config Config) *Backend {
	tb.Helper()
	b, err := Start(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), stopTime)
		defer cancel()
		if err := b.Stop(ctx); err != nil {
			tb.Errorf("testbackend: %s did not stop well: %v", b.name, err)
		}
	})
	return b
}

// Address returns where the backend listens, host:port.
func (b *Backend) Address() string {
	return b.address
}

// Name returns what the backend calls itself.
func (b *Backend) Name() string {
	return b.name
}

// Health returns the health service, so that tests can change what it says. All services are SERVING at first.
func (b *Backend) Health() *health.Server {
	return b.health
}

// Stop ends the backend: what is held goes on, calls under way may end. When ctx is done, what is left is cut off. It returns
// when all is quiet; the second time, with the result of the first.
func (b *Backend) Stop(ctx context.Context) error {
	b.once.Do(func() {
		b.health.Shutdown()
		b.calls.releaseAll()
		graceful := make(chan struct{})
		go func() {
			b.server.GracefulStop()
			close(graceful)
		}()
		select {
		case <-graceful:
		case <-ctx.Done():
			b.server.Stop()
			<-graceful
		}
		// A server that is stopped before it began says so; nothing is wrong with that.
		if err := <-b.served; !errors.Is(err, grpc.ErrServerStopped) {
			b.result = err
		}
	})
	return b.result
}

// unknown answers calls of methods that the backend does not have.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return status.Errorf(codes.Unimplemented, "the backend has no method %s", method)
}
