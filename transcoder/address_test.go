// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"net"
	"testing"
)

func TestTheTextOfAnAddressIsWhatTheAddressSaysAndIsMadeOnce(t *testing.T) { //nolint:paralleltest // the cache is the process's
	for _, a := range []net.Addr{
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80},
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1).To4(), Port: 80},
		&net.TCPAddr{IP: net.ParseIP("::1"), Port: 443},
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 443},
		&net.TCPAddr{Port: 443},
		&net.UnixAddr{Name: "/run/a.sock", Net: "unix"},
	} {
		for range 2 {
			if got := addressText(a); got != a.String() {
				t.Errorf("%#v: got %q, want %q", a, got, a.String())
			}
		}
	}
	a := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 81}
	addressText(a)
	if n := testing.AllocsPerRun(100, func() { addressText(a) }); n > 0 {
		t.Errorf("got %v allocations for an address that is known, want none", n)
	}
}

// However many addresses backends have, so many texts are kept.
func TestTheTextsOfAddressesAreBounded(t *testing.T) { //nolint:paralleltest // likewise
	defer addressTexts.Store(addressTexts.Load())
	for port := range maxAddressTexts + 10 {
		addressText(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: port})
	}
	if n := len(*addressTexts.Load()); n > maxAddressTexts {
		t.Errorf("got %d texts, want at most %d", n, maxAddressTexts)
	}
}
