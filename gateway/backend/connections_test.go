// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

// Threat H1: a backend of one server has two connections to it, unless it is told how many it may have.
func TestThreatH1ConnectionsOfASingleServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  backend.Config
		want int
	}{
		{"by default", backend.Config{}, 2},
		{"one at most", backend.Config{MaxConnections: 1}, 1},
		{"one at least", backend.Config{MinConnections: 1}, 1},
		{"three at least", backend.Config{MinConnections: 3}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, c.cfg, newServer(t, echo))
			eventually(t, c.name, func() bool { return b.Channel().Endpoints()[0].Connections == c.want })
		})
	}
}
