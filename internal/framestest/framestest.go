// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package framestest provides tests of HTTP/2 with a peer that speaks in frames, be it the server or the client.
package framestest

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// Patience is how long something may take that comes at once.
const Patience = 20 * time.Second

// Large is a text of a mebibyte.
var Large = strings.Repeat("0123456789abcdef", 64<<10) //nolint:gochecknoglobals // a constant

// Peer is one end of a connection, whose other end is what a test is of.
type Peer struct {
	testing.TB

	// Socket is its end, and Framer writes to it and reads from it. It may write what no peer should.
	Socket net.Conn
	Framer *http2.Framer

	encoder *hpack.Encoder
	section bytes.Buffer
}

// NewPeer returns the peer that has an end of a connection.
func NewPeer(t testing.TB, socket net.Conn) *Peer {
	p := &Peer{TB: t, Socket: socket, Framer: http2.NewFramer(socket, socket)}
	p.Framer.ReadMetaHeaders = hpack.NewDecoder(frames.TableSize, nil)
	p.Framer.AllowIllegalWrites = true
	p.encoder = hpack.NewEncoder(&p.section)
	return p
}

// Fields encodes a head: pairs of names and values.
func (p *Peer) Fields(pairs ...string) []byte {
	p.section.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = p.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // its errors are those of a buffer
	}
	return bytes.Clone(p.section.Bytes())
}

// Headers sends a head, or trailers.
func (p *Peer) Headers(stream uint32, end bool, block []byte) {
	p.Helper()
	p.Must(p.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: end, EndHeaders: true}))
}

// Raw writes bytes.
func (p *Peer) Raw(b ...byte) {
	p.Helper()
	_, err := p.Socket.Write(b)
	p.Must(err)
}

// Must fails the test because of an error.
func (p *Peer) Must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// Until reads frames up to one of a kind. The test fails if the connection ends because of an error.
func Until[F http2.Frame](p *Peer) F {
	p.Helper()
	for {
		f, err := p.Framer.ReadFrame()
		if err != nil {
			var none F
			p.Fatalf("waiting for a %T: %v", none, err)
		}
		if wanted, ok := f.(F); ok {
			return wanted
		}
		if away, ok := f.(*http2.GoAwayFrame); ok && away.ErrCode != http2.ErrCodeNo {
			p.Fatalf("the connection ends: %s %q", away.ErrCode, away.DebugData())
		}
	}
}

// Pair returns both ends of a connection on loopback.
func Pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// Eventually waits for what must come.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(Patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
