// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package deadline provides the deadline of a call: the client's, the method's default, and the most that is
// allowed.
package deadline

import (
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Defaults of Config.
const (
	DefaultTimeout    = transcoder.DefaultTimeout
	DefaultMaxTimeout = transcoder.DefaultMaxTimeout
	DefaultStreamIdle = transcoder.DefaultStreamIdle
)

// NoTimeout is as of transcoder.
const NoTimeout = transcoder.NoTimeout

// Config bounds how long calls take.
type Config = transcoder.Timeouts

// Policy is an admitter that gives calls their deadline.
type Policy struct{ timeouts transcoder.Timeouts }

// New returns the policy of a configuration.
func New(cfg Config) (*Policy, error) {
	timeouts, err := cfg.WithDefaults()
	if err != nil {
		return nil, err
	}
	return &Policy{timeouts: timeouts}, nil
}

// Admit sets the deadline of a call, and refuses one whose time is over already (T174).
func (p *Policy) Admit(c *transcoder.Call) error { return p.timeouts.Apply(c) }
