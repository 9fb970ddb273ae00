// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websockets_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/websockets"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func call(protocol, address string, who *transcoder.Identity) *transcoder.Call {
	c := &transcoder.Call{Protocol: protocol, Identity: who}
	if address != "" {
		c.Client = netip.MustParseAddr(address)
	}
	return c
}

// Threat F7: each caller has so many; who is known counts as who they are, and who is not by address.
func TestThreatF7CallersAreCountedApart(t *testing.T) {
	t.Parallel()
	l, err := websockets.New(2, websockets.NewOpen())
	if err != nil {
		t.Fatal(err)
	}
	id := func(provider, tenant, subject string) *transcoder.Identity {
		return &transcoder.Identity{Provider: provider, Tenant: tenant, Subject: subject}
	}
	open := []*transcoder.Call{}
	for _, row := range []struct {
		name string
		call *transcoder.Call
		ok   bool
	}{
		{"alice", call("websocket", "10.0.0.1", id("p", "t", "alice")), true},
		{"alice from elsewhere", call("websocket", "10.0.0.2", id("p", "t", "alice")), true},
		{"alice once more", call("websocket", "10.0.0.3", id("p", "t", "alice")), false},
		{"alice by another protocol", call("grpc", "10.0.0.1", id("p", "t", "alice")), true},
		{"another alice", call("websocket", "10.0.0.1", id("p", "t2", "alice")), true},
		{"alice as another provider knows her", call("websocket", "10.0.0.1", id("q", "t", "alice")), true},
		{"names that are one when they are put together", call("websocket", "10.0.0.1", id("p", "", "talice")), true},
		{"nobody", call("websocket", "10.0.0.1", nil), true},
		{"nobody, as IPv6 has the address", call("websocket", "::ffff:10.0.0.1", nil), true},
		{"nobody once more", call("websocket", "10.0.0.1", nil), false},
		{"nobody from elsewhere", call("websocket", "10.0.0.2", nil), true},
		{"a network of IPv6", call("websocket", "2001:db8::1", nil), true},
		{"another address of it", call("websocket", "2001:db8::2:1", nil), true},
		{"and another one", call("websocket", "2001:db8:0:0:ffff::1", nil), false},
		{"another network", call("websocket", "2001:db8:0:1::1", nil), true},
		{"no address", call("websocket", "", nil), true},
	} {
		err := l.Admit(row.call)
		if (err == nil) != row.ok || err != nil && (status.ReasonOf(err) != status.ReasonTooManyInFlight || !strings.Contains(err.Error(), "2 WebSockets")) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil {
			open = append(open, row.call)
		}
	}
	for _, c := range open {
		l.Finish(c)
	}
	if n := l.Callers(); n != 0 {
		t.Errorf("%d callers are remembered who have nothing open", n)
	}
}

// Whoever comes at a time, no more are open than may be, and all places come back.
func TestManyAtATime(t *testing.T) {
	t.Parallel()
	const most = 10
	l, err := websockets.New(most, websockets.NewOpen())
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	places := make(chan struct{}, most)
	for range 50 {
		running.Go(func() {
			for range 1000 {
				c := call("websocket", "10.0.0.1", nil)
				if l.Admit(c) != nil {
					continue
				}
				select {
				case places <- struct{}{}:
				default:
					t.Error("more are open than may be")
				}
				<-places
				l.Finish(c)
			}
		})
	}
	running.Wait()
	if n := l.Callers(); n != 0 {
		t.Errorf("%d callers are remembered who have nothing open", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, most := range []int{-1, websockets.MaxMost + 1} {
		if _, err := websockets.New(most, websockets.NewOpen()); err == nil {
			t.Errorf("%d is taken", most)
		}
	}
}
