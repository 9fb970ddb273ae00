// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Fields in which proxies say for whom they ask.
const (
	forwardedFor   = "x-forwarded-for"
	forwardedProto = "x-forwarded-proto"
	forwardedHost  = "x-forwarded-host"
)

// mostSaid is how many fields the gateway itself adds at most: the id of the request, its trace, and three of those above.
const mostSaid = 5

// maxForwarded is how many addresses of X-Forwarded-For are looked at.
const maxForwarded = 32

// describe puts what the gateway itself says into the backend's metadata, and takes out what could be taken for it, however it is
// spelled (T162). What a client says in X-Forwarded-* fields was dropped by the protocol; of a trusted proxy it is passed on, and
// the proxy's own address added (T170).
func describe(c *transcoder.Call) {
	c.Metadata = slices.DeleteFunc(c.Metadata, func(f wire.Field) bool {
		return strings.IndexByte(f.Name, '_') >= 0 && owned(strings.ReplaceAll(f.Name, "_", "-"))
	})
	r := c.Request
	c.Metadata = slices.Grow(c.Metadata, mostSaid)
	c.Metadata.Del(debugHeader)
	c.Metadata.Set(requestIDHeader, c.RequestID)
	passTrace(c)
	peer := r.Remote.Addr().Unmap()
	chain, proto, host := "", r.Scheme, r.Authority
	if trusted(r, peer) {
		chain = joined(r.Header, forwardedFor)
		if v := r.Header.Get(forwardedProto); v == "http" || v == "https" {
			proto = v
		}
		if v := r.Header.Get(forwardedHost); v != "" {
			host = v
		}
	}
	if c.Peer != "" {
		if chain != "" {
			chain += ", "
		}
		chain += c.Peer
	}
	c.Host = host
	if chain != "" {
		c.Metadata.Add(forwardedFor, chain)
	}
	c.Metadata.Add(forwardedProto, proto)
	if host != "" {
		c.Metadata.Add(forwardedHost, host)
	}
}

// owned tells whether the gateway itself says what a field of that name says.
func owned(name string) bool {
	switch name {
	case requestIDHeader, forwardedFor, forwardedProto, forwardedHost, "x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "forwarded":
		return true
	}
	return false
}

// trusted tells whether what an address says of others is believed.
func trusted(r *transcoder.Request, address netip.Addr) bool {
	if r.Limits == nil || !address.IsValid() {
		return false
	}
	return slices.ContainsFunc(r.Limits.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// clientBehind returns the last address, from the right, that is not a trusted proxy's: what stands further left is that client's own
// word. What is no address ends the search.
func clientBehind(r *transcoder.Request, peer netip.Addr) netip.Addr {
	client := peer
	list := strings.Split(joined(r.Header, forwardedFor), ",")
	for i := len(list) - 1; i >= max(0, len(list)-maxForwarded); i-- {
		text := strings.TrimSpace(list[i])
		address, err := netip.ParseAddr(text)
		if port, errPort := netip.ParseAddrPort(text); errPort == nil {
			address, err = port.Addr(), nil
		}
		if err != nil {
			return client
		}
		if client = address.Unmap().WithZone(""); !trusted(r, client) {
			return client
		}
	}
	return client
}

// joined returns the values of a field as one list.
func joined(h wire.Header, name string) string {
	value := ""
	for _, f := range h {
		if f.Name == name {
			if value != "" {
				value += ", "
			}
			value += f.Value
		}
	}
	return value
}
