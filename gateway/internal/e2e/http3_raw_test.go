// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// quicProbe is a client of HTTP/3 that says exactly what it is told to.
type quicProbe struct {
	t    testing.TB
	conn *quic.Conn
	path *path
}

// path is a client's way to the network, which can be cut.
type path struct {
	net.PacketConn
	cut atomic.Bool
}

func (p *path) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := p.PacketConn.ReadFrom(b)
		if err != nil || !p.cut.Load() {
			return n, from, err
		}
	}
}

func (p *path) WriteTo(b []byte, to net.Addr) (int, error) {
	if p.cut.Load() {
		return len(b), nil
	}
	return p.PacketConn.WriteTo(b, to)
}

// quicProbe opens a connection to the gateway until the test ends.
func (d *dragoman) quicProbe(t testing.TB) *quicProbe {
	t.Helper()
	p, err := d.tryQUIC(within(t), t)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tryQUIC is quicProbe where there may be no connection.
func (d *dragoman) tryQUIC(ctx context.Context, t testing.TB) (*quicProbe, error) {
	t.Helper()
	socket, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	way := &path{PacketConn: socket}
	transport := &quic.Transport{Conn: way}
	t.Cleanup(func() {
		_ = transport.Close()
		_ = socket.Close()
	})
	to, err := net.ResolveUDPAddr("udp", d.secure)
	if err != nil {
		t.Fatal(err)
	}
	config := trusting()
	config.NextProtos = []string{"h3"}
	conn, err := transport.Dial(ctx, to, config, &quic.Config{MaxIdleTimeout: time.Hour})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0x100, "") })
	control, err := conn.OpenUniStream()
	if err != nil {
		return nil, err
	}
	if _, err := control.Write([]byte{0x00, 0x04, 0x00}); err != nil { // its kind, and no settings
		return nil, err
	}
	return &quicProbe{t: t, conn: conn, path: way}, nil
}

// send opens a stream for a request and sends a head, whose fields alternate names and values, and pieces behind it.
func (p *quicProbe) send(end bool, method, target string, fields []string, pieces ...[]byte) *quic.Stream {
	p.t.Helper()
	var section bytes.Buffer
	e := qpack.NewEncoder(&section)
	fields = append([]string{":method", method, ":scheme", "https", ":authority", "x", ":path", target}, fields...)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(qpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return p.raw(end, append([][]byte{quicFrame(0x01, section.Bytes())}, pieces...)...)
}

// raw opens a stream and sends what it is given.
func (p *quicProbe) raw(end bool, pieces ...[]byte) *quic.Stream {
	p.t.Helper()
	str, err := p.conn.OpenStreamSync(within(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := str.Write(bytes.Join(pieces, nil)); err != nil {
		p.t.Fatal(err)
	}
	if end {
		_ = str.Close()
	}
	return str
}

// quicFrame makes a frame of HTTP/3.
func quicFrame(kind uint64, payload []byte) []byte {
	return append(quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload))), payload...)
}

// readH3 reads an answer: its status, its body, and the error with which it ended.
func readH3(r io.Reader) (status, body string, err error) {
	in := quicvarint.NewReader(r)
	for {
		kind, err := quicvarint.Read(in)
		if errors.Is(err, io.EOF) {
			return status, body, nil
		}
		var length uint64
		if err == nil {
			length, err = quicvarint.Read(in)
		}
		if err != nil {
			return status, body, err
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return status, body, err
		}
		switch {
		case kind == 0x00:
			body += string(payload)
		case kind == 0x01 && status == "":
			f, err := qpack.NewDecoder().Decode(payload)()
			if err != nil {
				return status, body, err
			}
			status = f.Value
		}
	}
}

// resetCode is the code with which a stream was reset by the gateway, 0 for anything else.
func resetCode(err error) uint64 {
	if e, ok := errors.AsType[*quic.StreamError](err); ok && e.Remote {
		return uint64(e.ErrorCode)
	}
	return 0
}
