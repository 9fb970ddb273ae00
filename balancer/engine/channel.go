// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package engine provides a gRPC channel that hosts a resolver and a balancer, as gRPC has them, over HTTP/2 connections of our own. To who calls, it is what a
// grpc.ClientConn is, without what a gateway does itself: service configs, retries, interceptors, compression from gRPC's registry.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	estats "google.golang.org/grpc/experimental/stats"
	grpcresolver "google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
)

// Config are the settings of a [Channel]. All are required, unless it is said otherwise.
type Config struct {
	// Target is what the channel is called in errors.
	Target string
	// Resolver says which endpoints there are, and Balancer which of them a call goes to. Unlike those of gRPC, a balancer here asks for another
	// SubConn, of one address, for each attempt to connect, takes what it is told from several goroutines, and checks health itself: what it
	// registers for that is never called.
	Resolver grpcresolver.Builder
	Balancer grpcbalancer.Builder
	// Authority is what requests name as their server, and what its certificate is for, unless the address of an endpoint has a name of
	// its own.
	Authority string
	// Credentials shake hands on each connection.
	Credentials credentials.TransportCredentials
	// Dial connects to an address.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Limited is told how many calls at a time the server at an address takes on one connection, before that is in use. nil tells nobody.
	Limited func(address grpcresolver.Address, streams uint32)
	// UserAgent is what requests say of this program.
	UserAgent string
	// MaxHeaderList is the largest list of fields of an answer, in bytes, as HTTP/2 counts them.
	MaxHeaderList int
	// StreamWindow and ConnectionWindow are how many bytes of an answer, and of all of a connection, may be under way before they are taken.
	StreamWindow, ConnectionWindow int
	// PingInterval is how long a server may be silent, while it has calls, before it is asked whether it is there; PingTimeout is how long it
	// may take to say so.
	PingInterval, PingTimeout time.Duration
}

// Channel is a gRPC channel. It is safe for concurrent use.
type Channel struct {
	config   Config
	balancer grpcbalancer.Balancer
	resolver grpcresolver.Resolver

	picking atomic.Pointer[picking]
	patient atomic.Int64 // how many times as long PingInterval is, since a server finds it too short

	mu     sync.Mutex
	conns  map[*subConn]struct{} // guarded by mu
	closed bool                  // guarded by mu
}

var _ grpc.ClientConnInterface = (*Channel)(nil)

// picking is a picker while it is in force.
type picking struct {
	picker  grpcbalancer.Picker // nil before the first
	state   connectivity.State
	changed chan struct{} // closed when it is no longer in force
}

// errClosing ends calls on a channel that is closed, with the words of grpc.ErrClientConnClosing.
var errClosing = status.Error(codes.Canceled, "grpc: the client connection is closing")

// New opens a channel, which begins to resolve and to connect.
func New(cfg Config) (*Channel, error) {
	c := &Channel{config: cfg, conns: map[*subConn]struct{}{}}
	c.patient.Store(1)
	c.picking.Store(&picking{state: connectivity.Connecting, changed: make(chan struct{})})
	target := grpcresolver.Target{}
	c.balancer = cfg.Balancer.Build(&balancerConn{Channel: c}, grpcbalancer.BuildOptions{DialCreds: cfg.Credentials, Authority: cfg.Authority, Target: target})
	var err error
	if c.resolver, err = cfg.Resolver.Build(target, &resolverConn{channel: c}, grpcresolver.BuildOptions{DialCreds: cfg.Credentials}); err != nil {
		c.balancer.Close()
		return nil, err
	}
	return c, nil
}

// GetState returns what the balancer last said, as grpc.ClientConn does.
func (c *Channel) GetState() connectivity.State { return c.picking.Load().state }

// Close closes the channel and its connections, and returns when their goroutines have. Calls under way fail with CANCELED.
func (c *Channel) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosing
	}
	c.closed = true
	c.mu.Unlock()
	c.resolver.Close()
	c.balancer.Close()
	c.replace(&picking{picker: closing{}, state: connectivity.Shutdown, changed: make(chan struct{})})
	c.mu.Lock()
	all := make([]*subConn, 0, len(c.conns))
	for s := range c.conns {
		all = append(all, s)
	}
	c.mu.Unlock()
	for _, s := range all {
		s.close()
	}
	for _, s := range all {
		s.running.Wait()
	}
	return nil
}

// closing is the picker of a channel that is closed.
type closing struct{}

func (closing) Pick(grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	return grpcbalancer.PickResult{}, errClosing
}

func (c *Channel) replace(p *picking) {
	close(c.picking.Swap(p).changed)
}

// balancerConn is what the balancer sees of the channel.
type balancerConn struct {
	grpcbalancer.ClientConn // nil: what gRPC may ask of it one day

	*Channel
}

// UpdateState implements grpc-go's balancer.ClientConn.
func (c *balancerConn) UpdateState(s grpcbalancer.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.replace(&picking{s.Picker, s.ConnectivityState, make(chan struct{})})
	}
}

// NewSubConn implements grpc-go's balancer.ClientConn, for one address.
func (c *balancerConn) NewSubConn(addresses []grpcresolver.Address, opts grpcbalancer.NewSubConnOptions) (grpcbalancer.SubConn, error) {
	if len(addresses) != 1 {
		return nil, fmt.Errorf("a connection is for %d addresses; it must be for one", len(addresses))
	}
	s := &subConn{channel: c.Channel, address: addresses[0], listener: opts.StateListener}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		s.cancel()
		return nil, errClosing
	}
	c.conns[s] = struct{}{}
	return s, nil
}

// RemoveSubConn implements grpc-go's balancer.ClientConn.
func (c *balancerConn) RemoveSubConn(s grpcbalancer.SubConn) { s.Shutdown() }

// UpdateAddresses implements grpc-go's balancer.ClientConn. Connections keep their address.
func (c *balancerConn) UpdateAddresses(grpcbalancer.SubConn, []grpcresolver.Address) {}

// ResolveNow implements grpc-go's balancer.ClientConn.
func (c *balancerConn) ResolveNow(o grpcresolver.ResolveNowOptions) { c.resolver.ResolveNow(o) }

// Target implements grpc-go's balancer.ClientConn.
func (c *balancerConn) Target() string { return c.config.Target }

// MetricsRecorder implements grpc-go's balancer.ClientConn: nothing is recorded.
func (c *balancerConn) MetricsRecorder() estats.MetricsRecorder { return nil }

// resolverConn is what the resolver sees of the channel.
type resolverConn struct {
	channel *Channel
}

var errNoServiceConfig = errors.New("service configs are not read")

// UpdateState implements grpc-go's resolver.ClientConn.
func (c *resolverConn) UpdateState(s grpcresolver.State) error {
	return c.channel.balancer.UpdateClientConnState(grpcbalancer.ClientConnState{ResolverState: s})
}

// ReportError implements grpc-go's resolver.ClientConn.
func (c *resolverConn) ReportError(err error) { c.channel.balancer.ResolverError(err) }

// NewAddress implements grpc-go's resolver.ClientConn.
func (c *resolverConn) NewAddress(addresses []grpcresolver.Address) {
	endpoints := make([]grpcresolver.Endpoint, len(addresses))
	for i, a := range addresses {
		endpoints[i] = grpcresolver.Endpoint{Addresses: []grpcresolver.Address{a}}
	}
	_ = c.UpdateState(grpcresolver.State{Addresses: addresses, Endpoints: endpoints}) // whoever calls this cannot be told
}

// ParseServiceConfig implements grpc-go's resolver.ClientConn.
func (c *resolverConn) ParseServiceConfig(string) *serviceconfig.ParseResult {
	return &serviceconfig.ParseResult{Err: errNoServiceConfig}
}

// place is where a call goes.
type place struct {
	conn *http2.Conn
	sub  *subConn
	by   *picking // who chose it
	done func(grpcbalancer.DoneInfo)
}

// ended tells the balancer of the end of a call.
func (p *place) ended(info grpcbalancer.DoneInfo) {
	if p.done != nil {
		p.done(info)
	}
}

// pick finds a place for a call, and waits for one if it should. after is the picking whose place turned out to be gone.
func (c *Channel) pick(ctx context.Context, method string, wait bool, after *picking) (place, error) {
	var last error
	for {
		by := c.picking.Load()
		if by.picker != nil && by != after {
			p, err := c.ask(ctx, method, by)
			switch {
			case err == nil:
				return p, nil
			case errors.Is(err, grpcbalancer.ErrNoSubConnAvailable):
			default:
				if st, ok := status.FromError(err); ok {
					return place{}, allowed(st)
				}
				if !wait {
					return place{}, status.Error(codes.Unavailable, err.Error())
				}
				last = err
			}
		}
		select {
		case <-by.changed:
		case <-ctx.Done():
			return place{}, waited(ctx, last)
		}
	}
}

// allowed returns the error of a status that a picker ends a call with. Codes that only the server's program may use are INTERNAL.
//
// https://github.com/grpc/proposal/blob/master/A54-restrict-control-plane-status-codes.md.
func allowed(st *status.Status) error {
	switch st.Code() {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return status.Errorf(codes.Internal, "received picker error with illegal status: %v", st.Err())
	default:
		return st.Err()
	}
}

// waited is the error of a call that ended while it waited.
func waited(ctx context.Context, last error) error {
	st := status.FromContextError(ctx.Err())
	text := ctx.Err().Error() + " while waiting for connections to become ready"
	if last != nil {
		text = "latest balancer error: " + last.Error()
	}
	return status.Error(st.Code(), text)
}

var errMetadata = status.Error(codes.Internal, "the balancer gives a call metadata, which this channel does not send")

// ask asks a picker.
func (c *Channel) ask(ctx context.Context, method string, by *picking) (place, error) {
	r, err := by.picker.Pick(grpcbalancer.PickInfo{FullMethodName: method, Ctx: ctx})
	if err != nil {
		return place{}, err
	}
	s, ok := r.SubConn.(*subConn)
	if !ok {
		return place{}, fmt.Errorf("the balancer chose a %T; it must choose a connection of this channel", r.SubConn)
	}
	if r.Metadata != nil {
		if r.Done != nil {
			r.Done(grpcbalancer.DoneInfo{Err: errMetadata})
		}
		return place{}, errMetadata
	}
	conn := s.conn.Load()
	if conn == nil {
		if r.Done != nil {
			r.Done(grpcbalancer.DoneInfo{})
		}
		return place{}, grpcbalancer.ErrNoSubConnAvailable
	}
	return place{conn, s, by, r.Done}, nil
}
