// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
	"github.com/dragoman-gateway/dragoman/transcoder/worker"
)

const (
	// smallOut is the room for an answer at first, and largeOut for one that is larger.
	smallOut = 4 << 10
	largeOut = 80 << 10
	// outSize is how much is gathered before it has to leave.
	outSize = 64 << 10
	// directWrite is from how many bytes on data is written from where it is.
	directWrite = 16 << 10
	// pieceWrite is the size of the pieces in which data is written: who takes one has not stalled.
	pieceWrite = 64 << 10
)

const statusContinue = "HTTP/1.1 100 Continue\r\n\r\n"

// output gathers what is to be sent. It is guarded by the connection's mu.
type output struct {
	pending []byte
	lent    *[]byte // what pending began as
	writing bool    // somebody writes
	failed  error   // why nothing is sent any more

	// What follows belongs to whoever writes.
	by      time.Time // the deadline of writes
	vector  [2][]byte
	vectors net.Buffers
}

var (
	smallOutputs = sync.Pool{New: func() any { b := make([]byte, 0, smallOut); return &b }}
	largeOutputs = sync.Pool{New: func() any { b := make([]byte, 0, largeOut); return &b }}
)

// roomFor returns what is pending, to be appended to, with room for n bytes more if that is not more than a large buffer has.
func (o *output) roomFor(n int) []byte {
	if o.lent == nil {
		if n <= smallOut {
			o.lent = bufferFrom(&smallOutputs)
		} else {
			o.lent = bufferFrom(&largeOutputs)
		}
		o.pending = (*o.lent)[:0]
	}
	if b := o.pending; cap(b)-len(b) < n && cap(*o.lent) == smallOut {
		large := bufferFrom(&largeOutputs)
		o.pending = append((*large)[:0], b...)
		freeOutput(o.lent)
		o.lent = large
	}
	return o.pending
}

// freeOutput gives back what was lent. What has grown beyond it is dropped.
func freeOutput(lent *[]byte) {
	switch {
	case lent == nil:
	case cap(*lent) == smallOut:
		smallOutputs.Put(lent)
	default:
		largeOutputs.Put(lent)
	}
}

// push writes what is pending, and then more. The caller holds mu, which is given up meanwhile.
func (c *Conn) push(more []byte) error {
	o := &c.out
	for o.writing {
		c.cond.Wait()
	}
	if o.failed != nil || len(o.pending) == 0 && len(more) == 0 {
		return o.failed
	}
	o.writing = true
	c.write(more)
	o.writing = false
	c.cond.Broadcast()
	return o.failed
}

// send has what is pending written by a goroutine of its own: what is added meanwhile goes with it. The caller holds mu.
func (c *Conn) send() {
	if c.out.writing || c.out.failed != nil || len(c.out.pending) == 0 {
		return
	}
	c.out.writing = true
	c.running.Add(1)
	worker.Do((*sender)(c))
}

// sender is a connection that writes what was gathered.
type sender Conn

// Serve writes until there is nothing more.
func (s *sender) Serve() {
	c := (*Conn)(s)
	defer c.running.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out.pending) > 0 && c.out.failed == nil {
		c.write(nil)
	}
	c.out.writing = false
	c.cond.Broadcast()
}

// write writes what is pending, and then more. The caller holds mu, which is given up meanwhile, and has said that it writes.
func (c *Conn) write(more []byte) {
	o := &c.out
	b, lent := o.pending, o.lent
	o.pending, o.lent = nil, nil
	c.mu.Unlock()
	err := c.writeBoth(b, more)
	freeOutput(lent)
	c.mu.Lock()
	if err != nil {
		c.lost()
	}
}

func (c *Conn) writeBoth(b, more []byte) error {
	if len(b) > 0 && len(more) > 0 && c.plain != nil {
		o := &c.out
		piece := more[:min(len(more), pieceWrite)]
		o.vector = [2][]byte{b, piece}
		o.vectors = o.vector[:]
		err := c.untilTaken(func() (int, error) {
			n, err := o.vectors.WriteTo(c.plain)
			return int(n), err
		})
		o.vector, o.vectors = [2][]byte{}, nil
		if err != nil {
			return err
		}
		b, more = nil, more[len(piece):]
	}
	for _, b := range [...][]byte{b, more} {
		for len(b) > 0 {
			piece := b[:min(len(b), pieceWrite)]
			b = b[len(piece):]
			err := c.untilTaken(func() (int, error) {
				n, err := c.socket.Write(piece)
				piece = piece[n:]
				return n, err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// untilTaken writes until all is taken, or for as long as a client may take nothing (threat D9). The deadline of writes is set seldom; one that is
// over may be that of an earlier write.
func (c *Conn) untilTaken(write func() (int, error)) error {
	began := time.Now()
	for {
		if c.tls != nil || c.out.by.Before(began.Add(c.config.Load().WriteStall/2)) {
			c.out.by = began.Add(c.config.Load().WriteStall)
			_ = c.socket.SetWriteDeadline(c.out.by) // it fails when the socket is closed, and so does what comes next
		}
		n, err := write()
		if err == nil {
			return nil
		}
		now := time.Now()
		if c.tls != nil || !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 && now.Sub(began) >= c.config.Load().WriteStall {
			return err
		}
		if n > 0 {
			began = now
		}
		c.out.by = time.Time{}
	}
}

func (x *exchange) Write(out *transcoder.Out) error {
	defer out.Data.Free()
	c := x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.out.failed != nil:
		return c.out.failed
	case x.finished:
		return errEnded
	}
	n, clean := out.Data.Len(), out.End == transcoder.EndClean
	if out.Status != 0 {
		x.writeHead(out, n)
	}
	if n > 0 && !x.mute {
		if err := x.data(out.Data, n); err != nil {
			return err
		}
	}
	switch {
	case clean && x.length > 0 && !x.mute, out.End == transcoder.EndAbort:
		x.abort()
	case clean:
		if x.chunked {
			b := append(c.out.roomFor(smallOut), "0\r\n"...)
			c.out.pending = append(appendFields(b, out.Trailer, false), "\r\n"...)
		}
		x.finished = true
		return c.push(nil)
	case out.Flush:
		c.send()
	}
	return c.out.failed
}

// writeHead adds the head of an answer, n bytes of which are there.
func (x *exchange) writeHead(out *transcoder.Out, n int) {
	c, h := x.conn, &x.head
	clean, status := out.End == transcoder.EndClean, out.Status
	bodiless := status < http.StatusOK || status == http.StatusNoContent || status == http.StatusNotModified
	x.headed = true
	x.mute = bodiless || h.method == http.MethodHead
	x.close = x.close || c.last || c.cut || !x.received || !time.Now().Before(c.end)
	given := out.Header.Get("content-length")
	switch length, err := strconv.ParseUint(given, 10, 63); {
	case bodiless:
		given = ""
	case err == nil:
		x.length = int64(length) //nolint:gosec // it has 63 bits
	default:
		given = ""
		if clean && !x.mute && len(out.Trailer) == 0 && !out.Header.Has("trailer") {
			x.length = int64(n)
		}
		x.chunked = x.length < 0 && !x.mute && h.minor > 0
		x.close = x.close || x.length < 0 && h.minor == 0 && !x.mute
	}
	b := appendStatus(c.out.roomFor(smallOut/2+min(n, largeOut)), h.minor, status)
	b = appendFields(b, out.Header, true)
	switch {
	case given != "":
		b = append(append(append(b, "Content-Length: "...), given...), "\r\n"...)
	case x.length >= 0:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), x.length, 10), "\r\n"...)
	case x.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if !out.Header.Has("date") {
		b = append(append(append(b, "Date: "...), head.Date()...), "\r\n"...)
	}
	switch {
	case x.close && h.minor > 0:
		b = append(b, "Connection: close\r\n"...)
	case !x.close && h.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	if c.config.Load().AltSvc != "" {
		b = append(append(append(b, "Alt-Svc: "...), c.config.Load().AltSvc...), "\r\n"...)
	}
	c.out.pending = append(b, "\r\n"...)
}

// appendStatus adds the first line of an answer.
func appendStatus(b []byte, minor, status int) []byte {
	if minor > 0 && status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = append(b, "HTTP/1."...)
	b = append(b, byte('0'+minor), ' ') //nolint:gosec // it is 0 or 1
	b = strconv.AppendInt(b, int64(status), 10)
	return append(append(append(b, ' '), http.StatusText(status)...), "\r\n"...)
}

// appendFields adds what can be sent. Names are written as most know them, with capitals. The length of a body is said by who knows it.
func appendFields(b []byte, fields wire.Header, isHead bool) []byte {
	for i := range fields {
		name, ok := head.Sendable(&fields[i])
		if !ok || name == "content-length" || name == "trailer" && !isHead {
			continue
		}
		capital := true
		for j := range len(name) {
			ch := name[j]
			if capital && 'a' <= ch && ch <= 'z' {
				ch -= 'a' - 'A'
			}
			capital = ch == '-'
			b = append(b, ch)
		}
		b = append(b, ": "...)
		b = append(append(b, fields[i].Value...), "\r\n"...)
	}
	return b
}

// errEnded says that an answer has ended already.
var errEnded = errors.New("the answer has ended")

// errTooLong says that an answer has more than its length says.
var errTooLong = errors.New("the answer is longer than its content-length says")

// data adds n bytes of the answer's body.
func (x *exchange) data(data mem.BufferSlice, n int) error {
	c := x.conn
	if x.length >= 0 {
		if int64(n) > x.length {
			x.abort()
			return errTooLong
		}
		x.length -= int64(n)
	}
	if x.chunked {
		const most = 18 // digits, and the end of the line
		c.out.pending = append(strconv.AppendInt(c.out.roomFor(most), int64(n), 16), "\r\n"...)
	}
	for _, b := range data {
		rest := b.ReadOnlyData()
		if len(rest) >= directWrite || len(c.out.pending)+len(rest) > outSize {
			if err := c.push(rest); err != nil {
				return err
			}
			continue
		}
		c.out.pending = append(c.out.roomFor(len(rest)), rest...)
	}
	if x.chunked {
		c.out.pending = append(c.out.roomFor(len("\r\n")), "\r\n"...)
	}
	return nil
}

// abort ends the answer so that the client knows that it is not whole (T128, T136): without its last chunk, or with less than its length. What has
// neither ends with a reset. The caller holds the connection's mu.
func (x *exchange) abort() {
	if x.finished || x.aborted {
		return
	}
	c := x.conn
	x.finished, x.aborted = true, true
	if x.headed && !x.chunked && x.length < 0 && c.plain != nil {
		_ = c.plain.SetLinger(0) // it fails when the socket is closed
	}
	_ = c.push(nil) // the connection ends, whatever comes of it
}

// refuse answers what is no request.
func (c *Conn) refuse(why *refusal) {
	text := strconv.Itoa(why.status) + " " + http.StatusText(why.status)
	if why.status == http.StatusNotImplemented {
		text = why.text
	}
	c.mu.Lock()
	b := appendStatus(c.out.roomFor(smallOut), 1, why.status)
	b = append(b, "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(text)), 10)
	c.out.pending = append(append(b, "\r\n\r\n"...), text...)
	err := c.push(nil)
	c.mu.Unlock()
	if err == nil {
		c.hangUp()
	}
}
