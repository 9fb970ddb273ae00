// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"net/netip"
	"time"
)

const (
	// mostAskers is how many clients are remembered in each of two halves. Of more than that the first are forgotten, and may ask again: fetches have
	// their Spacing all the same.
	mostAskers = 2048
	// networkBits are how much of an address of IPv6 is its client's: whoever has one address has all of its /64.
	networkBits = 64
)

// askers are the clients that have asked for a fetch in the last MissInterval, in two halves, of which the older one is forgotten as a whole.
type askers struct {
	newer, older map[netip.Addr]asking
	since        time.Time // when newer was begun
}

// asking is what a client has asked for last.
type asking struct {
	fetch *fetch
	at    time.Time
}

// of returns what a client has asked for lately, or nil.
func (a *askers) of(client netip.Addr, now time.Time) *fetch {
	client = network(client)
	last, ok := a.newer[client]
	if !ok {
		last = a.older[client]
	}
	if last.fetch == nil || now.Sub(last.at) >= MissInterval {
		return nil
	}
	return last.fetch
}

// note remembers what a client asks for.
func (a *askers) note(client netip.Addr, f *fetch, now time.Time) {
	if a.newer == nil || len(a.newer) >= mostAskers || now.Sub(a.since) >= MissInterval {
		a.newer, a.older, a.since = map[netip.Addr]asking{}, a.newer, now
	}
	a.newer[network(client)] = asking{fetch: f, at: now}
}

// mostKnown is how many clients are known in each of two halves. Who is forgotten is a stranger until their next token.
const mostKnown = 4096

// known are clients whose tokens were good, in two halves, of which the older one is forgotten as a whole.
type known struct{ newer, older map[netip.Addr]struct{} }

// has tells whether a client is known.
func (k *known) has(client netip.Addr) bool {
	client = network(client)
	_, newer := k.newer[client]
	_, older := k.older[client]
	return newer || older
}

// note remembers a client.
func (k *known) note(client netip.Addr) {
	client = network(client)
	if _, ok := k.newer[client]; ok {
		return
	}
	if k.newer == nil || len(k.newer) >= mostKnown {
		k.newer, k.older = map[netip.Addr]struct{}{}, k.newer
	}
	k.newer[client] = struct{}{}
}

// network is what of an address is its client's alone.
func network(client netip.Addr) netip.Addr {
	client = client.Unmap()
	if !client.Is6() {
		return client
	}
	prefix, err := client.WithZone("").Prefix(networkBits)
	if err != nil {
		return client
	}
	return prefix.Addr()
}
