// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package backend provides named backends: their channels, and forwarding calls to them.
package backend

import (
	"errors"
	"fmt"
	"log/slog"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Backend is one backend and its channel. It is safe for concurrent use.
type Backend struct {
	name    string
	channel *balancer.Channel
	gzip    bool // Config.Gzip
	plain   *Route
	*guard

	mirrored *mirrored
}

// New opens a backend. It begins to connect and does not wait for it. The error names everything that is wrong
// with the configuration.
func New(cfg Config, log *slog.Logger) (*Backend, error) {
	secure, err := cfg.TLS.credentials()
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	cfg, err = cfg.check()
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
	}
	options := append(transcoder.DialOptions(cfg.Gzip),
		grpc.WithMaxHeaderListSize(uint32(cfg.MaxHeader)), //nolint:gosec // checked above
		grpc.WithUserAgent("dragoman"),
		grpc.WithDisableServiceConfig(), // retries and the like are ours to decide, not a DNS record's
	)
	channel, err := balancer.New(balancer.Config{
		Name: cfg.Name, Target: cfg.Target, Endpoints: cfg.Endpoints, Credentials: secure, Policy: cfg.Policy,
		ConnectTimeout: cfg.ConnectTimeout, PingInterval: cfg.PingInterval, DeadAfter: cfg.DeadAfter, Logger: log,
		DialOptions: options,
	})
	if err != nil {
		return nil, err
	}
	b := &Backend{name: cfg.Name, channel: channel, gzip: cfg.Gzip, guard: newGuard(&cfg, channel), mirrored: newMirrored(log)}
	policy, err := NewPolicy(PolicyConfig{})
	if err != nil {
		return nil, errors.Join(err, channel.Close())
	}
	b.plain = b.Route(policy)
	return b, nil
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
	return b.channel.Close()
}
