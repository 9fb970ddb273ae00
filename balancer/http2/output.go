// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

const (
	// maxControl is how many frames that a server asks for by its own may wait to be sent.
	maxControl = 1000
	// someWrites is how often a stream that flushes writes for others as well, before a goroutine does that has nothing else to do.
	someWrites = 4
	// patience is how long an answer to a PING waits for something that leaves with it.
	patience = time.Millisecond
)

// output gathers the frames of a connection. It is guarded by the connection's mu.
type output struct {
	frames.Output

	quick   quick
	writing bool      // somebody writes, and will write what is added meanwhile
	idle    sync.Cond // told when nobody does any more
	urgent  bool      // Pending has something that must not wait for others
	last    bool      // the connection ends when all is written
	control int       // frames in Pending that the server asked for
	waiting []*Stream
	brief   bool        // the socket has the deadline of writeSome
	end     time.Time   // until when can be written; zero for as long as it may
	broken  error       // why nothing can be sent any more
	until   time.Time   // how long it is still read then; zero for as long as it may
	timer   *time.Timer // writes what could wait; nil when there is none
	armed   bool
}

// full tells whether so much is pending that what is added must wait: heads and messages; what ends streams does not.
func (o *output) full() bool { return o.Full() || o.broken != nil }

// await has a stream told through room when there may be some.
func (o *output) await(s *Stream) {
	if !s.waits {
		s.waits = true
		o.waiting = append(o.waiting, s)
	}
}

// forget takes out a stream that waits no more.
func (o *output) forget(s *Stream) {
	if !s.waits {
		return
	}
	s.waits = false
	i := slices.Index(o.waiting, s)
	o.waiting = slices.Delete(o.waiting, i, i+1)
}

// wake lets streams go on that wait for room.
func (o *output) wake() {
	for i, s := range o.waiting {
		o.waiting[i] = nil
		s.waits = false
		s.wakeSender()
	}
	o.waiting = o.waiting[:0]
}

// stop ends the timer.
func (o *output) stop() {
	if o.timer != nil {
		o.timer.Stop()
	}
}

// later has what is pending written within a moment, if nothing takes it along before. The caller holds mu.
func (c *Conn) later() error {
	o := &c.out
	if o.control++; o.control > maxControl {
		return &connError{frames.EnhanceYourCalm, "answers to PING and SETTINGS are not taken"}
	}
	switch {
	case o.armed || !c.sends():
	case o.timer == nil:
		o.armed = true
		o.timer = time.AfterFunc(patience, c.overdue)
	default:
		o.armed = true
		o.timer.Reset(patience)
	}
	return nil
}

// overdue writes what nothing has taken along.
func (c *Conn) overdue() {
	c.mu.Lock()
	c.out.armed = false
	due := !c.out.writing && len(c.out.Pending) > 0
	c.out.writing = c.out.writing || due
	c.mu.Unlock()
	if due {
		c.writeAll()
	}
}

// sends tells whether anything can be sent.
func (c *Conn) sends() bool { return c.failed == nil && c.out.broken == nil }

// unsendable is told that nothing can be sent any more. A server that goes may have answered before: what is there is still read. The caller holds
// mu.
func (c *Conn) unsendable(err error) {
	c.bye = err
	if !c.turn.may {
		c.fail(unsent(err))
		return
	}
	c.out.broken, c.out.until = err, time.Now().Add(linger)
	unwritten := c.out.Take()
	unwritten.Free()
	c.leaving = true
	c.turnAway()
	_ = c.socket.SetReadDeadline(c.out.until) // it fails when the socket is closed, and so does what comes next
	if c.turn.reader == nobody {
		c.follow()
	}
}

func unsent(err error) error {
	return status.Error(codes.Unavailable, fmt.Sprintf("error writing to server: %v", err))
}

// send has what is pending written by a goroutine of its own, for those who must not wait: the reader above all. The caller holds mu.
func (c *Conn) send() {
	if c.out.writing || !c.sends() || len(c.out.Pending) == 0 {
		return
	}
	c.out.writing = true
	go c.writeAll()
}

// writeAll writes until nothing is pending.
func (c *Conn) writeAll() {
	c.mu.Lock()
	b, ok := c.batch()
	c.mu.Unlock()
	if ok {
		c.writeRest(b, 0)
	}
}

// writeRest writes what is left of a batch behind some bytes, and then all that is pending. It waits as long as the server takes nothing.
func (c *Conn) writeRest(b frames.Batch, from int) {
	c.mu.Lock()
	c.lasting()
	c.mu.Unlock()
	for more := true; more; from = 0 {
		_, err := c.socket.Write(b.Bytes[from:])
		b.Free()
		c.mu.Lock()
		c.written(err)
		b, more = c.batch()
		c.mu.Unlock()
	}
}

// flush writes what is pending, unless somebody does so already. It hardly waits for the server: what that does not take is left to a goroutine. The
// caller holds mu, which is given up meanwhile.
func (c *Conn) flush() {
	if c.out.writing || !c.sends() || len(c.out.Pending) == 0 {
		return
	}
	c.out.writing = true
	if len(c.streams) > 1 {
		c.mu.Unlock()
		runtime.Gosched() // others that are about to write save a system call each
		c.mu.Lock()
	}
	for range someWrites {
		b, ok := c.batch()
		if !ok {
			return
		}
		c.out.quick.mark()
		c.mu.Unlock()
		n, err := c.out.quick.write(b.Bytes)
		if err == nil && n < len(b.Bytes) && c.out.quick.plain {
			n, err = c.writeSome(b.Bytes, n)
		}
		if err == nil && n < len(b.Bytes) {
			go c.writeRest(b, n)
			c.mu.Lock()
			return
		}
		b.Free()
		c.mu.Lock()
		c.written(err)
	}
	go c.writeAll()
}

// writeSome writes what is left of a batch behind n bytes, for as long as one that calls waits for a socket whose server reads: a goroutine for that
// would cost as much as the write. It returns how much of the batch is written then.
func (c *Conn) writeSome(b []byte, n int) (int, error) {
	c.mu.Lock()
	c.out.brief = true
	_ = c.socket.SetWriteDeadline(time.Now().Add(handover)) // it fails when the socket is closed, and so does what comes next
	c.mu.Unlock()
	more, err := c.socket.Write(b[n:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n + more, err
}

// lasting lets writes last that need not be brief. The caller holds mu.
func (c *Conn) lasting() {
	if c.out.brief {
		c.out.brief = false
		_ = c.socket.SetWriteDeadline(c.out.end) // it fails when the socket is closed, and so does what comes next
	}
}

// hurry has writes end within linger. The caller holds mu.
func (c *Conn) hurry() {
	c.out.end = time.Now().Add(linger)
	if !c.out.brief {
		_ = c.socket.SetWriteDeadline(c.out.end) // it fails when the socket is closed, and so does what comes next
	}
}

// batch takes out what is to be written. It is false when there is nothing, and nobody writes any more then. The caller holds mu.
func (c *Conn) batch() (frames.Batch, bool) {
	o := &c.out
	if len(o.Pending) > 0 && c.sends() {
		o.control, o.urgent = 0, false
		o.quick.sent += len(o.Pending) + quickOverhead
		return o.Take(), true
	}
	o.writing = false
	o.idle.Broadcast()
	if o.last && c.failed == nil {
		c.parting()
	}
	return frames.Batch{}, false
}

// written notes how a write ended. The caller holds mu.
func (c *Conn) written(err error) {
	if err != nil && c.failed == nil {
		c.unsendable(err)
	}
	c.out.wake()
}
