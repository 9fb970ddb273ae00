// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"net"
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
)

// spoken is what a connection speaks, as its first request says.
type spoken int32

// What a connection may speak.
const (
	spokenNothing spoken = iota // there was no request yet
	spokenHTTP1
	spokenHTTP2
	spokenWebSocket
	spokenCount
)

// String is a label of metrics.
func (s spoken) String() string {
	return [...]string{"new", "http1", "http2", "websocket"}[s]
}

// openConns counts the connections of TCP that are open by what they speak.
type openConns struct {
	by [spokenCount]atomic.Int64
}

// speaker is one of them.
type speaker struct {
	conns  *openConns
	speaks atomic.Int32
}

func (o *openConns) open() *speaker {
	o.by[spokenNothing].Add(1)
	return &speaker{conns: o}
}

// is tells what the connection speaks.
func (s *speaker) is(now spoken) {
	for before := s.speaks.Load(); before != closed && before != int32(now); before = s.speaks.Load() {
		if s.speaks.CompareAndSwap(before, int32(now)) {
			s.conns.by[before].Add(-1)
			s.conns.by[now].Add(1)
		}
	}
}

// closed is what a connection speaks that is closed. A request of it may still be there.
const closed = -1

// close is called once.
func (s *speaker) close() { s.conns.by[s.speaks.Swap(closed)].Add(-1) }

// speakerOf returns the speaker of a connection; nil where it is not one of ours.
func speakerOf(c net.Conn) *speaker {
	for {
		wrapped, ok := c.(interface{ NetConn() net.Conn }) // of TLS, and of the PROXY protocol
		if !ok {
			break
		}
		c = wrapped.NetConn()
	}
	if own, ok := c.(*boundedConn); ok {
		return own.speaker
	}
	return nil
}

// Connections returns how many connections are open, by what they speak: "http1", "http2", "http3" and "websocket", and "new" for those
// that have asked for nothing yet.
func (s *Server) Connections() map[string]int64 {
	found := map[string]int64{}
	for i := range s.conns.by {
		found[spoken(i).String()] = s.conns.by[i].Load() //nolint:gosec // there are few
	}
	if s.quic != nil {
		found["http3"] = int64(s.quic.open())
	}
	return found
}

// Certificates returns what the listener shows; none in clear text.
func (s *Server) Certificates() []Shown {
	if s.certs == nil {
		return nil
	}
	return s.certs.shownNow()
}

// Journal has what happened with the certificates that an authority gives; nil in clear text.
func (s *Server) Journal() *acme.Journal {
	if s.certs == nil {
		return nil
	}
	return s.certs.journal
}

// Authority is the directory of the authority that gives certificates; "" where none does.
func (s *Server) Authority() string {
	if s.certs == nil {
		return ""
	}
	if own := s.certs.current.Load().source; own != nil {
		return own.CA()
	}
	return ""
}
