// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package backend provides named backends: their channels, and forwarding calls to them.
package backend

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Backend is one backend and its channel. It is safe for concurrent use.
type Backend struct {
	name    string
	channel *balancer.Channel
	listing *listing // nil where the endpoints are not listed
	gzip    bool     // Config.Gzip
	plain   *Route
	*guard

	mirrored *mirrored
	config   Config
	placing  placing
}

// placing is how a backend places its calls, on a channel that it may share with others.
type placing struct {
	policy    picker.Policy
	threshold float64
}

// New opens a backend. It begins to connect and does not wait for it. The error names everything that is wrong
// with the configuration.
func New(cfg Config, log *slog.Logger) (*Backend, error) {
	b, err := newBackend(cfg, log)
	if err != nil {
		return nil, err
	}
	s, err := b.open(log, nil)
	if err != nil {
		return nil, err
	}
	b.use(s)
	return b, nil
}

// newBackend checks what a backend does with its channel; it has none yet.
func newBackend(cfg Config, log *slog.Logger) (*Backend, error) {
	cfg, err := cfg.check()
	placed, errPlaced := cfg.policy()
	policy, errPolicy := NewPolicy(PolicyConfig{})
	if err := errors.Join(err, errPlaced, errPolicy); err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	threshold := cmp.Or(cfg.LoadBalancing.PanicThreshold, picker.DefaultPanicThreshold)
	b := &Backend{name: cfg.Name, gzip: cfg.Gzip, config: cfg, placing: placing{placed, threshold}, mirrored: newMirrored(log)}
	b.plain = b.Route(policy)
	return b, nil
}

// use gives a backend its channel.
func (b *Backend) use(s *shared) {
	b.channel, b.listing = s.channel, s.listing
	b.guard = newGuard(&b.config, s.channel)
}

// open opens a channel, which never connects to an address that avoid says is to be avoided.
func (b *Backend) open(log *slog.Logger, avoid func(netip.AddrPort) bool) (*shared, error) {
	cfg := &b.config
	secure, err := cfg.TLS.credentials()
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	if cfg.XDS() {
		channel, err := openXDS(cfg, secure, append(transcoder.DialOptions(cfg.Gzip),
			grpc.WithMaxHeaderListSize(uint32(cfg.MaxHeader)), //nolint:gosec // checked by newBackend
			grpc.WithUserAgent(balancer.DefaultUserAgent),
		))
		return &shared{channel: channel}, err
	}
	source, list, err := cfg.source()
	check, errCheck := cfg.Health.Active.check()
	if err := errors.Join(err, errCheck); err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	channel, err := balancer.New(balancer.Config{
		Name: cfg.Name, Source: &source, Credentials: secure,
		Policy: b.placing.policy, PanicThreshold: b.placing.threshold, Health: check,
		MinConnections: cfg.MinConnections, MaxConnections: cfg.MaxConnections, MaxStreams: cfg.MaxStreams,
		ConnectTimeout: cfg.ConnectTimeout, Backoff: balancer.Backoff{Base: cfg.ReconnectFirst, Max: cfg.ReconnectMax},
		ResolveInterval: cfg.ResolveInterval, PingInterval: cfg.PingInterval, DeadAfter: cfg.DeadAfter, Logger: log,
		Avoid: avoid, MaxHeaderList: uint32(cfg.MaxHeader), MinTotal: cfg.minTotal(), //nolint:gosec // checked by newBackend
	})
	return &shared{channel: channel, listing: list}, err
}

// Place puts the endpoints that are listed, and the way in which this backend places calls, in force. Backends that differ in nothing
// else share their connections: those of the snapshot in force are what counts.
func (b *Backend) Place() error {
	if b.listing != nil {
		b.listing.set(b.config.Endpoints)
	}
	return b.channel.SetPlacing(b.placing.policy, b.placing.threshold)
}

// hasScheme says whether a target is of a scheme.
func hasScheme(target, scheme string) bool {
	_, ok := strings.CutPrefix(target, scheme+":")
	return ok
}

// minTotal is how many connections a backend of a single endpoint has, so that one which is lost does not take all calls with it
// (threat H1).
const minTotal = 2

// minTotal returns how many connections it has, unless the configuration says how many an endpoint has.
func (c *Config) minTotal() int {
	if c.MinConnections > 0 || c.MaxConnections > 0 && c.MaxConnections < minTotal {
		return 0
	}
	return minTotal
}

// Name returns what the configuration calls the backend.
func (b *Backend) Name() string { return b.name }

// Channel returns the channel, for calls that the gateway itself makes and for looking at its endpoints.
func (b *Backend) Channel() *balancer.Channel { return b.channel }

// Forward moves a call's messages to the backend and back, by the default policy.
func (b *Backend) Forward(c *transcoder.Call, s transcoder.Stream) error {
	return b.plain.Forward(c, s)
}

// Ready tells whether an endpoint takes calls.
func (b *Backend) Ready() bool { return b.channel.Ready() }

// Changes returns what is closed when Ready may have changed.
func (b *Backend) Changes() []<-chan struct{} { return []<-chan struct{}{b.channel.Changed()} }

// Close closes the channel; calls that are under way fail.
func (b *Backend) Close() error {
	b.mirrored.close()
	b.parking.end()
	err := b.channel.Close()
	b.parking.calls.Wait()
	return err
}
