// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/keepalive"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/engine"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// Channel is a gRPC channel to one backend. It is safe for concurrent use.
type Channel struct {
	conn carrier
	hub  *hub

	stop     func()         // ends watching; nil for a channel of ours
	watching sync.WaitGroup // what tells the hub of the state, where somebody else balances
}

// carrier is what carries calls: the engine, or gRPC's own channel.
type carrier interface {
	grpc.ClientConnInterface
	GetState() connectivity.State
	Close() error
}

var _ grpc.ClientConnInterface = (*Channel)(nil)

// New opens a channel on connections of our own: it checks cfg, and begins to resolve and connect at once, so that
// [Channel.Endpoints] shows what is wrong before the first call does. It does not wait for a
// connection. The error names everything that is wrong with cfg.
func New(cfg Config) (*Channel, error) {
	cfg, source, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if len(cfg.DialOptions) > 0 {
		return nil, fmt.Errorf("balancer %q: dial options are set; they are for channels that are opened with Options", cfg.Name)
	}
	h := newHub(cfg)
	h.source.Name = source.Name
	b, err := h.resolver(source)
	if err != nil {
		return nil, err
	}
	conn, err := engine.New(engine.Config{
		Target: cfg.Name, Resolver: b, Balancer: builder{name: cfg.Name}, Authority: cfg.authority(b), Credentials: cfg.Credentials,
		Dial: cfg.dial(), Limited: limited, UserAgent: cfg.UserAgent, MaxHeaderList: int(cfg.MaxHeaderList),
		StreamWindow: cfg.StreamWindow, ConnectionWindow: cfg.ConnectionWindow, PingInterval: cfg.PingInterval, PingTimeout: cfg.DeadAfter,
	})
	if err != nil {
		return nil, fmt.Errorf("balancer %q: %w", cfg.Name, err)
	}
	return &Channel{conn: conn, hub: h}, nil
}

// authority is the name of the servers that have none of their own: the one that the credentials say, or else the source's, as with gRPC's own channels.
func (cfg *Config) authority(b *resolver.Builder) string {
	return cmp.Or(cfg.Credentials.Info().ServerName, b.OverrideAuthority(grpcresolver.Target{})) //nolint:staticcheck // deprecated, and what gRPC goes by
}

// limited tells a link how many streams its server takes at a time.
func limited(a grpcresolver.Address, streams uint32) {
	if l, ok := a.Attributes.Value(linkKey{}).(*link); ok {
		l.limited(streams)
	}
}

// Invoke implements grpc.ClientConnInterface.
func (c *Channel) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (c *Channel) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return noteFirst(ctx, desc, nil, method, c.open, opts...)
}

func (c *Channel) open(ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.conn.NewStream(ctx, desc, method, opts...)
}

// GetState returns whether calls are placed, as grpc.ClientConn does.
func (c *Channel) GetState() connectivity.State { return c.conn.GetState() }

// resolver returns what resolves a channel's endpoints.
func (b *hub) resolver(source resolver.Source) (*resolver.Builder, error) {
	builder, err := resolver.NewBuilder(resolver.Config{
		Source:     source,
		Interval:   b.cfg.ResolveInterval,
		Attributes: attributes.New(hubKey{}, b),
		Observe:    b.observe,
		Logger:     b.cfg.Logger.With("backend", b.cfg.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("balancer %q: %w", b.cfg.Name, err)
	}
	return builder, nil
}

// Options returns the target and the dial options to open one channel of gRPC's own with, for who calls
// grpc.NewClient: it balances as New's does, on gRPC's connections. The options serve that one channel only.
func Options(cfg Config) (target string, opts []grpc.DialOption, err error) {
	cfg, source, err := cfg.check()
	if err != nil {
		return "", nil, err
	}
	h := newHub(cfg)
	h.source.Name = source.Name
	b, err := h.resolver(source)
	if err != nil {
		return "", nil, err
	}
	Register()
	opts = []grpc.DialOption{
		grpc.WithUserAgent(cfg.UserAgent),
		grpc.WithResolvers(b),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithChainStreamInterceptor(noteFirst),
		grpc.WithTransportCredentials(listening{cfg.Credentials}),
		grpc.WithMaxHeaderListSize(cfg.MaxHeaderList),
		grpc.WithContextDialer(cfg.dial()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: cfg.PingInterval, Timeout: cfg.DeadAfter}),
		// The host holds attempts to ConnectTimeout and paces them itself: gRPC would give later
		// attempts as long as its pause between them. Its own limit only has to be the later one.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{}, MinConnectTimeout: 2 * cfg.ConnectTimeout}),
		// A channel that went idle would drop its connections, and the first call after a quiet
		// night would pay for all of them.
		grpc.WithIdleTimeout(0),
	}
	return b.Target(url.PathEscape(cfg.Name)), slices.Concat(opts, cfg.DialOptions), nil
}

// Adopt returns a channel that somebody else balances, such as an xDS control plane. What a policy says has no effect on it, and
// nothing is known of its endpoints but whether calls can be placed.
func Adopt(name string, conn *grpc.ClientConn) *Channel {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Channel{conn: conn, hub: newHub(Config{Name: name}.withDefaults()), stop: cancel}
	conn.Connect()
	c.watching.Go(func() {
		for {
			s := conn.GetState()
			c.hub.touch(s == connectivity.Ready)
			if !conn.WaitForStateChange(ctx, s) {
				return
			}
		}
	})
	return c
}

// Endpoints returns the state of every endpoint, those that are leaving but still have calls among
// them, ordered by address.
func (c *Channel) Endpoints() []State { return c.hub.states() }

// Ready tells whether calls can be placed on at least one endpoint.
func (c *Channel) Ready() bool { return c.hub.canPlace() }

// Changed returns a channel that is closed at the next change of an endpoint's state. Who asks for it
// first, and then for the state, misses none.
func (c *Channel) Changed() <-chan struct{} { return c.hub.changes() }

// Source returns how the source of the endpoints fares.
func (c *Channel) Source() SourceState { return c.hub.sourceState() }

// ReadyEndpoints returns how many endpoints take calls now. It takes no lock.
func (c *Channel) ReadyEndpoints() int { return int(c.hub.ready.Load()) }

// carefulFor is for how long resets count as few: until those of a burst have been given back.
const carefulFor = picker.ResetsBurst * time.Second / picker.ResetsPerSecond

// ResetsLow says whether the streams of a connection were reset so often of late that calls had better not be cancelled before
// picker.Call.MayReset says so. It takes no lock.
func (c *Channel) ResetsLow() bool { return c.hub.isCareful() }

// Policy returns the policy in force.
func (c *Channel) Policy() picker.Policy { return c.hub.currentPolicy() }

// SetPolicy places the calls from now on by p. Connections and what is known of the endpoints stay.
func (c *Channel) SetPolicy(p picker.Policy) { c.hub.setPolicy(p) }

// SetPlacing places the calls from now on by p, on healthy endpoints alone while their share is at least panicThreshold, which must be
// above 0 and at most 1. Connections and what is known of the endpoints stay.
func (c *Channel) SetPlacing(p picker.Policy, panicThreshold float64) error {
	g, err := picker.NewPanic(picker.PanicConfig{Policy: p, Threshold: panicThreshold})
	if err != nil {
		return fmt.Errorf("balancer %q: %w", c.hub.cfg.Name, err)
	}
	c.hub.setPlacing(p, g)
	return nil
}

// Drain takes an endpoint out of service: it is given no new calls, those under way go on, and its
// connection stays. It holds, also if the endpoint goes and returns, until Undrain.
func (c *Channel) Drain(e endpoint.Endpoint) {
	c.hub.override(e, func(o *override) { o.drained = true })
}

// Undrain puts an endpoint back into service.
func (c *Channel) Undrain(e endpoint.Endpoint) {
	c.hub.override(e, func(o *override) { o.drained = false })
}

// SetWeight gives an endpoint another weight than the resolver says, for policies that look at it. It
// holds, also if the endpoint goes and returns, until another is set; 0 puts the resolver's back in
// force. The error says which weights there are.
func (c *Channel) SetWeight(e endpoint.Endpoint, weight uint32) error {
	if weight > endpoint.MaxWeight {
		return fmt.Errorf("balancer %q: weight of %s is %d; it must be 0 to %d", c.hub.cfg.Name, e, weight, endpoint.MaxWeight)
	}
	c.hub.override(e, func(o *override) { o.weight = float64(weight) })
	return nil
}

// WaitReady returns when calls can be placed on at least one endpoint, or with ctx's error.
func (c *Channel) WaitReady(ctx context.Context) error {
	for {
		changed := c.hub.changes()
		if c.hub.canPlace() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("balancer %q: no endpoint became ready: %w", c.hub.cfg.Name, ctx.Err())
		}
	}
}

// Close closes the channel and its connections. Calls under way fail with CANCELED.
func (c *Channel) Close() error {
	if c.stop != nil {
		c.stop()
		c.watching.Wait()
	}
	return c.conn.Close()
}
