// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolvertest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// udpSize is the largest answer that DNS sends in one packet; longer ones are fetched by TCP.
const udpSize = 1232

// DNS is a DNS server on loopback that answers every name alike. It is safe for concurrent use.
type DNS struct {
	address string

	mu      sync.Mutex
	addrs   []netip.Addr
	code    map[dnsmessage.Type]dnsmessage.RCode
	silent  map[dnsmessage.Type]bool
	queries int
}

// NewDNS starts a server that answers with addrs. It is stopped when the test ends.
func NewDNS(tb testing.TB, addrs ...netip.Addr) *DNS {
	tb.Helper()
	udp, tcp := listen(tb)
	d := &DNS{address: udp.LocalAddr().String()}
	d.Answer(addrs...)
	var conns sync.WaitGroup
	conns.Go(func() { d.serveUDP(udp) })
	conns.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { d.serveTCP(conn) })
		}
	})
	tb.Cleanup(func() {
		_ = udp.Close()
		_ = tcp.Close()
		conns.Wait()
	})
	return d
}

// listen opens the same port for UDP and TCP.
func listen(tb testing.TB) (net.PacketConn, net.Listener) {
	tb.Helper()
	var lc net.ListenConfig
	var last error
	for range 20 {
		udp, err := lc.ListenPacket(tb.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		tcp, err := lc.Listen(tb.Context(), "tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		last = err
		_ = udp.Close()
	}
	tb.Fatal(last)
	return nil, nil
}

// Address returns the server's "host:port".
func (d *DNS) Address() string { return d.address }

// Answer makes the server answer with addrs from now on; none is a name without addresses.
func (d *DNS) Answer(addrs ...netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addrs, d.code, d.silent = addrs, map[dnsmessage.Type]dnsmessage.RCode{}, map[dnsmessage.Type]bool{}
}

// Fail makes the server answer questions of these types, or all when none is named, with code, such
// as dnsmessage.RCodeNameError, until Answer.
func (d *DNS) Fail(code dnsmessage.RCode, types ...dnsmessage.Type) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(types) == 0 {
		types = []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	}
	for _, t := range types {
		d.code[t] = code
	}
}

// Silence makes the server leave questions of these types without an answer, until Answer.
func (d *DNS) Silence(types ...dnsmessage.Type) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range types {
		d.silent[t] = true
	}
}

// Queries returns how many questions have come.
func (d *DNS) Queries() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queries
}

func (d *DNS) serveUDP(c net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n], udpSize); answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

func (d *DNS) serveTCP(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		answer := d.answer(query, 1<<16-1)
		if answer == nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// answer returns the reply to query, or nil for none.
func (d *DNS) answer(query []byte, limit int) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	d.mu.Lock()
	d.queries++
	addrs, code, silent := slices.Clone(d.addrs), d.code[q.Type], d.silent[q.Type]
	d.mu.Unlock()
	if silent {
		return nil
	}
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: head.ID, Response: true, Authoritative: true,
			RecursionDesired: head.RecursionDesired, RecursionAvailable: true, RCode: code,
		},
		Questions: []dnsmessage.Question{q},
	}
	if code == dnsmessage.RCodeSuccess {
		m.Answers = records(q, addrs)
	}
	out, err := m.Pack()
	if err == nil && len(out) > limit {
		m.Truncated, m.Answers = true, nil
		out, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return out
}

// records returns the addresses that answer q, with a TTL of zero.
func records(q dnsmessage.Question, addrs []netip.Addr) []dnsmessage.Resource {
	var out []dnsmessage.Resource
	for _, a := range addrs {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET}
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			out = append(out, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			out = append(out, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return out
}
