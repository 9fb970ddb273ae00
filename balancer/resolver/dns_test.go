// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func cancelled(tb testing.TB) (context.Context, context.CancelFunc) {
	tb.Helper()
	return context.WithCancel(tb.Context())
}

func ips(tb testing.TB, list ...string) []netip.Addr {
	tb.Helper()
	out := make([]netip.Addr, len(list))
	for i, s := range list {
		a, err := netip.ParseAddr(s)
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = a
	}
	return out
}

func dns(tb testing.TB, server *resolvertest.DNS) resolver.Source {
	tb.Helper()
	s, err := resolver.ParseTarget("dns://" + server.Address() + "/backend.test.:50051")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func lookup(tb testing.TB, s resolver.Source) ([]string, error) {
	tb.Helper()
	es, err := s.Lookup.Lookup(tb.Context())
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = e.Address()
	}
	return out, err
}

// Fault 29: each way in which DNS fails keeps the last good answer, and a change is followed.
func TestFault29DNS(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*resolvertest.DNS){
		"NXDOMAIN": func(d *resolvertest.DNS) { d.Fail(dnsmessage.RCodeNameError) },
		"SERVFAIL": func(d *resolvertest.DNS) { d.Fail(dnsmessage.RCodeServerFailure) },
		"REFUSED":  func(d *resolvertest.DNS) { d.Fail(dnsmessage.RCodeRefused) },
		"timeout":  func(d *resolvertest.DNS) { d.Silence(dnsmessage.TypeA, dnsmessage.TypeAAAA) },
		"empty":    func(d *resolvertest.DNS) { d.Answer() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
				tb.Helper()
				server := resolvertest.NewDNS(tb, ips(tb, "10.0.0.1", "fd00::1")...)
				round := 1
				return resolvertest.Fixture{
					Source:    dns(tb, server),
					Addresses: []string{"10.0.0.1:50051", "[fd00::1]:50051"},
					Set: func(tb testing.TB) []string {
						tb.Helper()
						round++
						v4, v6 := fmt.Sprintf("10.0.0.%d", round), fmt.Sprintf("fd00::%d", round)
						server.Answer(ips(tb, v4, v6)...)
						return []string{v4 + ":50051", "[" + v6 + "]:50051"}
					},
					Break: func(testing.TB) { fail(server) },
				}
			})
		})
	}
}

// Fault 29: five hundred addresses do not fit a packet, and all of them count.
func TestFault29DNSManyAnswers(t *testing.T) {
	t.Parallel()
	addrs := make([]netip.Addr, 500)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{10, 1, byte(i / 250), byte(i%250 + 1)})
	}
	got, err := lookup(t, dns(t, resolvertest.NewDNS(t, addrs...)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(addrs) {
		t.Errorf("%d endpoints of %d addresses", len(got), len(addrs))
	}
}

func TestDNSFamilies(t *testing.T) {
	t.Parallel()
	server := resolvertest.NewDNS(t, ips(t, "10.0.0.1", "fd00::1")...)
	for family, want := range map[resolver.Family]string{
		"":            "10.0.0.1:1 [fd00::1]:1",
		resolver.IPv4: "10.0.0.1:1",
		resolver.IPv6: "[fd00::1]:1",
	} {
		d, err := resolver.NewDNS(resolver.DNSConfig{Host: "x.test.", Port: 1, Server: server.Address(), Family: family})
		if err != nil {
			t.Fatal(err)
		}
		got, err := lookup(t, resolver.Source{Lookup: d})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("family %q: %v, %v; want %s", family, got, err, want)
		}
	}
}

// One family's question that fails must not remove that family's endpoints; a name that has lost
// its records must.
func TestDNSKeepsTheFamilyThatDidNotAnswer(t *testing.T) {
	t.Parallel()
	server := resolvertest.NewDNS(t, ips(t, "10.0.0.1", "fd00::1", "fd00::2")...)
	s := dns(t, server)
	if _, err := lookup(t, s); err != nil {
		t.Fatal(err)
	}
	server.Answer(ips(t, "10.0.0.2")...)
	server.Fail(dnsmessage.RCodeServerFailure, dnsmessage.TypeAAAA)
	got, err := lookup(t, s)
	if want := "10.0.0.2:50051 [fd00::1]:50051 [fd00::2]:50051"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("while AAAA fails: %v, %v; want %s", got, err, want)
	}
	server.Answer(ips(t, "10.0.0.2")...)
	got, err = lookup(t, s)
	if want := "10.0.0.2:50051"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("when AAAA records are gone: %v, %v; want %s", got, err, want)
	}
}

func TestNewDNSRefuses(t *testing.T) {
	t.Parallel()
	_, err := resolver.NewDNS(resolver.DNSConfig{Host: "a b", Server: "x:y:z", Family: "ip5"})
	if err == nil {
		t.Fatal("want an error")
	}
	for _, want := range []string{"host is \"a b\"", "port is 0", "server is \"x:y:z\"", "family is \"ip5\""} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestDNSOfAnAddress(t *testing.T) {
	t.Parallel()
	d, err := resolver.NewDNS(resolver.DNSConfig{Host: "127.0.0.1", Port: 9})
	if err != nil {
		t.Fatal(err)
	}
	es, err := d.Lookup(t.Context())
	if err != nil || len(es) != 1 || !es[0].Equal(at(t, "127.0.0.1:9")) {
		t.Errorf("got %v, %v", es, err)
	}
}
