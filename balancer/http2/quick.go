// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"net"
	"syscall"
)

const (
	// quickRecord is how much is written to a socket that encrypts by those who do not wait: what leaves it as one record.
	quickRecord = 16 << 10
	// quickUnread is how much a server may not have read yet for such a socket to take a record without being asked: it holds more than that.
	quickUnread = 24 << 10
	// quickOverhead is what a write takes of a socket beside its bytes, and more.
	quickOverhead = 1 << 10
)

// quick writes to a socket without waiting for its peer, as far as that can be. Those who call do so: a call ends when its time is up, and not when a
// server that reads nothing is given up.
type quick struct {
	socket net.Conn
	raw    syscall.RawConn // nil where nothing can be known
	plain  bool            // what is written to the socket is what is sent
	once   func(fd uintptr) bool
	look   func(fd uintptr)

	// These belong to whoever writes.
	p    []byte // what once writes, n bytes of which there was room for
	n    int
	err  error
	room bool // look saw some

	// These are guarded by the connection's mu: bytes since it began, with quickOverhead for each write.
	sent int
	read int // what the server has read of them for certain: it has answered a call that was sent behind
}

func (q *quick) init(socket net.Conn, raw syscall.RawConn) {
	q.socket, q.raw = socket, raw
	switch socket.(type) {
	case *net.TCPConn, *net.UnixConn:
		q.plain = true
	}
	q.once = func(fd uintptr) bool {
		q.n, q.err = writeOnce(fd, q.p)
		return true // it does not wait
	}
	q.look = func(fd uintptr) { q.room = hasRoom(fd) }
}

// write writes what need not wait, and returns how much that was; idle tells that the server has read so much that there must be room. What is to be
// encrypted is written whole or not at all, for half a record cannot be taken back: where it is small, and there is room.
func (q *quick) write(p []byte, idle bool) (int, error) {
	switch {
	case q.raw == nil:
		return 0, nil
	case q.plain:
		return q.writePlain(p)
	case len(p) <= quickRecord && (idle || q.asks()):
		return q.socket.Write(p)
	}
	return 0, nil
}

func (q *quick) writePlain(p []byte) (int, error) {
	q.p, q.n, q.err = p, 0, nil
	err := q.raw.Write(q.once)
	q.p = nil
	if q.err != nil {
		return q.n, &net.OpError{Op: "write", Net: q.socket.LocalAddr().Network(), Source: q.socket.LocalAddr(), Addr: q.socket.RemoteAddr(), Err: q.err}
	}
	if err != nil {
		return 0, nil // whoever waits hears why
	}
	return q.n, nil
}

// asks asks whether there is room.
func (q *quick) asks() bool {
	q.room = false
	return q.raw.Control(q.look) == nil && q.room
}

// idle tells whether the server has read most of what was sent. The caller holds mu.
func (q *quick) idle() bool { return q.sent-q.read <= quickUnread }
