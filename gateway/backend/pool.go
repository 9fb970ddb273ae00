// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/balancer"
)

// Pool keeps backends across snapshots: a snapshot acquires what its configuration names and releases it when its
// last call is over. A backend that two snapshots name in the same words is one backend, and two that differ only in the endpoints that
// they list and in how calls are placed share their connections. It is safe for concurrent use.
type Pool struct {
	log *slog.Logger
	own atomic.Pointer[netip.AddrPort] // of the admin listener; nil before that is open

	mu       sync.Mutex
	members  map[string]*member // by fingerprint; guarded by mu
	channels map[string]*shared // by what is connected to; guarded by mu
}

// member is a backend and how many snapshots use it.
type member struct {
	backend *Backend
	uses    int
	on      string // the key of its channel
}

// shared is a channel and how many members use it.
type shared struct {
	channel *balancer.Channel
	listing *listing // nil where the endpoints are not listed
	uses    int
}

// NewPool returns an empty pool; its backends log to log.
func NewPool(log *slog.Logger) *Pool {
	return &Pool{log: log, members: map[string]*member{}, channels: map[string]*shared{}}
}

// Avoid keeps all backends from the address of the admin listener: what registries, DNS and files give as endpoints is not ours to trust with that
// (threat H8). Targets that name it are refused by the configuration.
func (p *Pool) Avoid(own netip.AddrPort) {
	own = netip.AddrPortFrom(own.Addr().Unmap(), own.Port())
	p.own.Store(&own)
}

// avoids says whether connections to an address end at the admin listener.
func (p *Pool) avoids(to netip.AddrPort) bool {
	own := p.own.Load()
	switch {
	case own == nil || own.Port() != to.Port():
		return false
	case own.Addr() == to.Addr() || to.Addr().IsUnspecified(): // which means this machine
		return true
	case !own.Addr().IsUnspecified():
		return false
	case to.Addr().IsLoopback():
		return true
	}
	addresses, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(addresses, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == to.Addr()
	})
}

// Acquire returns a backend for each configuration, by name, and the function that gives them back, which is to be called
// once. The error joins the problems of all configurations; nothing is acquired then.
func (p *Pool) Acquire(configs []Config) (map[string]*Backend, func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var (
		backends = make(map[string]*Backend, len(configs))
		held     []string
		errs     []error
	)
	for _, cfg := range configs {
		if backends[cfg.Name] != nil {
			errs = append(errs, fmt.Errorf("backend %q: the name is used twice", cfg.Name))
			continue
		}
		key := cfg.fingerprint()
		m := p.members[key]
		if m == nil {
			var err error
			if m, err = p.openLocked(cfg); err != nil {
				errs = append(errs, err)
				continue
			}
			p.members[key] = m
		}
		m.uses++
		held = append(held, key)
		backends[cfg.Name] = m.backend
	}
	if err := errors.Join(errs...); err != nil {
		p.releaseLocked(held)
		return nil, nil, err
	}
	return backends, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.releaseLocked(held)
	}), nil
}

// openLocked opens a backend, on connections that another has if there are any.
func (p *Pool) openLocked(cfg Config) (*member, error) {
	b, err := newBackend(cfg, p.log)
	if err != nil {
		return nil, err
	}
	m := &member{backend: b, on: cfg.connections()}
	s := p.channels[m.on]
	if s == nil {
		if s, err = b.open(p.log, p.avoids); err != nil {
			return nil, err
		}
		p.channels[m.on] = s
	}
	s.uses++
	b.use(s)
	return m, nil
}

// releaseLocked gives back one use of each; what nobody uses any more is closed.
func (p *Pool) releaseLocked(keys []string) {
	for _, key := range keys {
		m := p.members[key]
		if m.uses--; m.uses > 0 {
			continue
		}
		delete(p.members, key)
		s := p.channels[m.on]
		if s.uses--; s.uses > 0 {
			continue
		}
		delete(p.channels, m.on)
		if err := m.backend.Close(); err != nil {
			p.log.Warn("backend was closed with an error", slog.String("backend", m.backend.Name()), slog.Any("error", err))
		}
	}
}

// Len returns how many backends the pool holds.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.members)
}
