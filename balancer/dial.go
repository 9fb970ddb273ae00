// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"
	"net"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// dialer returns how connections are made: to what an endpoint's address says, without a proxy that
// the environment may name, noticing within about deadAfter that a peer has vanished.
func dialer(deadAfter time.Duration) func(ctx context.Context, address string) (net.Conn, error) {
	d := &net.Dialer{
		Control: control(deadAfter),
		// These probes find a peer that vanished while nothing was said. They are the kernel's, so no
		// server takes them for too many pings. After half the time without a word the peer is asked each
		// tenth of it.
		KeepAliveConfig: net.KeepAliveConfig{
			Enable:   true,
			Idle:     seconds(deadAfter / 2),
			Interval: seconds(deadAfter / 10),
			Count:    5,
		},
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		network, addr := endpoint.Dialable(address)
		return d.DialContext(ctx, network, addr)
	}
}

// seconds rounds d down to the whole seconds that the kernel counts in, at least one.
func seconds(d time.Duration) time.Duration {
	return max(d.Truncate(time.Second), time.Second)
}
