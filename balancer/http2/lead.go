// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// reader is who reads a connection.
type reader int

const (
	own    reader = iota // the connection's goroutine
	nobody               // the next call may, if it is alone
	caller               // a call does, which waits for its answer
)

// turns say who reads a connection: its goroutine, or a call that is alone and waits for its answer. They are guarded by the connection's mu.
type turns struct {
	may     bool // a call may: the socket has deadlines
	reader  reader
	resume  chan struct{} // receives something when the goroutine is to read
	ended   int           // calls
	broken  error         // why a call that read could read no more
	kicked  bool          // its read is broken off, so that the goroutine reads
	led     int           // how often a call has read
	watch   *time.Timer   // looks whether one reads for too long; nil when there is none
	watched bool          // it is to fire
	seen    int           // led, when it last did

	raw  syscall.RawConn  // the socket, to look at what nobody reads; nil where that cannot be
	look func(fd uintptr) // sets saw
	saw  sight
}

// sight is what is to be read.
type sight int

const (
	nothing sight = iota
	something
	end
)

// init prepares that calls read.
func (t *turns) init(socket net.Conn) {
	t.resume = make(chan struct{}, 1)
	t.may = socket.SetReadDeadline(time.Time{}) == nil
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			t.raw, t.look = raw, func(fd uintptr) { t.saw = peek(fd) }
		}
	}
}

// stands tells whether a connection that nobody reads can take a call: whether its server has not closed it meanwhile. The caller holds mu.
func (c *Conn) stands() bool {
	t := &c.turn
	if t.reader != nobody || t.raw == nil {
		return true
	}
	if t.raw.Control(t.look) != nil {
		t.saw = end
	}
	if t.saw == nothing {
		return true
	}
	c.follow()
	return t.saw == something
}

// handover is after how long the connection's goroutine reads, when a call that reads has no answer, or nothing is called; and after how long a goroutine
// writes, when a call that does waits for the server.
const handover = 5 * time.Millisecond

// follow has the connection's goroutine read. The caller holds mu.
func (c *Conn) follow() {
	c.turn.reader = own
	select {
	case c.turn.resume <- struct{}{}:
	default:
	}
}

// look sees to it that somebody looks after who reads. The caller holds mu.
func (c *Conn) look() {
	switch {
	case c.turn.watched || c.failed != nil:
		return
	case c.turn.watch == nil:
		c.turn.watch = time.AfterFunc(handover, c.relieve)
	default:
		c.turn.watch.Reset(handover)
	}
	c.turn.watched = true
}

// relieve has the connection's goroutine read, where a call has read for too long or none has come.
func (c *Conn) relieve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn.watched = false
	switch {
	case !c.sends() || c.turn.reader == own:
		return
	case c.turn.led != c.turn.seen: // there was one since
		c.turn.seen = c.turn.led
	case c.turn.reader == nobody:
		c.follow()
		return
	default:
		c.turn.kicked = true
		_ = c.socket.SetReadDeadline(time.Unix(1, 0)) // it fails when the socket is closed, and so does the read
	}
	c.look()
}

// lead reads the connection until the answer of a call has come, if nobody reads and no other call is under way: it wakes nobody then, and nobody has
// to wake it. Where it takes long, the connection's goroutine takes over.
func (s *Stream) lead() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn.reader != nobody || s.over {
		return
	}
	if len(c.streams) != 1 {
		c.follow()
		return
	}
	c.turn.reader = caller
	c.turn.led++
	c.look()
	var err error
	for err == nil && !s.over {
		if err = c.whole(); err == nil {
			err = c.one()
		}
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	late := c.turn.kicked && isTimeout && timeout.Timeout()
	if c.turn.kicked {
		c.turn.kicked = false
		_ = c.socket.SetReadDeadline(c.out.until) // it fails when the socket is closed, and so does what comes next
	}
	if err != nil && !late {
		c.turn.broken = err
	}
	if err != nil || len(c.streams) > 0 || c.leaving || c.at < c.end || len(c.events) > 0 || c.failed != nil {
		c.follow()
		return
	}
	c.turn.reader = nobody
	if c.out.urgent {
		c.send()
	}
}

// whole waits for a whole frame.
func (c *Conn) whole() error {
	if err := c.need(frames.HeaderSize); err != nil {
		return err
	}
	f := frames.Parse(c.in[c.at:c.end])
	return c.need(frames.HeaderSize + min(f.Length, frames.LeastSize))
}
