// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc"
	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	grpcresolver "google.golang.org/grpc/resolver"
)

// drop gives a connection up, for another to the same address.
func (s *script) drop(sub grpcbalancer.SubConn, a grpcresolver.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(other grpcbalancer.SubConn) bool { return other == sub }
	s.ready, s.live = slices.DeleteFunc(s.ready, is), slices.DeleteFunc(s.live, is)
	s.replace()
	sub.Shutdown()
	s.connect(a)
}

// firstReady waits until a connection is ready, and returns it.
func (s *script) firstReady(tb testing.TB) (sub grpcbalancer.SubConn) {
	tb.Helper()
	until(tb, "ready", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.ready) > 0 {
			sub = s.ready[0]
		}
		return sub != nil
	})
	return sub
}

// Calls that are under way on a connection that the balancer gives up go on to their end, and others do not come to it; when the last has ended, the
// connection is closed.
func TestShutdownLetsCallsEnd(t *testing.T) {
	t.Parallel()
	for _, side := range sides {
		for i := range kinds {
			k := &kinds[i]
			type asked struct {
				c  *conn
				id uint32
			}
			requests := make(chan asked, 1)
			s := newServer(t, &server{ended: func(c *conn, r *request) { requests <- asked{c, r.id} }})
			c := side.open(t, to(s.address))
			sub := c.script.firstReady(t)
			var first, second *outcome
			var calls sync.WaitGroup
			calls.Go(func() { first = k.do(t.Context(), c) })
			one := <-requests
			c.script.drop(sub, grpcresolver.Address{Addr: s.address})
			calls.Go(func() { second = k.do(t.Context(), c) })
			other := <-requests
			if one.c == other.c {
				t.Errorf("%s: %s: a call came to a connection that was given up", side.name, k.name)
			}
			answering("one")(one.c, one.id)
			answering("other")(other.c, other.id)
			calls.Wait()
			if !slices.Equal(first.Messages, []string{"one"}) || !slices.Equal(second.Messages, []string{"other"}) || first.Wrong+second.Wrong != 0 {
				t.Errorf("%s: %s: got %v %q and %v %q", side.name, k.name, first.Code, first.Messages, second.Code, second.Messages)
			}
			until(t, "closed", func() bool {
				n := 0
				s.each(func(*conn) { n++ })
				return n == 1
			})
		}
	}
}

// An attempt to connect that is given up ends, and the balancer hears no more of it.
func TestShutdownBeforeReady(t *testing.T) {
	t.Parallel()
	quiet := newServer(t, &server{quiet: true})
	s := &script{}
	openEngine(t, setup{addresses: to(quiet.address).addresses, script: s})
	until(t, "accepted", func() bool { n := 0; quiet.each(func(*conn) { n++ }); return n == 1 })
	s.mu.Lock()
	sub := s.live[0]
	s.closed = true // it makes no other
	s.mu.Unlock()
	sub.Shutdown()
	until(t, "closed", func() bool { n := 0; quiet.each(func(*conn) { n++ }); return n == 0 })
	sub.Connect()
	sub.Shutdown() // again
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.states, []connectivity.State{connectivity.Connecting}) {
		t.Errorf("the balancer hears %v", s.states)
	}
}

// producer builds what calls over one connection.
type producer struct {
	cc grpc.ClientConnInterface
}

func (p *producer) Build(cc any) (grpcbalancer.Producer, func()) {
	p.cc, _ = cc.(grpc.ClientConnInterface)
	return p, func() { p.cc = nil }
}

// What is built for a connection calls over this one alone, without the balancer; when it is gone, calls fail and wait for no other.
func TestProducer(t *testing.T) {
	t.Parallel()
	for _, side := range sides {
		serve := func(c *conn, r *request) { answering(fmt.Sprint(c.number))(c, r.id) }
		s := newServer(t, &server{ended: serve})
		c := side.open(t, to(s.address, s.address))
		sub := c.script.firstReady(t)
		p := &producer{}
		built, stop := sub.GetOrBuildProducer(p)
		if built != p || p.cc == nil {
			t.Fatalf("%s: built %v for %v", side.name, built, p.cc)
		}
		over := &channel{ClientConnInterface: p.cc, script: c.script, method: method, request: "request"}
		number := ""
		for i := range kinds {
			k := &kinds[i]
			if side.name == "grpc" && k.desc == nil {
				continue // gRPC's has streams alone
			}
			o := k.do(t.Context(), over)
			if o.Code != codes.OK || len(o.Messages) != 1 || number != "" && o.Messages[0] != number || o.Done != nil {
				t.Errorf("%s: %s: %v %s, messages %q of %q, the balancer is told %v", side.name, k.name, o.Code, o.Text, o.Messages, number, o.Done)
				continue
			}
			number = o.Messages[0]
		}
		s.each(func(c *conn) {
			if fmt.Sprint(c.number) == number {
				c.close()
			}
		})
		until(t, "failing", func() bool { return kinds[4].do(t.Context(), over).Code == codes.Unavailable })
		stop()
	}
}

// Limits of a server are told before its connection is in use, those of others never.
func TestLimited(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settings []xhttp2.Setting
		want     []uint32
	}{
		"none":    {},
		"a limit": {settings: []xhttp2.Setting{{ID: xhttp2.SettingMaxConcurrentStreams, Val: 7}}, want: []uint32{7}},
		"many":    {settings: []xhttp2.Setting{{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1<<32 - 1}}, want: []uint32{1<<32 - 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, &server{settings: tt.settings, ended: func(c *conn, r *request) { answering("one")(c, r.id) }})
			set := to(s.address)
			set.script = &script{}
			var told []uint32
			set.limited = func(a grpcresolver.Address, streams uint32) {
				set.script.mu.Lock()
				defer set.script.mu.Unlock()
				if a.Addr != s.address || slices.Contains(set.script.states, connectivity.Ready) {
					t.Errorf("told of %s after %v", a.Addr, set.script.states)
				}
				told = append(told, streams)
			}
			c := openEngine(t, set)
			if o := kinds[0].do(t.Context(), c); o.Code != codes.OK {
				t.Errorf("%v %s", o.Code, o.Text)
			}
			set.script.mu.Lock()
			defer set.script.mu.Unlock()
			if !slices.Equal(told, tt.want) {
				t.Errorf("told %v; it must be %v", told, tt.want)
			}
		})
	}
}

// A server that finds that it is asked for signs of life too often is asked half as often from then on: once for all connections that were as
// impatient, and once more for each that still is.
func TestTooManyPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		var mu sync.Mutex
		pinged := map[int]time.Time{}
		s := pipes(t, &server{pinged: func(c *conn) {
			mu.Lock()
			defer mu.Unlock()
			pinged[c.number] = time.Now()
		}})
		set := to("one", "two")
		set.dial, set.ping = s.dial, interval
		c := openEngine(t, set)
		number := 0
		for _, want := range []time.Duration{interval, 2 * interval, 4 * interval} {
			synctest.Wait()
			began := time.Now()
			for range 2 {
				if _, err := c.NewStream(t.Context(), kinds[4].desc, method, grpc.WaitForReady(true)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(want + interval/2) // of the bubble's clock
			synctest.Wait()
			mu.Lock()
			for i := number + 1; i <= number+2; i++ {
				if after := pinged[i].Sub(began); after < want || after > want+time.Second {
					t.Errorf("connection %d is asked after %v; it must be %v", i, after, want)
				}
			}
			mu.Unlock()
			number += 2
			s.each(func(c *conn) { c.goAway(1<<31-1, xhttp2.ErrCodeEnhanceYourCalm, "too_many_pings") })
			synctest.Wait()
			s.each(func(c *conn) { // the old connections
				if c.number <= number {
					c.close()
				}
			})
		}
	})
}
