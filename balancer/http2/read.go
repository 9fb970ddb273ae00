// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

const (
	// readSize is how much is read at a time: the frames of many small answers. The rest of a large one is read where it is to be.
	readSize = 32 << 10
	// maxIdle is how many frames in a row may bring nothing, while nothing is sent either, before the connection ends (as threat D5, of a server). Those
	// of each PingInterval are counted for themselves: a server may ask for signs of life for days.
	maxIdle = 10_000
)

// serve reads the connection until it ends. Frames that were read are handled at once, with mu held; it is given up while something is
// waited for.
func (c *Conn) serve() {
	defer close(c.over)
	c.mu.Lock()
	err := c.turn.broken
	ended := 0
	for err == nil {
		if c.turn.reader != own {
			c.mu.Unlock()
			<-c.turn.resume
			c.mu.Lock()
			err, ended = c.turn.broken, c.turn.ended
			continue
		}
		if c.at == c.end && ended != c.turn.ended && len(c.streams) == 0 && c.turn.may && c.greeted && !c.leaving && len(c.events) == 0 {
			c.turn.reader = nobody // the next call may read
			if c.out.urgent {
				c.send()
			}
			c.look()
			continue
		}
		if err = c.need(frames.HeaderSize); err == nil {
			err = c.one()
		}
	}
	if c.failed == nil {
		c.finish(err)
	}
	if c.bye == nil {
		c.bye = c.failed
	}
	c.mu.Unlock()
	c.tell()
	c.leave()
}

// one reads a frame whose header is there.
func (c *Conn) one() error {
	f := frames.Parse(c.in[c.at:c.end])
	c.at += frames.HeaderSize
	if c.idle++; f.Kind == frames.Data && f.Length > 0 || f.Kind == frames.Headers {
		c.idle = 0
	}
	if c.idle > maxIdle {
		return &connError{frames.EnhanceYourCalm, "it sends too many frames that bring nothing"}
	}
	return c.frame(&f)
}

// finish ends the connection because of err. The caller holds mu.
func (c *Conn) finish(err error) {
	if wrong, ok := errors.AsType[*connError](err); ok {
		c.leaving = true
		c.hurry()
		for c.out.writing {
			c.out.idle.Wait()
		}
		c.bye = err
		if c.failed != nil { // the last write did not end
			return
		}
		c.out.Pending = frames.AppendGoAway(c.out.Room(), 0, wrong.Code, wrong.Text)
		last := c.out.Take()
		c.out.writing = true // and nothing follows
		c.lasting()
		c.mu.Unlock()
		_, _ = c.socket.Write(last.Bytes) // the server is told, if it still listens
		last.Free()
		c.mu.Lock()
		c.fail(status.Error(codes.Unavailable, wrong.Error()))
		return
	}
	if c.out.broken != nil {
		c.fail(unsent(c.out.broken))
		return
	}
	c.bye = err
	c.fail(status.Error(codes.Unavailable, fmt.Sprintf("error reading from server: %v", err)))
}

// tell calls what is to be told. The caller does not hold mu.
func (c *Conn) tell() {
	for i, f := range c.events {
		c.events[i] = nil
		f()
	}
	c.events = c.events[:0]
}

// need waits until n bytes are there; at most as many as are read at a time. The caller holds mu, which is given up meanwhile.
func (c *Conn) need(n int) error {
	if c.end-c.at >= n {
		return nil
	}
	if c.out.urgent {
		c.send()
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	if len(c.events) > 0 {
		c.tell()
	}
	if c.at == c.end {
		c.at, c.end = 0, 0
	} else if len(c.in)-c.at < n {
		c.end = copy(c.in, c.in[c.at:c.end])
		c.at = 0
	}
	for c.end-c.at < n {
		got, err := c.socket.Read(c.in[c.end:])
		c.end += got
		if got > 0 {
			c.hear()
		}
		if err != nil && c.end-c.at < n {
			return err
		}
	}
	return nil
}

// read fills p. The caller holds mu, which is given up while something is waited for.
func (c *Conn) read(p []byte) error {
	n := copy(p, c.in[c.at:c.end])
	c.at += n
	if n == len(p) {
		return nil
	}
	if p = p[n:]; len(p) < readSize/2 {
		if err := c.need(len(p)); err != nil {
			return err
		}
		c.at += copy(p, c.in[c.at:c.end])
		return nil
	}
	c.at, c.end = 0, 0
	if c.out.urgent {
		c.send()
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	if len(c.events) > 0 {
		c.tell()
	}
	for len(p) > 0 {
		n, err := c.socket.Read(p)
		if p = p[n:]; n > 0 {
			c.hear()
		}
		if err != nil && len(p) > 0 {
			return err
		}
	}
	return nil
}

// hear notes that something has come.
func (c *Conn) hear() {
	c.heard.Store(int64(time.Since(start)))
	c.reads.Add(1)
}

func (c *Conn) discard(n int) error {
	for n > 0 {
		piece := min(n, readSize)
		if err := c.need(piece); err != nil {
			return err
		}
		c.at += piece
		n -= piece
	}
	return nil
}

// frame handles a frame whose header was read.
func (c *Conn) frame(f *frames.Frame) error {
	switch {
	case f.Length > frames.LeastSize:
		return &connError{frames.FrameSizeError, "a frame is too large"}
	case !c.greeted && (f.Kind != frames.Settings || f.Has(frames.FlagAck)):
		return &connError{frames.ProtocolError, "settings come first"}
	case c.block.stream != 0 && (f.Kind != frames.Continuation || f.Stream != c.block.stream):
		return &connError{frames.ProtocolError, "a head is followed by another frame"}
	}
	switch f.Kind {
	case frames.Data:
		return c.data(f)
	case frames.Headers:
		return c.headers(f)
	case frames.Continuation:
		return c.continuation(f)
	case frames.PushPromise:
		return &connError{frames.ProtocolError, "it pushes what it was told not to"}
	}
	if f.Length > readSize {
		return c.discard(f.Length)
	}
	if err := c.need(f.Length); err != nil {
		return err
	}
	p := c.in[c.at : c.at+f.Length]
	c.at += f.Length
	if wrong := f.Check(); wrong != nil {
		return (*connError)(wrong)
	}
	switch f.Kind {
	case frames.Reset:
		return c.reset(f, p)
	case frames.Settings:
		return c.settings(f, p)
	case frames.Ping:
		return c.ping(f, p)
	case frames.GoAway:
		return c.goAway(p)
	case frames.WindowUpdate:
		return c.windowUpdate(f, p)
	}
	return nil
}

func (c *Conn) reset(f *frames.Frame, p []byte) error {
	s, err := c.stream(f.Stream)
	if s == nil {
		return err
	}
	why := frames.ReadReset(p)
	r := resetOf(why)
	s.unseen = why == frames.RefusedStream && !s.answered
	code := r.code
	if code == codes.Canceled && s.late() {
		code = codes.DeadlineExceeded
	}
	s.end(status.Newf(code, "stream terminated by RST_STREAM with error code: %s", r.name))
	c.remove(s)
	return nil
}

// stream returns a stream; nil for one that has ended. The caller holds mu.
func (c *Conn) stream(id uint32) (*Stream, error) {
	s := c.streams[id]
	if s == nil && (id == 0 || id%2 == 0 || id >= c.next) {
		return nil, &connError{frames.ProtocolError, "a frame is of no stream that was begun"}
	}
	return s, nil
}

func (c *Conn) settings(f *frames.Frame, p []byte) error {
	if f.Has(frames.FlagAck) {
		return nil
	}
	streams, initial, table := uint32(0), c.initial, -1
	for s := range frames.ReadSettings(p) {
		if wrong := s.Check(); wrong != nil {
			return (*connError)(wrong)
		}
		switch s.ID { // MAX_FRAME_SIZE says nothing: what all take is sent, and more gains nothing
		case frames.SettingTableSize:
			table = int(min(s.Value, frames.TableSize))
		case frames.SettingPush:
			if s.Value != 0 {
				return &connError{frames.ProtocolError, "ENABLE_PUSH is for clients"}
			}
		case frames.SettingStreams:
			streams = s.Value
			c.most = int(min(s.Value, unlimited))
		case frames.SettingWindow:
			initial = int(s.Value)
		case frames.SettingHeaderList:
			c.list = int(min(s.Value, unlimited))
		}
	}
	// What costs something is done once, however often it is said.
	if table >= 0 {
		c.heads.resize(table)
	}
	if by := initial - c.initial; by != 0 {
		c.initial = initial
		for _, s := range c.streams {
			if s.window += by; s.window > frames.MostWindow {
				return &connError{frames.FlowControlError, "the window of a stream is too large"}
			}
			s.wakeSender()
		}
	}
	c.out.Pending = frames.Append(c.out.Room(), 0, frames.Settings, frames.FlagAck, 0)
	c.out.urgent = true
	if c.out.control++; c.out.control > maxControl {
		return &connError{frames.EnhanceYourCalm, "answers to PING and SETTINGS are not taken"}
	}
	if !c.greeted {
		c.greeted = true
		c.events = append(c.events, func() { c.config.Ready(streams) })
	}
	for range c.waiting {
		c.admit()
	}
	return nil
}

func (c *Conn) ping(f *frames.Frame, p []byte) error {
	if f.Has(frames.FlagAck) {
		return nil // that it came was noted
	}
	c.out.Pending = frames.AppendPing(c.out.Room(), frames.FlagAck, p)
	return c.later()
}

func (c *Conn) goAway(p []byte) error {
	last, why, said := frames.ReadGoAway(p)
	text := string(said)
	for id, s := range c.streams {
		if id > last {
			s.unseen = !s.answered
			s.end(status.New(codes.Unavailable, "the stream is rejected because server is draining the connection"))
			delete(c.streams, id)
		}
	}
	if c.leaving {
		c.parting()
		return nil
	}
	c.leaving = true
	c.turnAway()
	c.bye = fmt.Errorf("the server closes the connection: %s %q", resetOf(why).name, text)
	c.tired = why == frames.EnhanceYourCalm && text == "too_many_pings"
	c.events = append(c.events, c.leave)
	return nil
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
		if len(c.out.waiting) > 0 {
			c.out.wake()
		}
		return nil
	}
	s, err := c.stream(f.Stream)
	if s == nil {
		return err
	}
	if s.window += by; by == 0 || s.window > frames.MostWindow {
		code := frames.FlowControlError
		if by == 0 {
			code = frames.ProtocolError
		}
		s.abort(code, status.New(codes.Internal, "the server breaks the rules of HTTP/2: the window of a stream is wrong"))
		return nil
	}
	s.wakeSender()
	return nil
}

// data reads a piece of an answer.
func (c *Conn) data(f *frames.Frame) error {
	n, padding, err := c.content(f)
	if err != nil {
		return err
	}
	s, err := c.stream(f.Stream)
	if err != nil {
		return err
	}
	c.grant(nil, f.Length)
	if s != nil && !s.headed {
		s.abort(frames.ProtocolError, status.New(codes.Internal, "the server breaks the rules of HTTP/2: DATA comes before the head"))
	}
	if s != nil {
		if s.taken += f.Length; s.taken > c.config.StreamWindow {
			s.abort(frames.FlowControlError, status.New(codes.Internal, "the server breaks the rules of HTTP/2: more comes than the stream's window has room for"))
		}
		c.grant(s, f.Length-n)
		for n > 0 && !s.over {
			took, err := c.fill(s, n)
			if err != nil {
				return err
			}
			n -= took
		}
	}
	if err := c.discard(n + padding); err != nil {
		return err
	}
	if s != nil && f.Has(frames.FlagEndStream) && !s.over {
		s.abort(frames.NoError, status.New(codes.Internal, "server closed the stream without sending trailers"))
	}
	return nil
}

// content reads what comes before the content of DATA or HEADERS. It returns how long that is, and the padding behind it.
func (c *Conn) content(f *frames.Frame) (n, padding int, err error) {
	if !f.Has(frames.FlagPadded | frames.FlagPriority) {
		return f.Length, 0, nil
	}
	size, wrong := f.Prefix()
	if wrong == nil && size > 0 {
		if err := c.need(size); err != nil {
			return 0, 0, err
		}
	}
	if wrong == nil {
		n, padding, wrong = f.Content(c.in[c.at : c.at+size])
		c.at += size
	}
	if wrong != nil {
		return 0, 0, (*connError)(wrong)
	}
	return n, padding, nil
}

// grant lets the server send so many bytes again, once they are many: of the connection, or of a stream. The caller holds mu.
func (c *Conn) grant(s *Stream, n int) {
	if s == nil {
		if c.credit += n; c.credit >= max(c.config.ConnectionWindow, frames.FirstWindow)/2 {
			c.out.Pending = frames.AppendWindowUpdate(c.out.Room(), 0, c.credit)
			c.credit = 0
			c.out.urgent = true
		}
		return
	}
	if s.over {
		return
	}
	if s.credit += n; s.credit >= c.config.StreamWindow/2 {
		s.taken -= s.credit
		c.out.Pending = frames.AppendWindowUpdate(c.out.Room(), s.id, s.credit)
		s.credit = 0
		c.out.urgent = true
	}
}
