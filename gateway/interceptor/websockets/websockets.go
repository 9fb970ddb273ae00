// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package websockets provides a limit on how many WebSockets one caller has open at a time.
//
// A WebSocket is a connection of its own, unlike the streams of HTTP/2, of which a connection has so many: so it is limited for itself, however few
// calls its rules of limits let through.
package websockets

import (
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

const (
	// DefaultMost is how many one caller may have open (threat F7).
	DefaultMost = 100
	// MaxMost is the most that can be configured.
	MaxMost = 1_000_000
	// rule is what answers and logs call the limit.
	rule = "websockets"
	// networkBits are how much of an address of IPv6 is its client's: whoever has one address has all of its /64.
	networkBits = 64
	// retry is when a client may try again: nobody knows when one of its WebSockets ends.
	retry = time.Second
)

// caller is who has WebSockets: an identity, or where nobody knows who it is, an address.
type caller struct {
	provider, tenant, subject string
	address                   netip.Addr
}

// Open counts the WebSockets that are open, by caller. It outlives limits, as WebSockets do: one that is lowered holds for those that were
// opened before. It is safe for concurrent use.
type Open struct {
	mu sync.Mutex
	by map[caller]int // none is 0; guarded by mu
}

// NewOpen returns a count of none.
func NewOpen() *Open { return &Open{by: map[caller]int{}} }

// Limit is how many one caller may have open. It is safe for concurrent use.
type Limit struct {
	most    int
	message string
	open    *Open
}

var (
	_ interceptor.Admitter = (*Limit)(nil)
	_ interceptor.Finisher = (*Limit)(nil)
)

// New returns a limit of so many of those that are open; 0 means DefaultMost.
func New(most int, open *Open) (*Limit, error) {
	if most == 0 {
		most = DefaultMost
	}
	if most < 0 || most > MaxMost {
		return nil, fmt.Errorf("max_websockets is %d; it must be 1 to %d", most, MaxMost)
	}
	return &Limit{most: most, message: "the limit of " + strconv.Itoa(most) + " WebSockets at a time is reached", open: open}, nil
}

// Admit counts a WebSocket; other calls it lets pass.
func (l *Limit) Admit(c *transcoder.Call) error {
	if c.Protocol != "websocket" {
		return nil
	}
	who := callerOf(c)
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	if l.open.by[who] >= l.most {
		return &status.Error{
			Code: codes.ResourceExhausted, Reason: status.ReasonTooManyInFlight, Message: l.message, RetryAfter: retry, Metadata: map[string]string{"rule": rule},
		}
	}
	l.open.by[who]++
	return nil
}

// Finish ends to count one.
func (l *Limit) Finish(c *transcoder.Call) {
	if c.Protocol != "websocket" {
		return
	}
	who := callerOf(c)
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	if l.open.by[who]--; l.open.by[who] <= 0 {
		delete(l.open.by, who)
	}
}

// callerOf says whose a call is.
func callerOf(c *transcoder.Call) caller {
	if id := c.Identity; id != nil {
		return caller{provider: id.Provider, tenant: id.Tenant, subject: id.Subject}
	}
	address := c.Client.Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(networkBits); err == nil {
			address = network.Addr()
		}
	}
	return caller{address: address}
}
