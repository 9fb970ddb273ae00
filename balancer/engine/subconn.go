// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// subConn is one connection to one address, from the attempt to its end. Whoever wants another asks for another.
type subConn struct {
	grpcbalancer.SubConn // nil: what gRPC may ask of it one day

	channel  *Channel
	address  grpcresolver.Address
	listener func(grpcbalancer.SubConnState)

	ctx     context.Context //nolint:containedctx // the connection's scope
	cancel  context.CancelFunc
	connect sync.Once
	running sync.WaitGroup

	conn atomic.Pointer[http2.Conn] // once it is ready
	info credentials.AuthInfo       // set before conn

	patient int64 // of the channel, when the connection began

	mu    sync.Mutex
	made  *http2.Conn // guarded by mu
	ready bool        // guarded by mu
	shut  bool        // guarded by mu
}

// UpdateAddresses implements grpc-go's balancer.SubConn. It keeps its address.
func (s *subConn) UpdateAddresses([]grpcresolver.Address) {}

// RegisterHealthListener implements grpc-go's balancer.SubConn. Health is checked by whoever balances.
func (s *subConn) RegisterHealthListener(func(grpcbalancer.SubConnState)) {}

// Connect implements grpc-go's balancer.SubConn.
func (s *subConn) Connect() {
	s.connect.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.shut {
			s.running.Go(s.open)
		}
	})
}

// tell tells the balancer, unless it has given the connection up.
func (s *subConn) tell(state grpcbalancer.SubConnState) {
	s.mu.Lock()
	shut := s.shut
	s.ready = s.ready || state.ConnectivityState == connectivity.Ready
	s.mu.Unlock()
	if !shut && s.listener != nil {
		s.listener(state)
	}
}

// open makes the connection.
func (s *subConn) open() {
	s.tell(grpcbalancer.SubConnState{ConnectivityState: connectivity.Connecting})
	conn, err := s.dial()
	if err != nil {
		s.tell(grpcbalancer.SubConnState{ConnectivityState: connectivity.TransientFailure, ConnectionError: err})
		s.forget()
		return
	}
	<-conn.Done()
	s.forget()
}

// forget takes the connection out of the channel's.
func (s *subConn) forget() {
	s.cancel()
	s.channel.mu.Lock()
	defer s.channel.mu.Unlock()
	delete(s.channel.conns, s)
}

func (s *subConn) dial() (*http2.Conn, error) {
	cfg := &s.channel.config
	raw, err := cfg.Dial(s.ctx, s.address.Addr)
	if err != nil {
		return nil, err
	}
	authority := cfg.Authority
	if s.address.ServerName != "" {
		authority = s.address.ServerName
	}
	socket, info, err := cfg.Credentials.ClientHandshake(s.ctx, authority, raw)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	s.info = info
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		_ = socket.Close()
		return nil, context.Canceled
	}
	s.patient = s.channel.patient.Load()
	s.made = http2.New(socket, &http2.Config{
		UserAgent: cfg.UserAgent, Secure: cfg.Credentials.Info().SecurityProtocol == "tls", MaxHeader: cfg.MaxHeaderList,
		StreamWindow: cfg.StreamWindow, ConnectionWindow: cfg.ConnectionWindow,
		PingInterval: cfg.PingInterval * time.Duration(s.patient), PingTimeout: cfg.PingTimeout,
		Ready: s.becameReady, Left: s.left,
	})
	return s.made, nil
}

// becameReady is told that the server has greeted.
func (s *subConn) becameReady(streams uint32) {
	if limited := s.channel.config.Limited; limited != nil && streams > 0 {
		limited(s.address, streams)
	}
	s.mu.Lock()
	made := s.made
	s.mu.Unlock()
	s.conn.Store(made)
	s.tell(grpcbalancer.SubConnState{ConnectivityState: connectivity.Ready})
}

// greetingError is a server that goes before it has greeted.
type greetingError struct{ error }

func (e greetingError) Unwrap() error { return e.error }

// left is told that the connection takes no more calls.
func (s *subConn) left(err error, tooManyPings bool) {
	if tooManyPings {
		s.channel.patient.CompareAndSwap(s.patient, 2*s.patient) // once for all connections that began with it
	}
	s.conn.Store(nil)
	s.mu.Lock()
	ready := s.ready
	s.mu.Unlock()
	if ready {
		s.tell(grpcbalancer.SubConnState{ConnectivityState: connectivity.Idle})
		return
	}
	if st, ok := status.FromError(err); ok && st.Code() == codes.Unavailable {
		err = errors.New(st.Message())
	}
	s.tell(grpcbalancer.SubConnState{ConnectivityState: connectivity.TransientFailure, ConnectionError: greetingError{err}})
}

// Shutdown implements grpc-go's balancer.SubConn: an attempt is broken off; calls go on to their end.
func (s *subConn) Shutdown() {
	s.mu.Lock()
	s.shut = true
	made := s.made
	s.mu.Unlock()
	s.cancel()
	if made != nil {
		made.Drain()
		return
	}
	s.connect.Do(func() {}) // it connects no more
	s.channel.mu.Lock()
	defer s.channel.mu.Unlock()
	delete(s.channel.conns, s)
}

// close ends the connection with its calls.
func (s *subConn) close() {
	s.Shutdown()
	s.mu.Lock()
	made := s.made
	s.mu.Unlock()
	if made != nil {
		made.Close(errClosing)
	}
}

// GetOrBuildProducer implements grpc-go's balancer.SubConn: what is built calls over this connection alone.
func (s *subConn) GetOrBuildProducer(b grpcbalancer.ProducerBuilder) (grpcbalancer.Producer, func()) {
	return b.Build(&single{s})
}

// single is a channel of one connection.
type single struct {
	sub *subConn
}

var _ grpc.ClientConnInterface = (*single)(nil)

var errNotReady = status.Error(codes.Unavailable, "the connection is gone")

// pick returns the one place that there is.
func (s *single) pick(_ context.Context, _ string, _ bool, after *picking) (place, error) {
	conn := s.sub.conn.Load()
	if conn == nil || after != nil {
		return place{}, errNotReady
	}
	return place{conn: conn, sub: s.sub, by: new(picking)}, nil
}

// Invoke implements grpc.ClientConnInterface.
func (s *single) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return invoke(ctx, &s.sub.channel.config, s, method, args, reply, opts)
}

// NewStream implements grpc.ClientConnInterface.
func (s *single) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(ctx, &s.sub.channel.config, s, desc, method, opts)
}
