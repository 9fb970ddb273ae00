// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/internal/frames"
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
		return &connError{frames.EnhanceYourCalm, "the head of a request takes too long"}
	case !c.asked.IsZero() && !now.Before(c.asked.Add(cfg.PingTimeout)):
		return errGone
	case !c.asked.IsZero():
		next = c.asked.Add(cfg.PingTimeout)
	case !now.Before(next):
		c.asked = now
		next = now.Add(cfg.PingTimeout)
		c.mu.Lock()
		c.out.Pending = frames.AppendPing(c.out.Room(), 0, make([]byte, frames.PingSize))
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
	if c.in.Buffered() < frames.HeaderSize {
		c.dispatch()
	}
	if err := c.need(frames.HeaderSize); err != nil {
		return err
	}
	b, _ := c.in.Peek(frames.HeaderSize)
	f := frames.Parse(b)
	_, _ = c.in.Discard(frames.HeaderSize) // they were peeked
	if f.Length > frames.LeastSize {
		return &connError{frames.FrameSizeError, "a frame is too large"}
	}
	if !c.greeted {
		if f.Kind != frames.Settings || f.Has(frames.FlagAck) {
			return &connError{frames.ProtocolError, "settings come first"}
		}
		c.greeted = true
		c.due = time.Time{}
		c.wakeAt(time.Now().Add(min(c.config.PingAfter, c.config.IdleTimeout)))
	}
	if c.block.stream != 0 && (f.Kind != frames.Continuation || f.Stream != c.block.stream) {
		return &connError{frames.ProtocolError, "a head is followed by another frame"}
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

func (c *Conn) handle(f *frames.Frame) error {
	switch f.Kind {
	case frames.Data:
		return c.data(f)
	case frames.Headers:
		return c.headers(f)
	case frames.Continuation:
		return c.continuation(f)
	case frames.PushPromise:
		return &connError{frames.ProtocolError, "a client pushes nothing"}
	}
	if f.Length > readSize-frames.HeaderSize {
		return c.skip(f) // none that means anything is so long
	}
	if f.Kind != frames.Settings { // of which most of all are of use
		c.mu.Lock()
		err := c.nothing()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if err := c.need(f.Length); err != nil {
		return cutShort(err)
	}
	p, _ := c.in.Peek(f.Length)
	defer func() { _, _ = c.in.Discard(f.Length) }() // they were peeked
	c.mu.Lock()
	defer c.mu.Unlock()
	switch wrong := f.Check(); {
	case wrong != nil && f.Kind == frames.Priority && f.Stream != 0:
		return &streamError{f.Stream, wrong.Code, wrong.Text}
	case wrong != nil:
		return (*connError)(wrong)
	}
	switch f.Kind {
	case frames.Reset:
		return c.reset(f, p)
	case frames.Settings:
		return c.settings(f, p)
	case frames.Ping:
		return c.ping(f, p)
	case frames.WindowUpdate:
		return c.windowUpdate(f, p)
	}
	return nil
}

// skip reads over a frame that means nothing.
func (c *Conn) skip(f *frames.Frame) error {
	if f.Kind <= frames.Continuation {
		return &connError{frames.FrameSizeError, "a frame is longer than those of its kind"}
	}
	c.mu.Lock()
	err := c.nothing()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.discard(f.Length)
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
	c.out.Pending = frames.AppendReset(c.out.Room(), wrong.stream, wrong.code)
	c.send()
	if s := c.streams[wrong.stream]; s != nil {
		s.wasReset = true
		s.fail(wrong)
		c.gone(s)
	}
	return c.takenBack()
}

func (c *Conn) reset(f *frames.Frame, p []byte) error {
	if f.Stream == 0 || f.Stream > c.newest {
		return &connError{frames.ProtocolError, "RST_STREAM of no stream"}
	}
	s := c.streams[f.Stream]
	if s == nil {
		return nil
	}
	s.wasReset = true
	s.fail(errGone)
	c.gone(s)
	if frames.ReadReset(p) == frames.NoError && s.ended {
		return nil
	}
	return c.takenBack()
}

func (c *Conn) settings(f *frames.Frame, p []byte) error {
	if err := c.nothing(); err != nil || f.Has(frames.FlagAck) {
		return err
	}
	for s := range frames.ReadSettings(p) {
		if wrong := s.Check(); wrong != nil {
			return (*connError)(wrong)
		}
		switch s.ID { // MAX_FRAME_SIZE says nothing: what all take is sent, and more gains nothing
		case frames.SettingTableSize:
			c.out.encoder.SetMaxDynamicTableSizeLimit(min(s.Value, frames.TableSize))
			c.out.encoder.SetMaxDynamicTableSize(min(s.Value, frames.TableSize))
		case frames.SettingWindow:
			if err := c.resize(int(s.Value) - c.initial); err != nil {
				return err
			}
			c.initial = int(s.Value)
		}
	}
	c.out.Pending = frames.Append(c.out.Room(), 0, frames.Settings, frames.FlagAck, 0)
	return c.control()
}

// resize changes the windows of all streams.
func (c *Conn) resize(by int) error {
	for _, s := range c.streams {
		if s.window += by; s.window > frames.MostWindow {
			return &connError{frames.FlowControlError, "the window of a stream is too large"}
		}
		s.cond.Broadcast()
	}
	return nil
}

func (c *Conn) ping(f *frames.Frame, p []byte) error {
	if f.Has(frames.FlagAck) {
		return nil // that it came was noted
	}
	c.out.Pending = frames.AppendPing(c.out.Room(), frames.FlagAck, p)
	return c.control()
}

func (c *Conn) windowUpdate(f *frames.Frame, p []byte) error {
	by := frames.ReadWindowUpdate(p)
	if f.Stream == 0 {
		if by == 0 {
			return &connError{frames.ProtocolError, "WINDOW_UPDATE of nothing"}
		}
		if c.window += by; c.window > frames.MostWindow {
			return &connError{frames.FlowControlError, "the window of the connection is too large"}
		}
		c.out.wake()
		return nil
	}
	if f.Stream > c.newest || f.Stream%2 == 0 {
		return &connError{frames.ProtocolError, "WINDOW_UPDATE of no stream"}
	}
	s := c.streams[f.Stream]
	if by == 0 {
		return &streamError{f.Stream, frames.ProtocolError, "WINDOW_UPDATE of nothing"}
	}
	if s == nil {
		return nil
	}
	if s.window += by; s.window > frames.MostWindow {
		return &streamError{f.Stream, frames.FlowControlError, "the window of a stream is too large"}
	}
	s.cond.Broadcast()
	return nil
}

// data reads a piece of a body.
func (c *Conn) data(f *frames.Frame) error {
	if f.Stream == 0 {
		return &connError{frames.ProtocolError, "DATA of no stream"}
	}
	n, padding, err := c.content(f)
	if err != nil {
		return err
	}
	c.mu.Lock()
	s, err := c.receives(f, n)
	if err != nil || s == nil {
		c.grant(nil, f.Length)
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
		into = buffers.Pool.Get(n)
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
	c.grant(s, f.Length-n)
	return s.arrived(into, n, f.Has(frames.FlagEndStream))
}

// content reads what comes before the content of DATA or HEADERS. It returns how long that is, and the padding behind it.
func (c *Conn) content(f *frames.Frame) (n, padding int, err error) {
	if !f.Has(frames.FlagPadded | frames.FlagPriority) {
		return f.Length, 0, nil
	}
	size, wrong := f.Prefix()
	switch {
	case wrong != nil || size == 0:
	case f.Kind == frames.Headers:
		err = c.needHead(size)
	default:
		err = cutShort(c.need(size))
	}
	if err != nil {
		return 0, 0, err
	}
	if wrong == nil {
		p, _ := c.in.Peek(size)
		n, padding, wrong = f.Content(p)
		_, _ = c.in.Discard(size) // they were peeked
	}
	if wrong != nil {
		return 0, 0, (*connError)(wrong)
	}
	return n, padding, nil
}

// receives returns the stream of a DATA frame with n bytes, or nil when nobody waits for it any more. The caller holds mu.
func (c *Conn) receives(f *frames.Frame, n int) (*stream, error) {
	s := c.streams[f.Stream]
	if f.Stream > c.newest || f.Stream%2 == 0 {
		return nil, &connError{frames.ProtocolError, "DATA of a stream that has not begun"}
	}
	if n == 0 && !f.Has(frames.FlagEndStream) {
		if err := c.nothing(); err != nil {
			return nil, err
		}
	} else {
		c.something(n)
	}
	if c.taken += f.Length; c.taken > max(c.config.ConnectionWindow, frames.FirstWindow) {
		return nil, &connError{frames.FlowControlError, "more comes than the connection's window has room for"}
	}
	switch {
	case s == nil:
		return nil, c.nothing() // it has ended, and what was on its way is dropped
	case s.ended:
		return nil, &streamError{f.Stream, frames.StreamClosed, "DATA behind the end of a stream"}
	}
	if s.taken += f.Length; s.taken > c.config.StreamWindow {
		return nil, &streamError{f.Stream, frames.FlowControlError, "more comes than the stream's window has room for"}
	}
	return s, nil
}

// grant lets the client send so many bytes again, once they are many. The caller holds mu.
func (c *Conn) grant(s *stream, n int) {
	if n == 0 {
		return
	}
	c.credit += n
	if c.credit >= max(c.config.ConnectionWindow, frames.FirstWindow)/2 {
		c.taken -= c.credit
		c.out.Pending = frames.AppendWindowUpdate(c.out.Room(), 0, c.credit)
		c.credit = 0
		c.send()
	}
	if s == nil || s.ended || s.failure != nil {
		return
	}
	if s.credit += n; s.credit >= c.config.StreamWindow/2 {
		s.taken -= s.credit
		c.out.Pending = frames.AppendWindowUpdate(c.out.Room(), s.id, s.credit)
		s.credit = 0
		c.send()
	}
}
