// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
)

// byBalancer lets connections from this machine begin with a header.
func byBalancer(cfg *config.Config) {
	cfg.Listeners[0].ProxyProtocol = &proxyprotocol.Config{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
}

// textHeader is what a balancer says of a client over IPv4, in version 1.
func textHeader(client string) string {
	return "PROXY TCP4 " + client + " 127.0.0.1 4711 443\r\n"
}

// binaryHeader is the same in version 2, with the name of a host behind it.
func binaryHeader(client string) string {
	h := []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11")
	h = binary.BigEndian.AppendUint16(h, 12+3+4)
	h = append(h, netip.MustParseAddr(client).AsSlice()...)
	return string(append(h, "\x7f\x00\x00\x01\x12\x67\x01\xbb\x02\x00\x04host"...))
}

// balancer is a balancer of TCP in front of a gateway: what it sends first on each connection is its own.
type balancer struct {
	address string
	mu      sync.Mutex
	header  string                // guarded by mu, as is all below
	open    map[net.Conn]struct{} // connections of clients
}

// says sets what connections begin with, and ends those that have begun.
func (b *balancer) says(header string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.header = header
	for c := range b.open {
		_ = c.Close()
	}
	clear(b.open)
}

// balance puts a balancer in front of an address.
func balance(t testing.TB, to string) *balancer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: l.Addr().String(), open: map[net.Conn]struct{}{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.join(near, to) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		b.says("")
		all.Wait()
	})
	return b
}

// join moves what both sides of a connection say until one of them ends.
func (b *balancer) join(near net.Conn, to string) {
	defer func() { _ = near.Close() }()
	far, err := (&net.Dialer{}).Dial("tcp", to)
	if err != nil {
		return
	}
	b.mu.Lock()
	header := b.header
	b.open[near] = struct{}{}
	b.mu.Unlock()
	if _, err := io.WriteString(far, header); err == nil {
		go func() {
			_, _ = io.Copy(far, near)
			_ = far.Close()
		}()
		_, _ = io.Copy(near, far)
	}
	_ = far.Close()
}

// Threats B11 and A14: whom a balancer names is the client in every protocol: in the log, at the backend and in the key of a limit.
func TestThreatB11BalancersNameTheClient(t *testing.T) {
	t.Parallel()
	const most = 2
	d := start(t, func(cfg *config.Config) {
		byBalancer(cfg)
		limitTo(config.LimitRule{Name: "each", Match: config.AllMethods(), Key: "client.address+method", Limit: perDay(most)})(cfg)
	})
	b := balance(t, d.address)
	d.address = b.address
	for i, w := range ways {
		if strings.HasSuffix(w.name, "HTTP/3") {
			continue // over which there is no such header
		}
		for version, header := range map[int]func(string) string{1: textHeader, 2: binaryHeader} {
			client := fmt.Sprintf("192.0.2.%d", 10*i+version)
			b.says(header(client))
			for n := range most + 1 {
				id := fmt.Sprintf("balanced-%d-%d-%d", i, version, n)
				// What a client says itself does not count: the balancer is no trusted proxy, and neither is who it names.
				got, _ := d.decide(t, w, canaryEcho, id, "x-forwarded-for", "203.0.113.9", "forwarded", "for=203.0.113.9")
				want := decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}
				if n == most {
					want = decision{Code: "RESOURCE_EXHAUSTED", Reason: "rate_limited", RPC: "Echo"}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s, version %d, call %d:\n got %+v\nwant %+v", w.name, version, n, got, want)
				}
				if r := d.access.await(t, id); r.Client != client {
					t.Errorf("%s, version %d: the log has the client %s; want %s", w.name, version, r.Client, client)
				}
				if chain := metadataOf(d.backend.Last(canaryEcho), "x-forwarded-for"); !slices.Equal(chain, []string{client}) {
					t.Errorf("%s, version %d: the backend is told of %q; want %s", w.name, version, chain, client)
				}
			}
		}
	}
}

// With TLS the header comes before the handshake; and a proxy that the balancer names is one of trusted_proxies like any other.
func TestBalancersInFrontOfTLSAndProxies(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		byBalancer(cfg)
		cfg.Listeners[0].TLS, cfg.Listeners[0].Protocols = identityFiles(t), []string{transport.HTTP1, transport.HTTP2}
		cfg.Listeners[0].TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	b := balance(t, d.address)
	for _, tt := range []struct{ reason, header, want string }{
		{"a client that only says so", textHeader("192.0.2.7"), "192.0.2.7"},
		{"a proxy's client", binaryHeader("10.1.1.1"), "203.0.113.9"},
		{"nobody is named", "PROXY UNKNOWN\r\n", "127.0.0.1"},
	} {
		b.says(tt.header)
		for _, h2 := range []bool{false, true} {
			protocols := new(http.Protocols)
			protocols.SetHTTP1(!h2)
			protocols.SetHTTP2(h2)
			c := &client{base: "https://" + b.address, http: &http.Client{Transport: &http.Transport{
				TLSClientConfig: trusting(), Protocols: protocols, DisableKeepAlives: true,
			}}}
			id := fmt.Sprintf("tls-%t-%s", h2, strings.NewReplacer(" ", "-", "'", "-").Replace(tt.reason))
			a := c.do(t, c.request(t, "GET", "/canary/v1/echo", "", "x-request-id", id, "x-forwarded-for", "203.0.113.9"))
			if r := d.access.await(t, id); a.status != 200 || r.Client != tt.want {
				t.Errorf("%s, HTTP/2 %t: %d from %s; want %s", tt.reason, h2, a.status, r.Client, tt.want)
			}
		}
	}
}

// Who is no balancer and sends a header all the same is not listened to, and a balancer's connection without one is closed: nobody chooses his
// address.
func TestThreatB11HeadersOfOthers(t *testing.T) {
	t.Parallel()
	const request = "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct{ reason, from, sent, want string }{
		{"a balancer", "127.0.0.1", textHeader("192.0.2.7") + request, "HTTP/1.1 200"},
		{"another, without a header", "127.0.0.2", request, "HTTP/1.1 200"},
		{"another, with one of version 1", "127.0.0.2", textHeader("192.0.2.7") + request, "HTTP/1.1 400"},
		{"another, with one of version 2", "127.0.0.2", binaryHeader("192.0.2.7") + request, "HTTP/1.1 400"},
		{"a balancer, without", "127.0.0.1", request, ""},
		{"a balancer, twice", "127.0.0.1", textHeader("192.0.2.7") + textHeader("192.0.2.8") + request, "HTTP/1.1 400"},
		{"a balancer, with one that is wrong", "127.0.0.1", "PROXY TCP4 192.0.2.7 127.0.0.1 x 443\r\n" + request, ""},
	} {
		t.Run(strings.ReplaceAll(tt.reason, " ", "_"), func(t *testing.T) {
			t.Parallel()
			d := start(t, byBalancer)
			arrived := d.arrivals(func() {
				c := d.socketBy(t, &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tt.from), 0))})
				_, _ = io.WriteString(c, tt.sent)
				answer, _ := io.ReadAll(c) // a connection that is closed before all was read is reset
				if !strings.HasPrefix(string(answer), tt.want) || tt.want == "" && len(answer) > 0 {
					t.Errorf("%q; want %q", answer, tt.want)
				}
			})
			if want := strings.HasSuffix(tt.want, "200"); (len(arrived) == 1) != want {
				t.Errorf("calls that arrived: %v; want one: %t", arrived, want)
			}
		})
	}
	t.Run("a_handshake_behind_another's_header", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(cfg *config.Config) {
			byBalancer(cfg)
			cfg.Listeners[0].TLS, cfg.Listeners[0].Protocols = identityFiles(t), []string{transport.HTTP1}
		})
		c := d.socketBy(t, &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0"))})
		_, _ = io.WriteString(c, textHeader("192.0.2.7"))
		if err := tls.Client(c, trusting()).HandshakeContext(within(t)); err == nil {
			t.Error("there was a handshake")
		}
	})
}
