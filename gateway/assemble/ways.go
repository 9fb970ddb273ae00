// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// ways are the ways to backends, one for each policy by which calls are made to one.
type ways struct {
	policies *policies
	made     map[way]*backend.Route
}

var _ gateway.Readiness = (*backend.Route)(nil)

type way struct {
	to     *backend.Backend
	policy *config.Policy
	method int // where calls are hedged: each method has a way of its own; else 0
}

func newWays(p *policies) *ways { return &ways{policies: p, made: map[way]*backend.Route{}} }

// of returns what is the same for all methods whose calls are made alike.
func (w *ways) of(m *transcoder.Method) way {
	key := way{policy: w.policies.of(m)}
	if key.policy.Hedge != nil {
		key.method = m.ID
	}
	return key
}

// to returns the way to a backend for the calls of a method.
func (w *ways) to(b *backend.Backend, m *transcoder.Method) *backend.Route {
	key := w.of(m)
	key.to = b
	if w.made[key] == nil {
		w.made[key] = b.Route(w.policies.calls[key.policy])
	}
	return w.made[key]
}
