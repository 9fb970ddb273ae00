// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package extauthz provides authentication by a service that speaks Envoy's ext_authz over gRPC.
//
// The service is told which method the gateway has resolved, beside the request as it came, and decides on each call. Where it does not
// answer, or answers what cannot be read, calls are refused.
//
// https://www.envoyproxy.io/docs/envoy/v1.36.0/api-v3/service/auth/v3/external_auth.proto
package extauthz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds and defaults.
const (
	// DefaultTimeout is how long the service may take.
	DefaultTimeout = 200 * time.Millisecond
	// MaxTimeout is the most that it can be given.
	MaxTimeout = 10 * time.Second
	// MaxAnswer is the size in bytes of the largest answer that is read.
	MaxAnswer = 64 << 10
	// maxFields is how many fields an answer may have for the backend.
	maxFields = 64
)

// Config is one service.
type Config struct {
	// Name is what the configuration calls the provider.
	Name string
	// Backend is the name of the backend that the service is.
	Backend string
	// Conn is the channel to it; nil where there is none yet, which refuses all calls.
	Conn grpc.ClientConnInterface
	// Timeout is how long the service may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Forward are the header fields of its answer that the backend is told. It can set no others.
	Forward []string
	// Withhold are header fields of the request that it is not sent.
	Withhold []string
	// InsecureFailOpen lets calls pass when the service does not answer, as nobody in particular.
	InsecureFailOpen bool
	// Claims say of which of the dynamic metadata of its answer the identity is made.
	Claims auth.ClaimNames
}

// Provider asks the service. It is safe for concurrent use.
type Provider struct {
	config  Config
	client  authv3.AuthorizationClient
	breaker auth.Breaker
}

var _ auth.Waiter = (*Provider)(nil)

// Check tells everything that is wrong with a configuration.
func (cfg Config) Check() error {
	var errs []error
	if cfg.Backend == "" {
		errs = append(errs, errors.New("backend is empty"))
	}
	if cfg.Timeout < 0 || cfg.Timeout > MaxTimeout {
		errs = append(errs, fmt.Errorf("timeout is %s; it must be 1ms to %s", cfg.Timeout, MaxTimeout))
	}
	for _, name := range cfg.Forward {
		if err := auth.CheckForward(name); err != nil {
			errs = append(errs, fmt.Errorf("forward_headers has %.64q; it %w", name, err))
		}
	}
	return errors.Join(append(errs, cfg.Claims.Check())...)
}

// Reserved are the names of metadata that the provider can set.
func (cfg Config) Reserved() []string { return append(cfg.Claims.Reserved(), cfg.Forward...) }

// New returns the provider of a configuration.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	p := &Provider{config: cfg}
	if cfg.Conn != nil {
		p.client = authv3.NewAuthorizationClient(cfg.Conn)
	}
	return p, nil
}

// Challenge is none: what the service wants to see, only it knows.
func (*Provider) Challenge() string { return "" }

// Credentials are none that the gateway knows of.
func (*Provider) Credentials() []string { return nil }

// Authenticate has to wait for the service.
func (p *Provider) Authenticate(*transcoder.Call) (*transcoder.Identity, error) {
	return nil, interceptor.ErrWait
}

// Wait asks the service.
func (p *Provider) Wait(ctx context.Context, c *transcoder.Call) (*transcoder.Identity, error) {
	if p.client == nil {
		return p.unavailable(errors.New("there is no channel to it"))
	}
	if !p.breaker.Allow() {
		return p.unavailable(errors.New("it did not answer a moment ago"))
	}
	asked, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	answer, err := p.client.Check(asked, p.request(c), grpc.MaxCallRecvMsgSize(MaxAnswer))
	p.breaker.Done(err == nil, ctx.Err() == nil)
	if err != nil {
		return p.unavailable(err)
	}
	id, err := p.decide(answer)
	if bad, ok := errors.AsType[*malformed](err); ok {
		return nil, p.refusal(bad) // it did answer: that is not what is to fail open
	}
	return id, err
}

// unavailable is what a call gets that the service has not decided on: it fails closed, unless the configuration says so (threat C13).
func (p *Provider) unavailable(cause error) (*transcoder.Identity, error) {
	if p.config.InsecureFailOpen {
		return &transcoder.Identity{Provider: p.config.Name, Subject: p.config.Name}, nil
	}
	return nil, p.refusal(cause)
}

func (p *Provider) refusal(cause error) error {
	return &status.Error{
		Code: codes.Unavailable, Reason: status.ReasonAuthUnavailable, Message: "who may call cannot be found out at the moment",
		Cause: fmt.Errorf("provider %s: %w", p.config.Name, cause),
	}
}

// withheld tells whether the service is not sent a field.
func (p *Provider) withheld(name string) bool {
	return strings.HasPrefix(name, ":") || slices.Contains(p.config.Withhold, name)
}
