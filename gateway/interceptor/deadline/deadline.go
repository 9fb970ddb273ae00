// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package deadline provides the deadline of a call: the client's, the method's default, and the most that is allowed.
package deadline

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Defaults of Config (spec/security.md section 3).
const (
	DefaultTimeout    = 15 * time.Second
	DefaultMaxTimeout = 300 * time.Second
	DefaultStreamIdle = 300 * time.Second
)

// NoTimeout as a Timeout leaves unary calls whose client says none without a deadline. Files cannot say it.
const NoTimeout time.Duration = math.MinInt64

// Config bounds how long calls take. A zero field means its default.
type Config struct {
	// Timeout is for unary calls whose client says none (T176); NoTimeout for none.
	Timeout time.Duration
	// MaxTimeout is the most that a client can ask for (T174).
	MaxTimeout time.Duration
	// StreamIdle ends a stream in which no message moved for so long (T145).
	StreamIdle time.Duration
}

// Policy is an admitter that gives calls their deadline.
type Policy struct{ config Config }

// New returns the policy of a configuration.
func New(cfg Config) (*Policy, error) {
	if (cfg.Timeout < 0 && cfg.Timeout != NoTimeout) || cfg.MaxTimeout < 0 || cfg.StreamIdle < 0 {
		return nil, fmt.Errorf("timeout is %s, max_timeout %s, stream_idle_timeout %s; none may be negative", cfg.Timeout, cfg.MaxTimeout, cfg.StreamIdle)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxTimeout == 0 {
		cfg.MaxTimeout = DefaultMaxTimeout
	}
	if cfg.StreamIdle == 0 {
		cfg.StreamIdle = DefaultStreamIdle
	}
	if cfg.Timeout > cfg.MaxTimeout {
		return nil, fmt.Errorf("timeout is %s and max_timeout %s; timeout must not be the larger one", cfg.Timeout, cfg.MaxTimeout)
	}
	return &Policy{config: cfg}, nil
}

// Admit sets the deadline of a call, and refuses one whose time is over already (T174): no backend is called for it.
func (p *Policy) Admit(c *transcoder.Call) error {
	timeout, has := c.Timeout, c.HasTimeout
	if !has && c.Method.Unary() && p.config.Timeout != NoTimeout {
		timeout, has = p.config.Timeout, true
	}
	if !c.Method.Unary() {
		c.StreamIdle = p.config.StreamIdle
	}
	if !has {
		return nil // T176: streams have no deadline unless the client sets one
	}
	if timeout <= 0 {
		return status.Errorf(codes.DeadlineExceeded, status.ReasonDeadlineExceeded, "the deadline had passed when the call came")
	}
	c.Deadline = c.Start.Add(min(timeout, p.config.MaxTimeout))
	return nil
}
