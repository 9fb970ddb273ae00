// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// ways are the ways to backends, one for each policy by which calls are made to one.
type ways struct {
	policies *policies
	made     map[way]*backend.Route
}

type way struct {
	to     *backend.Backend
	policy *config.Policy
}

func newWays(p *policies) *ways { return &ways{policies: p, made: map[way]*backend.Route{}} }

// to returns the way to a backend for the calls of a method.
func (w *ways) to(b *backend.Backend, m *transcoder.Method) *backend.Route {
	key := way{b, w.policies.of(m)}
	if w.made[key] == nil {
		w.made[key] = b.Route(w.policies.calls[key.policy])
	}
	return w.made[key]
}
