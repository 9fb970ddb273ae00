// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// dial returns how connections are made.
func (cfg *Config) dial() func(ctx context.Context, address string) (net.Conn, error) {
	if cfg.Dial != nil {
		return cfg.Dial
	}
	return dialer(cfg.DeadAfter, cfg.Avoid)
}

// dialer returns how connections are made: to what an endpoint's address says, without a proxy that
// the environment may name, noticing within about deadAfter that a peer has vanished.
func dialer(deadAfter time.Duration, avoid func(netip.AddrPort) bool) func(ctx context.Context, address string) (net.Conn, error) {
	d := &net.Dialer{
		Control: avoiding(avoid, control(deadAfter)),
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

// avoiding refuses to connect to addresses that are to be avoided, and does what control does for all others. It is called for each address that
// a name is resolved to.
func avoiding(avoid func(netip.AddrPort) bool, control func(network, address string, c syscall.RawConn) error) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) error {
		if a, err := netip.ParseAddrPort(address); err == nil && avoid != nil && avoid(netip.AddrPortFrom(a.Addr().Unmap(), a.Port())) {
			return errAvoided
		}
		return control(network, address, c)
	}
}

// errAvoided is why an endpoint whose address is to be avoided cannot be reached.
var errAvoided = errors.New("the address is the gateway's own")

// seconds rounds d down to the whole seconds that the kernel counts in, at least one.
func seconds(d time.Duration) time.Duration {
	return max(d.Truncate(time.Second), time.Second)
}
