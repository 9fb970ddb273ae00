// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"time"
)

// The defaults of a LimitsConfig.
const (
	// DefaultMaxInFlight is how many calls that do not stream a backend is given at a time.
	DefaultMaxInFlight = 1024
	// DefaultMaxStreams is how many streams a backend is given at a time. Streams that wait for events are many, and do little.
	DefaultMaxStreams = 10_000
	// DefaultQueue is how many calls wait for another one to end.
	DefaultQueue = 256
	// DefaultQueueTimeout is how long one waits, and the longest that can be set: who waits longer is better told to come back.
	DefaultQueueTimeout = time.Second
	// clientShare is one part of what of a limit a single client may use, where nothing is set.
	clientShare = 2
	// maxLimit bounds what can be set.
	maxLimit = 1_000_000
)

// NoQueue in LimitsConfig.Queue makes calls beyond a limit fail at once.
const NoQueue = -1

// LimitsConfig bounds what a backend is given to do at a time. Calls beyond wait, a few of them and not for long; the others are refused at
// once with RESOURCE_EXHAUSTED, over REST 503, and when to come back.
type LimitsConfig struct {
	// MaxInFlight is how many calls that do not stream there may be; 1 to 1000000. 0: DefaultMaxInFlight.
	MaxInFlight int
	// MaxStreams is how many streams there may be; those beyond do not wait. 1 to 1000000. 0: DefaultMaxStreams.
	MaxStreams int
	// MaxPerEndpoint is how many calls, streams among them, one endpoint may have; at most 1000000. 0: any number.
	MaxPerEndpoint int
	// MaxPerClient is how many calls that do not stream, and again how many streams, one client may have, by its address; at most
	// 1000000. 0: half of MaxInFlight and of MaxStreams.
	MaxPerClient int
	// Queue is how many calls may wait; at most 1000000. 0: DefaultQueue. NoQueue: none.
	Queue int
	// QueueTimeout is how long a call may wait; at most DefaultQueueTimeout. 0: DefaultQueueTimeout.
	QueueTimeout time.Duration
	// Adaptive lowers MaxInFlight while calls take longer than they do without load.
	Adaptive bool
}

func (c LimitsConfig) check() (LimitsConfig, error) {
	setDefault(&c.MaxInFlight, DefaultMaxInFlight)
	setDefault(&c.MaxStreams, DefaultMaxStreams)
	setDefault(&c.Queue, DefaultQueue)
	setDefault(&c.QueueTimeout, DefaultQueueTimeout)
	var errs []error
	for _, v := range []struct {
		name         string
		value, least int
	}{
		{"max_in_flight", c.MaxInFlight, 1},
		{"max_streams", c.MaxStreams, 1},
		{"max_per_endpoint", c.MaxPerEndpoint, 0},
		{"max_per_client", c.MaxPerClient, 0},
		{"queue", c.Queue, NoQueue},
	} {
		if v.value < v.least || v.value > maxLimit {
			errs = append(errs, fmt.Errorf("limits: %s is %d; it must be %d to %d", v.name, v.value, v.least, maxLimit))
		}
	}
	if c.QueueTimeout < 0 || c.QueueTimeout > DefaultQueueTimeout {
		errs = append(errs, fmt.Errorf("limits: queue_timeout is %v; it must be 0s to %v", c.QueueTimeout, DefaultQueueTimeout))
	}
	return c, errors.Join(errs...)
}

// perClient returns what one client may use of a limit.
func (c *LimitsConfig) perClient(limit int) int {
	if c.MaxPerClient > 0 {
		return c.MaxPerClient
	}
	return max(limit/clientShare, 1)
}
