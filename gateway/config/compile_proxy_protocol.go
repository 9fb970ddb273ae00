// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// proxyProtocol compiles who says at a listener whose connections are; nil where nobody does.
func (k *compiler) proxyProtocol(m *configv1.Listener, trusted []netip.Prefix, path string) *proxyprotocol.Config {
	own := m.GetProxyProtocol()
	if own == nil {
		return nil
	}
	cfg := &proxyprotocol.Config{From: k.prefixes(own.GetFrom(), path+".proxy_protocol.from"), Timeout: own.GetTimeout().AsDuration()}
	if slices.Contains(m.GetProtocols(), transport.HTTP3) && !k.uncertain[path] {
		k.on(path+".proxy_protocol", "have HTTP/3 at a listener of its own, which clients reach directly", "cannot be had with http3, over which there is no such header")
	}
	// A balancer that names no client, for its own health checks say, is itself the peer.
	for _, p := range trusted {
		if slices.ContainsFunc(cfg.From, p.Overlaps) {
			k.warn(path+".trusted_proxies", "leave the balancers out: the peer is whom they name, and such headers they pass on unread",
				"%s has balancers of proxy_protocol.from: what clients say in X-Forwarded-For is believed where a balancer does not name the client", p)
			break
		}
	}
	return cfg
}
