// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
)

// Check finds out the health of endpoints. One value serves all endpoints of a channel.
type Check interface {
	// Run checks one endpoint over conn, its connection, until ctx is done. It is called in a goroutine of its
	// own for each connection, and calls report each time that its verdict changes, the first time as
	// soon as it has one: until then the endpoint gets no calls. report may be called again with the same
	// verdict, not after Run has returned.
	Run(ctx context.Context, conn grpc.ClientConnInterface, report func(Verdict))
}

// Verdict is what a check says of an endpoint.
type Verdict struct {
	// Healthy says that the endpoint should get calls.
	Healthy bool
	// Reason says in a few words why not, such as "NOT_SERVING"; or, of a healthy one, what is odd about that.
	Reason string
}

// The defaults of checks.
const (
	// DefaultInterval is how often something is polled.
	DefaultInterval = 10 * time.Second
	// DefaultTimeout is how long a check may take.
	DefaultTimeout = 2 * time.Second
	// DefaultRise is how many good checks in a row make an unhealthy endpoint healthy.
	DefaultRise = 2
	// DefaultFall is how many bad checks in a row make a healthy endpoint unhealthy.
	DefaultFall = 3
)

// leastTime is the least that an interval or a timeout may be.
const leastTime = 10 * time.Millisecond

// counter makes a verdict of checks: the first one counts at once, later ones when enough of them agree.
type counter struct {
	rise, fall int
	report     func(Verdict)

	known   bool
	current Verdict
	against int // checks in a row that contradict current
}

// add adds the outcome of a check.
func (c *counter) add(v Verdict) {
	if c.known && v.Healthy == c.current.Healthy {
		c.against = 0
		if v != c.current {
			c.set(v)
		}
		return
	}
	c.against++
	need := c.fall
	if v.Healthy {
		need = c.rise
	}
	if !c.known || c.against >= need {
		c.set(v)
	}
}

// set makes v the verdict at once.
func (c *counter) set(v Verdict) {
	c.known, c.current, c.against = true, v, 0
	c.report(v)
}

// sleep waits for about d, up to a tenth less, so that checks that began together drift apart; false when ctx is done
// first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d - rand.N(d/10+1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
