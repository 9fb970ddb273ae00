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
	// slowWrites is how many writes are not tried without waiting after one has found too little room: the next would as well.
	slowWrites = 16
)

// quick writes to a socket without waiting for its peer, as far as that can be. Those who call do so: a call ends when its time is up, and not when a
// server that reads nothing is given up.
type quick struct {
	socket net.Conn
	raw    syscall.RawConn // nil where nothing can be known
	plain  bool            // what is written to the socket is what is sent
	once   func(fd uintptr)
	look   func(fd uintptr)

	// These belong to whoever writes.
	p       []byte // what once writes, n bytes of which there was room for
	n       int
	err     error
	slow    int // so many plain writes are not tried
	free    int // what look saw
	at      int // sent, with what is to be written now
	unread  int // of at
	granted int // up to where there is room for certain

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
	q.once = func(fd uintptr) { q.n, q.err = writeOnce(fd, q.p) }
	q.look = func(fd uintptr) { q.free = free(fd) }
}

// mark notes what is to be written next. The caller holds mu.
func (q *quick) mark() { q.at, q.unread = q.sent, q.sent-q.read }

// write writes what need not wait, and returns how much that was. What is to be encrypted is written whole or not at all, for half a record cannot be
// taken back: where there is room.
func (q *quick) write(p []byte) (int, error) {
	switch {
	case q.raw == nil:
		return 0, nil
	case q.plain:
		return q.writePlain(p)
	case q.unread <= quickUnread && len(p) <= quickRecord, q.at <= q.granted, q.asks(len(p)):
		return q.socket.Write(p)
	}
	return 0, nil
}

func (q *quick) writePlain(p []byte) (int, error) {
	if q.slow > 0 {
		q.slow--
		return 0, nil
	}
	q.p, q.n, q.err = p, 0, nil
	err := q.raw.Control(q.once) // which knows no deadline
	q.p = nil
	if q.err != nil {
		return q.n, &net.OpError{Op: "write", Net: q.socket.LocalAddr().Network(), Source: q.socket.LocalAddr(), Addr: q.socket.RemoteAddr(), Err: q.err}
	}
	if err != nil {
		return 0, nil // whoever waits hears why
	}
	if q.n < len(p) {
		q.slow = slowWrites
	}
	return q.n, nil
}

// asks asks how much room there is, and tells whether that is enough for n bytes.
func (q *quick) asks(n int) bool {
	q.free = 0
	if q.raw.Control(q.look) != nil || q.free == 0 {
		return false
	}
	q.granted = q.at - n - quickOverhead + q.free
	return q.at <= q.granted
}
