// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

var _ transcoder.Upgrader = (*exchange)(nil)

// errNoUpgrade says that a connection cannot change its protocol.
var errNoUpgrade = errors.New("the connection cannot change its protocol")

// Upgrade makes the connection a WebSocket. The library that speaks it is made for net/http.
func (x *exchange) Upgrade(subprotocol string, header wire.Header, limit int64) (transcoder.Socket, error) {
	if !x.takeOver() {
		_ = x.Write(&transcoder.Out{Status: http.StatusBadRequest, End: transcoder.EndClean}) // the client may be gone
		return nil, errNoUpgrade
	}
	r := &http.Request{Method: x.request.Method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: x.head.minor, Host: x.request.Authority, Header: http.Header{}}
	for _, f := range x.request.Header {
		r.Header.Add(f.Name, f.Value)
	}
	w := &upgrading{exchange: x, header: http.Header{}}
	socket, err := nethttp.Upgrade(w, r, subprotocol, header, limit, x.conn.config.Load().WriteStall)
	if err != nil {
		w.refuse()
		return nil, err
	}
	return socket, nil
}

// takeOver has the connection's goroutine read no more.
func (x *exchange) takeOver() bool {
	c := x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !x.received || x.headed || c.deaf {
		return false
	}
	c.deaf, x.close = true, true
	_ = c.socket.SetReadDeadline(time.Unix(1, 0)) // it fails when the socket is closed, and so does what comes next
	for c.waits {
		c.cond.Wait()
	}
	// What was set to read the request must not end the conversation.
	_ = c.socket.SetDeadline(time.Time{})
	return c.out.failed == nil
}

// upgrading is the exchange as the library wants it.
type upgrading struct {
	exchange *exchange
	header   http.Header
	status   int
	body     bytes.Buffer
}

var _ http.Hijacker = (*upgrading)(nil)

func (u *upgrading) Header() http.Header { return u.header }

func (u *upgrading) WriteHeader(status int) { u.status = status }

func (u *upgrading) Write(p []byte) (int, error) { return u.body.Write(p) }

// Hijack switches protocols.
func (u *upgrading) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x, c := u.exchange, u.exchange.conn
	var answer bytes.Buffer
	answer.Write(appendStatus(nil, 1, u.status))
	_ = u.header.Write(&answer) // a buffer takes everything
	answer.WriteString("\r\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	x.headed, x.upgraded = true, true
	c.out.pending = append(c.out.roomFor(answer.Len()), answer.Bytes()...)
	if err := c.push(nil); err != nil {
		return nil, nil, err
	}
	_ = c.socket.SetWriteDeadline(time.Time{}) // the library has its own
	socket := c.handOver()
	return socket, bufio.NewReadWriter(bufio.NewReader(socket), bufio.NewWriter(socket)), nil
}

// refuse answers with what the library has said.
func (u *upgrading) refuse() {
	if u.exchange.upgraded {
		return
	}
	var header wire.Header
	for name, values := range u.header {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	// The client may be gone.
	_ = u.exchange.Write(&transcoder.Out{
		Status: u.status, Header: header, Data: mem.BufferSlice{mem.SliceBuffer(u.body.Bytes())}, End: transcoder.EndClean,
	})
}

// preface is what a client sends first that speaks HTTP/2 without having asked (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// preface serves a connection on which HTTP/2 is spoken; it reports whether it is.
func (c *Conn) preface() (bool, error) {
	for {
		b := c.in.bytes()
		n := min(len(b), len(preface))
		if string(b[:n]) != preface[:n] {
			return false, nil
		}
		if n == len(preface) {
			break
		}
		if err := c.more(); err != nil {
			return false, err
		}
	}
	c.in.used(len(preface))
	_ = c.socket.SetReadDeadline(time.Time{}) // it fails when the socket is closed, and so does what comes next
	c.config.Load().HTTP2(c.handOver())
	return true, nil
}

// handOver returns the socket to one who reads it from now on.
func (c *Conn) handOver() net.Conn {
	defer c.in.free()
	if len(c.in.bytes()) == 0 {
		return c.socket
	}
	return &aheadConn{Conn: c.socket, ahead: bytes.Clone(c.in.bytes())}
}

// aheadConn is a connection of which something was read already. Read is called from one goroutine at a time.
type aheadConn struct {
	net.Conn
	ahead []byte
}

// NetConn returns what it wraps.
func (a *aheadConn) NetConn() net.Conn { return a.Conn }

// CloseWrite closes the connection for writing.
func (a *aheadConn) CloseWrite() error {
	if half, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Read reads what was read already, and then what comes.
func (a *aheadConn) Read(p []byte) (int, error) {
	if len(a.ahead) == 0 {
		a.ahead = nil
		return a.Conn.Read(p)
	}
	n := copy(p, a.ahead)
	a.ahead = a.ahead[n:]
	return n, nil
}
