// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/certmagic"
)

// Meeting is where the listeners of a process meet: those in clear text answer an authority for the names of the others. It is safe for
// concurrent use.
type Meeting struct {
	mu       sync.RWMutex
	plain    []netip.AddrPort      // of listeners that speak HTTP/1.1 in clear text; guarded by mu, as is managers
	managers map[*Manager]struct{} // whose names can be asked for
}

// NewMeeting returns one that nobody has come to.
func NewMeeting() *Meeting { return &Meeting{managers: map[*Manager]struct{}{}} }

// Plain says that a listener in clear text answers by Answer.
func (m *Meeting) Plain(address net.Addr) {
	a, ok := address.(*net.TCPAddr)
	if !ok {
		return // an authority comes over TCP
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plain = append(m.plain, netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port()))
}

func (m *Meeting) join(own *Manager) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.managers[own] = struct{}{}
}

func (m *Meeting) leave(own *Manager) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.managers, own)
}

// Answer answers a request in clear text if it is one of an authority's that is waited for; else it reports false and has done nothing.
func (m *Meeting) Answer(w http.ResponseWriter, r *http.Request) bool {
	if !certmagic.LooksLikeHTTPChallenge(r) {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	m.mu.RLock()
	all := slices.Collect(maps.Keys(m.managers))
	m.mu.RUnlock()
	return slices.ContainsFunc(all, func(own *Manager) bool { return own.has(host) && own.issuer.HandleHTTPChallenge(w, r) })
}

// plainFor returns the address in clear text at which an authority can be answered that reaches a listener with TLS at another; false where there is
// none.
func (m *Meeting) plainFor(own netip.AddrPort) (netip.AddrPort, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, p := range m.plain {
		if Reachable(own.Addr(), p.Addr()) {
			return p, true
		}
	}
	return netip.AddrPort{}, false
}

// Reachable says whether who reaches one host reaches the other: both are the same, or one is all of them.
func Reachable(a, b netip.Addr) bool {
	return a == b || !a.IsValid() || !b.IsValid() || a.IsUnspecified() || b.IsUnspecified()
}

// hostOf is the host of two addresses that is one of them alone, and else "" for all.
func hostOf(a, b netip.Addr) string {
	for _, one := range []netip.Addr{a, b} {
		if one.IsValid() && !one.IsUnspecified() {
			return one.String()
		}
	}
	return ""
}
