// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"net"
	"sync"
)

// bounded is a listener with so many connections open at most. When they are, it does not accept: new
// clients wait in the kernel's queue, which costs nothing here.
type bounded struct {
	net.Listener
	places *places
	conns  *openConns
	adapt  func(net.Conn) // is given each connection first
}

func newBounded(l net.Listener, p *places, conns *openConns, adapt func(net.Conn)) *bounded {
	return &bounded{Listener: l, places: p, conns: conns, adapt: adapt}
}

func (l *bounded) Accept() (net.Conn, error) {
	if !l.places.await() {
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	// The place may be gone to a connection of HTTP/3 that came meanwhile; then this one waits here.
	if !l.places.take() {
		_ = c.Close()
		l.places.release()
		return nil, net.ErrClosed
	}
	l.adapt(c)
	speaker := l.conns.open()
	return &boundedConn{Conn: c, speaker: speaker, release: sync.OnceFunc(func() {
		speaker.close()
		l.places.release()
	})}, nil
}

func (l *bounded) Close() error {
	l.places.close()
	return l.Listener.Close()
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	speaker *speaker
	release func()
}

func (c *boundedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// Unwrap returns what is below, whose bytes are the same.
func (c *boundedConn) Unwrap() (net.Conn, bool) { return c.Conn, true }

// CloseWrite closes the connection for writing.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
