// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proxyprotocol

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// firstRead is the size of the first piece that is read: most headers come in it, and with them the beginning of the request.
const firstRead = 512

// readHeader reads a header, and what came behind it.
func readHeader(r io.Reader) (h Header, rest []byte, err error) {
	buf := make([]byte, 0, firstRead)
	for {
		if len(buf) == cap(buf) { // it never is MaxSize: a header has been found by then, or refused
			buf = append(make([]byte, 0, MaxSize), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		h, size, bad := parse(buf)
		switch {
		case bad != nil:
			return Header{}, nil, bad
		case size > 0:
			return h, buf[size:], nil
		case errors.Is(err, io.EOF):
			return Header{}, nil, fmt.Errorf("the connection ended after %d bytes of the header: %w", len(buf), io.ErrUnexpectedEOF)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return Header{}, nil, fmt.Errorf("the header did not come in time: %w", err)
		case err != nil:
			return Header{}, nil, err
		}
	}
}

// conn is a connection whose header was read. Read is called from one goroutine at a time, and Unwrap from that one.
type conn struct {
	net.Conn
	rest   []byte // what came behind the header and was not read yet
	remote net.Addr
}

// RemoteAddr returns the client's address, as the balancer has said it.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// NetConn returns the connection to the balancer.
func (c *conn) NetConn() net.Conn { return c.Conn }

// Unwrap returns the connection to the balancer, and whether nothing was read ahead of it.
func (c *conn) Unwrap() (net.Conn, bool) { return c.Conn, len(c.rest) == 0 }

// CloseWrite closes the connection for writing.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Read reads what is behind the header.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		c.rest = nil
		return c.Conn.Read(p)
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
