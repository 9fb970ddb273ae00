// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"maps"
	"net"
	"net/netip"
	"sync/atomic"
)

// maxAddressTexts is of how many addresses of backends the text is kept; that of further ones is made each time.
const maxAddressTexts = 1024

// addressTexts has the text of addresses that were seen: a call would make four strings for it.
var addressTexts atomic.Pointer[map[netip.AddrPort]string] //nolint:gochecknoglobals // a cache of what never changes

// addressText returns the text of a backend's address.
func addressText(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	key := tcp.AddrPort()
	known := addressTexts.Load()
	if known != nil {
		if text, ok := (*known)[key]; ok {
			return text
		}
	}
	text := a.String()
	next := map[netip.AddrPort]string{key: text}
	if known != nil {
		if len(*known) >= maxAddressTexts {
			return text
		}
		maps.Copy(next, *known)
	}
	addressTexts.CompareAndSwap(known, &next) // who comes second is kept the next time
	return text
}
