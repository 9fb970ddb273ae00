// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Defaults of Timeouts.
const (
	DefaultTimeout    = 15 * time.Second
	DefaultMaxTimeout = 300 * time.Second
	DefaultStreamIdle = 300 * time.Second
)

// NoTimeout as a Timeout leaves unary calls whose client says none without a deadline. Configuration files cannot say it.
const NoTimeout time.Duration = math.MinInt64

// Timeouts bound how long calls take. A zero field means its default.
type Timeouts struct {
	// Timeout is for unary calls whose client says none (T176); NoTimeout for none.
	Timeout time.Duration
	// MaxTimeout is the most that a client can ask for (T174).
	MaxTimeout time.Duration
	// StreamIdle ends a stream in which no message moved for so long (T145).
	StreamIdle time.Duration
	// StreamTimeout ends a stream that has lasted so long; zero for never.
	StreamTimeout time.Duration
}

// WithDefaults returns the timeouts with their defaults, or says what is wrong with them.
func (t Timeouts) WithDefaults() (Timeouts, error) {
	if (t.Timeout < 0 && t.Timeout != NoTimeout) || t.MaxTimeout < 0 || t.StreamIdle < 0 || t.StreamTimeout < 0 {
		return t, fmt.Errorf("timeout is %s, max_timeout %s, stream_idle_timeout %s, stream_timeout %s; none may be negative",
			t.Timeout, t.MaxTimeout, t.StreamIdle, t.StreamTimeout)
	}
	if t.Timeout == 0 {
		t.Timeout = DefaultTimeout
	}
	if t.MaxTimeout == 0 {
		t.MaxTimeout = DefaultMaxTimeout
	}
	if t.StreamIdle == 0 {
		t.StreamIdle = DefaultStreamIdle
	}
	if t.Timeout > t.MaxTimeout {
		return t, fmt.Errorf("timeout is %s and max_timeout %s; timeout must not be the larger one", t.Timeout, t.MaxTimeout)
	}
	return t, nil
}

// Apply sets the deadline of a call, and refuses one whose time is over already (T174): no backend is called for it. It is
// for timeouts that have their defaults.
func (t Timeouts) Apply(c *Call) error {
	timeout, has := c.Timeout, c.HasTimeout
	if !has && c.Method.Unary() && t.Timeout != NoTimeout {
		timeout, has = t.Timeout, true
	}
	if !c.Method.Unary() {
		c.StreamIdle = t.StreamIdle
		if t.StreamTimeout > 0 {
			c.Deadline = c.Start.Add(t.StreamTimeout)
		}
	}
	if !has {
		return nil // T176: streams have no deadline unless the client or their own limit sets one
	}
	if timeout <= 0 {
		return status.Errorf(codes.DeadlineExceeded, status.ReasonDeadlineExceeded, "the deadline had passed when the call came")
	}
	if deadline := c.Start.Add(min(timeout, t.MaxTimeout)); c.Deadline.IsZero() || deadline.Before(c.Deadline) {
		c.Deadline = deadline
	}
	return nil
}
