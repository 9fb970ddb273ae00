// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/mem"
)

// readSize is how much is read at a time: the frames of many small requests. A body of its own frame is read where it is to be.
const readSize = 8 << 10

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readSize) }}

func newReader(c *Conn) *bufio.Reader {
	r, ok := readers.Get().(*bufio.Reader)
	if !ok {
		panic("the pool has readers alone") //nolint:forbidigo // it cannot be
	}
	r.Reset((*listening)(c))
	return r
}

func freeReader(r *bufio.Reader) {
	r.Reset(nil)
	readers.Put(r)
}

// listening is the socket, of which is noted when something last came.
type listening Conn

func (l *listening) Read(p []byte) (int, error) {
	n, err := l.socket.Read(p)
	if n > 0 {
		l.heard = time.Now()
		l.asked = time.Time{}
	}
	return n, err
}

// need waits until so many bytes can be peeked at.
func (c *Conn) need(n int) error {
	for {
		_, err := c.in.Peek(n)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if err := c.late(); err != nil {
			return err
		}
	}
}

// read fills p.
func (c *Conn) read(p []byte) error {
	for len(p) > 0 {
		n, err := c.in.Read(p)
		p = p[n:]
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		default:
			if err := c.late(); err != nil {
				return err
			}
		}
	}
	return nil
}

// wakeAt makes reads fail at a time, if they do not before.
func (c *Conn) wakeAt(at time.Time) {
	if c.deadline.IsZero() || at.Before(c.deadline) {
		c.deadline = at
		_ = c.socket.SetReadDeadline(at) // it fails when the socket is closed, and so does what comes next
	}
}

// late looks at what is due, when the deadline of reads is over: whatever has begun, the answer to a question, or a request.
func (c *Conn) late() error {
	cfg, now := c.config, time.Now()
	next := c.heard.Add(cfg.PingAfter)
	switch {
	case !c.due.IsZero() && !now.Before(c.due):
		return &connError{codeEnhanceYourCalm, "the head of a request takes too long"}
	case !c.asked.IsZero() && !now.Before(c.asked.Add(cfg.PingTimeout)):
		return errGone
	case !c.asked.IsZero():
		next = c.asked.Add(cfg.PingTimeout)
	case !now.Before(next):
		c.asked = now
		next = now.Add(cfg.PingTimeout)
		c.mu.Lock()
		c.out.pending = appendPing(c.out.room(), 0, make([]byte, pingSize))
		c.send()
		c.mu.Unlock()
	}
	if !c.due.IsZero() && c.due.Before(next) {
		next = c.due
	}
	c.mu.Lock()
	if len(c.streams) == 0 && c.serving == 0 {
		end := c.quiet.Add(cfg.IdleTimeout)
		if !now.Before(end) {
			end = now.Add(cfg.IdleTimeout)
			c.mu.Unlock()
			c.GoAway()
			c.mu.Lock()
		}
		if end.Before(next) {
			next = end
		}
	} else if end := now.Add(cfg.IdleTimeout); end.Before(next) {
		next = end
	}
	c.mu.Unlock()
	c.deadline = time.Time{}
	c.wakeAt(next)
	return nil
}

// manyFrames is how many frames are handled before what they have begun is served, even if there are more.
const manyFrames = 32

// frame reads a frame and does what it says. What it begins is served before anything is waited for.
func (c *Conn) frame() error {
	if c.in.Buffered() < frameHeader {
		c.dispatch()
	}
	if err := c.need(frameHeader); err != nil {
		return err
	}
	b, _ := c.in.Peek(frameHeader)
	f := parseFrame(b)
	_, _ = c.in.Discard(frameHeader) // they were peeked
	if f.length > leastFrame {
		return &connError{codeFrameSize, "a frame is too large"}
	}
	if !c.greeted {
		if f.kind != frameSettings || f.has(flagAck) {
			return &connError{codeProtocol, "settings come first"}
		}
		c.greeted = true
		c.due = time.Time{}
		c.wakeAt(time.Now().Add(min(c.config.PingAfter, c.config.IdleTimeout)))
	}
	if c.block.stream != 0 && (f.kind != frameContinuation || f.stream != c.block.stream) {
		return &connError{codeProtocol, "a head is followed by another frame"}
	}
	err := c.handle(&f)
	if wrong, ok := errors.AsType[*streamError](err); ok {
		err = c.refuse(wrong)
	}
	if c.unserved++; c.unserved >= manyFrames {
		c.unserved = 0
		c.dispatch()
	}
	return err
}

func (c *Conn) handle(f *frame) error {
	switch f.kind {
	case frameData:
		return c.data(f)
	case frameHeaders:
		return c.headers(f)
	case frameContinuation:
		return c.continuation(f)
	case framePushPromise:
		return &connError{codeProtocol, "a client pushes nothing"}
	}
	if f.length > readSize-frameHeader {
		return c.skip(f) // none that means anything is so long
	}
	if f.kind != frameSettings { // of which most of all are of use
		c.mu.Lock()
		err := c.nothing()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if err := c.need(f.length); err != nil {
		return cutShort(err)
	}
	p, _ := c.in.Peek(f.length)
	defer func() { _, _ = c.in.Discard(f.length) }() // they were peeked
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.kind {
	case framePriority:
		if f.stream == 0 {
			return &connError{codeProtocol, "PRIORITY of no stream"}
		}
		if f.length != 5 {
			return &streamError{f.stream, codeFrameSize, "PRIORITY has another length"}
		}
	case frameReset:
		return c.reset(f, p)
	case frameSettings:
		return c.settings(f, p)
	case framePing:
		return c.ping(f, p)
	case frameGoAway:
		if f.stream != 0 || f.length < 8 {
			return &connError{codeProtocol, "GOAWAY is not one"}
		}
	case frameWindowUpdate:
		return c.windowUpdate(f, p)
	}
	return nil
}

// skip reads over a frame that means nothing.
func (c *Conn) skip(f *frame) error {
	if f.kind <= frameContinuation {
		return &connError{codeFrameSize, "a frame is longer than those of its kind"}
	}
	c.mu.Lock()
	err := c.nothing()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.discard(f.length)
}

func (c *Conn) discard(n int) error {
	for n > 0 {
		piece := min(n, readSize)
		if err := c.need(piece); err != nil {
			return cutShort(err)
		}
		_, _ = c.in.Discard(piece) // they were peeked
		n -= piece
	}
	return nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// refuse ends a stream because of what its client did, which counts as if the client had ended it (threat D3).
func (c *Conn) refuse(wrong *streamError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.pending = appendReset(c.out.room(), wrong.stream, wrong.code)
	c.send()
	if s := c.streams[wrong.stream]; s != nil {
		s.wasReset = true
		s.fail(wrong)
		c.gone(s)
	}
	return c.takenBack()
}

func (c *Conn) reset(f *frame, p []byte) error {
	if f.length != 4 {
		return &connError{codeFrameSize, "RST_STREAM has another length"}
	}
	if f.stream == 0 || f.stream > c.newest {
		return &connError{codeProtocol, "RST_STREAM of no stream"}
	}
	s := c.streams[f.stream]
	if s == nil {
		return nil
	}
	s.wasReset = true
	s.fail(errGone)
	c.gone(s)
	if code(binary.BigEndian.Uint32(p)) == codeNoError && s.ended {
		return nil
	}
	return c.takenBack()
}

func (c *Conn) settings(f *frame, p []byte) error {
	switch {
	case f.stream != 0:
		return &connError{codeProtocol, "SETTINGS of a stream"}
	case f.has(flagAck) && f.length > 0, f.length%settingSize != 0:
		return &connError{codeFrameSize, "SETTINGS has another length"}
	case f.has(flagAck):
		return c.nothing()
	}
	if err := c.nothing(); err != nil {
		return err
	}
	for ; len(p) > 0; p = p[settingSize:] {
		value := binary.BigEndian.Uint32(p[2:])
		switch binary.BigEndian.Uint16(p) {
		case settingTableSize:
			c.out.encoder.SetMaxDynamicTableSizeLimit(min(value, tableSize))
			c.out.encoder.SetMaxDynamicTableSize(min(value, tableSize))
		case settingPush:
			if value > 1 {
				return &connError{codeProtocol, "ENABLE_PUSH is neither 0 nor 1"}
			}
		case settingWindow:
			if value > mostWindow {
				return &connError{codeFlowControl, "INITIAL_WINDOW_SIZE is too large"}
			}
			if err := c.resize(int(value) - c.initial); err != nil {
				return err
			}
			c.initial = int(value)
		case settingFrameSize: // what all take is sent: more gains nothing
			if value < leastFrame || value > mostFrame {
				return &connError{codeProtocol, "MAX_FRAME_SIZE is none that can be"}
			}
		}
	}
	c.out.pending = appendFrame(c.out.room(), 0, frameSettings, flagAck, 0)
	return c.control()
}

// resize changes the windows of all streams.
func (c *Conn) resize(by int) error {
	for _, s := range c.streams {
		if s.window += by; s.window > mostWindow {
			return &connError{codeFlowControl, "the window of a stream is too large"}
		}
		s.cond.Broadcast()
	}
	return nil
}

func (c *Conn) ping(f *frame, p []byte) error {
	switch {
	case f.stream != 0:
		return &connError{codeProtocol, "PING of a stream"}
	case f.length != pingSize:
		return &connError{codeFrameSize, "PING has another length"}
	case f.has(flagAck):
		return nil // that it came was noted
	}
	c.out.pending = appendPing(c.out.room(), flagAck, p)
	return c.control()
}

func (c *Conn) windowUpdate(f *frame, p []byte) error {
	if f.length != 4 {
		return &connError{codeFrameSize, "WINDOW_UPDATE has another length"}
	}
	by := int(binary.BigEndian.Uint32(p) & lastStream)
	if f.stream == 0 {
		if by == 0 {
			return &connError{codeProtocol, "WINDOW_UPDATE of nothing"}
		}
		if c.window += by; c.window > mostWindow {
			return &connError{codeFlowControl, "the window of the connection is too large"}
		}
		c.out.wake()
		return nil
	}
	if f.stream > c.newest || f.stream%2 == 0 {
		return &connError{codeProtocol, "WINDOW_UPDATE of no stream"}
	}
	s := c.streams[f.stream]
	if by == 0 {
		return &streamError{f.stream, codeProtocol, "WINDOW_UPDATE of nothing"}
	}
	if s == nil {
		return nil
	}
	if s.window += by; s.window > mostWindow {
		return &streamError{f.stream, codeFlowControl, "the window of a stream is too large"}
	}
	s.cond.Broadcast()
	return nil
}

// data reads a piece of a body.
func (c *Conn) data(f *frame) error {
	if f.stream == 0 {
		return &connError{codeProtocol, "DATA of no stream"}
	}
	padding, n := 0, f.length
	if f.has(flagPadded) {
		if n == 0 {
			return &connError{codeFrameSize, "DATA has no room for its padding"}
		}
		if err := c.need(1); err != nil {
			return cutShort(err)
		}
		b, _ := c.in.ReadByte() // it was peeked
		if padding, n = int(b), n-1; padding > n {
			return &connError{codeProtocol, "DATA is shorter than its padding"}
		}
		n -= padding
	}
	c.mu.Lock()
	s, err := c.receives(f, n)
	if err != nil || s == nil {
		c.grant(nil, f.length)
		c.mu.Unlock()
		if skipped := c.discard(n + padding); skipped != nil {
			return skipped
		}
		return err
	}
	// A small piece goes where the one before it has room.
	into := s.room(n)
	c.mu.Unlock()
	if into == nil && n > 0 {
		into = mem.DefaultBufferPool().Get(n)
		*into = (*into)[:0]
	}
	if n > 0 {
		had := len(*into)
		if err := c.read((*into)[had : had+n : cap(*into)]); err != nil {
			return err
		}
		*into = (*into)[:had+n]
	}
	if err := c.discard(padding); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grant(s, f.length-n)
	return s.arrived(into, n, f.has(flagEndStream))
}

// receives returns the stream of a DATA frame with n bytes, or nil when nobody waits for it any more. The caller holds mu.
func (c *Conn) receives(f *frame, n int) (*stream, error) {
	s := c.streams[f.stream]
	if f.stream > c.newest || f.stream%2 == 0 {
		return nil, &connError{codeProtocol, "DATA of a stream that has not begun"}
	}
	if n == 0 && !f.has(flagEndStream) {
		if err := c.nothing(); err != nil {
			return nil, err
		}
	} else {
		c.something(n)
	}
	if c.taken += f.length; c.taken > max(c.config.ConnectionWindow, firstWindow) {
		return nil, &connError{codeFlowControl, "more comes than the connection's window has room for"}
	}
	switch {
	case s == nil:
		return nil, c.nothing() // it has ended, and what was on its way is dropped
	case s.ended:
		return nil, &streamError{f.stream, codeStreamClosed, "DATA behind the end of a stream"}
	}
	if s.taken += f.length; s.taken > c.config.StreamWindow {
		return nil, &streamError{f.stream, codeFlowControl, "more comes than the stream's window has room for"}
	}
	return s, nil
}

// grant lets the client send so many bytes again, once they are many. The caller holds mu.
func (c *Conn) grant(s *stream, n int) {
	if n == 0 {
		return
	}
	c.credit += n
	if c.credit >= max(c.config.ConnectionWindow, firstWindow)/2 {
		c.taken -= c.credit
		c.out.pending = appendWindowUpdate(c.out.room(), 0, c.credit)
		c.credit = 0
		c.send()
	}
	if s == nil || s.ended || s.failure != nil {
		return
	}
	if s.credit += n; s.credit >= c.config.StreamWindow/2 {
		s.taken -= s.credit
		c.out.pending = appendWindowUpdate(c.out.room(), s.id, s.credit)
		s.credit = 0
		c.send()
	}
}
