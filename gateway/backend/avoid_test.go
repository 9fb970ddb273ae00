// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"log/slog"
	"net/netip"
	"testing"
)

// Threat H8: whatever means the address of the admin listener is kept from.
func TestThreatH8_TheAdminListenerIsAvoided(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		own, to string
		avoided bool
	}{
		{"127.0.0.1:9901", "127.0.0.1:9901", true},
		{"127.0.0.1:9901", "127.0.0.1:9902", false}, // another port
		{"127.0.0.1:9901", "10.0.0.1:9901", false},  // another machine
		{"127.0.0.1:9901", "0.0.0.0:9901", true},    // connecting there connects here
		{"127.0.0.1:9901", "[::]:9901", true},
		{"[::ffff:127.0.0.1]:9901", "127.0.0.1:9901", true},
		{"[::]:9901", "127.0.0.1:9901", true}, // it listens on all
		{"[::]:9901", "[::1]:9901", true},
		{"0.0.0.0:9901", "192.0.2.7:9901", false}, // none of this machine's
	} {
		p := NewPool(slog.New(slog.DiscardHandler))
		if p.avoids(netip.MustParseAddrPort(row.to)) {
			t.Errorf("%s is avoided before there is anything to avoid", row.to)
		}
		p.Avoid(netip.MustParseAddrPort(row.own))
		if got := p.avoids(netip.MustParseAddrPort(row.to)); got != row.avoided {
			t.Errorf("admin at %s, endpoint %s: avoided %t; want %t", row.own, row.to, got, row.avoided)
		}
	}
}
