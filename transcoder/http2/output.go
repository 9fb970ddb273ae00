// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

const (
	// maxControl is how many frames that clients ask for by theirs may wait to be sent (threat D5).
	maxControl = 1000
	// someWrites is how often a stream that flushes writes for others as well, before a goroutine does that has nothing else to do.
	someWrites = 4
)

// output gathers the frames of a connection. It is guarded by the connection's mu.
type output struct {
	frames.Output

	writing bool      // somebody writes, and will write what is added meanwhile
	idle    sync.Cond // nobody writes any more
	control int       // frames in Pending that the client asked for
	waiting []*stream
	encoder *hpack.Encoder
	section bytes.Buffer // a head or trailers, encoded
}

func (o *output) init(mu *sync.Mutex) {
	o.idle.L = mu
	o.encoder = hpack.NewEncoder(&o.section)
	o.encoder.SetMaxDynamicTableSizeLimit(frames.TableSize)
}

// wake lets streams go on that wait for room.
func (o *output) wake() {
	for i, s := range o.waiting {
		o.waiting[i] = nil
		s.waits = false
		s.cond.Broadcast()
	}
	o.waiting = o.waiting[:0]
}

// control counts a frame that the client has asked for, and has it sent. The caller holds mu.
func (c *Conn) control() error {
	if c.out.control++; c.out.control > maxControl {
		return &connError{frames.EnhanceYourCalm, "answers to PING and SETTINGS are not taken"}
	}
	c.send()
	return nil
}

// send has what is pending written by a goroutine of its own, for those who must not wait: the reader above all, since a client may read nothing
// before what it writes is read. The caller holds mu.
func (c *Conn) send() {
	if c.out.writing || c.failed != nil {
		return
	}
	c.out.writing = true
	c.running.Go(c.writeAll)
}

func (c *Conn) writeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.write() {
	}
}

// flush writes what is pending, unless somebody does so already. The caller holds mu, which is given up meanwhile.
func (c *Conn) flush() {
	if c.out.writing || c.failed != nil || len(c.out.Pending) == 0 {
		return
	}
	c.out.writing = true
	c.mu.Unlock()
	runtime.Gosched() // others that are about to write save a system call each
	c.mu.Lock()
	for range someWrites {
		if !c.write() {
			return
		}
	}
	c.running.Go(c.writeAll)
}

// write writes what is pending; it reports whether there was something. The caller holds mu, which is given up meanwhile.
func (c *Conn) write() bool {
	o := &c.out
	if len(o.Pending) > 0 && c.failed == nil {
		b := o.Take()
		o.control = 0
		c.mu.Unlock()
		_ = c.socket.SetWriteDeadline(time.Now().Add(c.config.WriteStall)) // it fails when the socket is closed, and so does what comes next
		_, err := c.socket.Write(b.Bytes)
		b.Free()
		c.mu.Lock()
		if err != nil {
			c.lost(errGone)
		}
		o.wake()
		return true
	}
	o.writing = false
	o.idle.Broadcast()
	return false
}

// head adds a head; length is that of the body where it is known, -1 else. The caller holds the connection's mu.
func (o *output) head(c *Conn, stream uint32, status int, header wire.Header, length int, flags uint8) {
	o.section.Reset()
	o.field(":status", statusText(status), false)
	o.fields(header)
	if length >= 0 {
		o.field("content-length", strconv.Itoa(length), true)
	}
	if status >= http.StatusOK {
		if !header.Has("date") {
			o.field("date", head.Date(), true)
		}
		if c.config.AltSvc != "" {
			o.field("alt-svc", c.config.AltSvc, false)
		}
	}
	o.finish(c, stream, flags)
}

// trailer adds trailers, and the end of the stream.
func (o *output) trailer(c *Conn, stream uint32, trailer wire.Header) {
	o.section.Reset()
	o.fields(trailer)
	o.finish(c, stream, frames.FlagEndStream)
}

// finish makes frames of the fields.
func (o *output) finish(c *Conn, stream uint32, flags uint8) {
	kind := uint8(frames.Headers)
	for section := o.section.Bytes(); ; kind, flags = frames.Continuation, 0 {
		piece := section[:min(len(section), frames.LeastSize)]
		if section = section[len(piece):]; len(section) == 0 {
			flags |= frames.FlagEndHeaders
		}
		o.Pending = append(frames.Append(o.RoomFor(frames.HeaderSize+len(piece)), len(piece), kind, flags, stream), piece...)
		if len(section) == 0 {
			break
		}
	}
	if o.section.Cap() > frames.Enough {
		o.section = bytes.Buffer{}
		o.encoder = hpack.NewEncoder(&o.section)
	}
	c.something(0)
}

// fields encodes what can be sent.
func (o *output) fields(header wire.Header) {
	for i := range header {
		if name, ok := head.Sendable(&header[i]); ok {
			o.field(name, header[i].Value, passing(name))
		}
	}
}

// passing tells whether a field has another value each time, so that there is no use in remembering it.
func passing(name string) bool {
	switch name {
	case "age", "content-length", "date", "etag", "expires", "grpc-message", "last-modified", "set-cookie", "traceresponse", "x-request-id":
		return true
	}
	return false
}

func (o *output) field(name, value string, passing bool) {
	_ = o.encoder.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: passing}) // its errors are those of a buffer
}

// statusText is strconv.Itoa, which has the small numbers alone at hand.
func statusText(status int) string {
	if status == http.StatusOK {
		return "200"
	}
	return strconv.Itoa(status)
}
