// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// stream is one request and its answer. All but what is said to be otherwise is guarded by the connection's mu.
type stream struct {
	conn    *Conn
	id      uint32 // does not change, and so does request
	request transcoder.Request
	scope   transcoder.Scope
	cond    sync.Cond // something has changed: what was read, what may be sent, or whether it goes on

	pieces  []*[]byte // of the body
	taken   int       // of the window that the client has
	credit  int       // of what was taken, how much can be granted again
	left    int64     // of the body that is to come; -1 where its length is not known
	ended   bool      // all of the request has come, or its end will not
	asks    bool      // the client waits to be told that it may send the body
	readEnd error     // what Read returns when there is nothing more; nil while there may be

	window   int  // how much may be sent
	headed   bool // the head of the answer was written
	mute     bool // the answer has no body, whatever it is said to be
	finished bool // the answer has ended
	wasReset bool // either side has reset the stream
	failure  error
	since    time.Time // since when the client takes nothing; zero while it does
	waits    bool      // it is in output.waiting
}

func newStream(c *Conn, b *headBlock) *stream {
	s := &stream{conn: c, id: b.stream, left: b.head.Length, window: c.initial, ended: b.end}
	s.cond.L = &c.mu
	s.request = transcoder.Request{
		Method: b.head.Method, Authority: b.head.Authority, Scheme: "http", Major: 2, ContentLength: b.head.Length, Header: b.head.Fields,
		Remote: c.remote, TLS: c.tls, Listener: c.config.Listener, Limits: &c.config.Limits,
	}
	if c.tls != nil {
		s.request.Scheme = "https"
	}
	s.request.Path, s.request.Query, _ = strings.Cut(b.head.Path, "?")
	if b.end {
		s.readEnd = io.EOF
	} else {
		s.asks = strings.EqualFold(b.head.Fields.Get("expect"), "100-continue")
	}
	return s
}

func (s *stream) Request() *transcoder.Request { return &s.request }

// Context ends when the client takes no more of the answer, or the connection is over.
func (s *stream) Context() context.Context { return s.scope.Context(time.Time{}) }

func (s *stream) Scope() *transcoder.Scope { return &s.scope }

func (s *stream) Read() (mem.Buffer, error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(s.pieces) == 0 {
		if s.readEnd != nil {
			return nil, s.readEnd
		}
		s.mayContinue()
		s.cond.Wait()
	}
	data := s.pieces[0]
	s.pieces[0] = nil
	if s.pieces = s.pieces[1:]; len(s.pieces) == 0 {
		s.pieces = nil
	}
	c.grant(s, len(*data))
	if len(s.pieces) == 0 && s.readEnd == io.EOF { //nolint:errorlint // it is set as it is
		return mem.NewBuffer(data, buffers.Pool), io.EOF
	}
	return mem.NewBuffer(data, buffers.Pool), nil
}

// mayContinue tells a client that waits for it to send the body.
func (s *stream) mayContinue() {
	if !s.asks || s.headed {
		return
	}
	s.asks = false
	s.conn.out.head(s.conn, s.id, http.StatusContinue, nil, -1, 0)
	s.conn.send()
}

func (s *stream) CloseRead() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.closeRead(errClosed)
}

// closeRead makes reads return an error, unless all was read that comes.
func (s *stream) closeRead(err error) {
	if s.readEnd == io.EOF && len(s.pieces) == 0 { //nolint:errorlint // it is set as it is
		return
	}
	if s.readEnd == nil || s.readEnd == io.EOF { //nolint:errorlint // it is set as it is
		s.readEnd = err
	}
	s.drop()
	s.cond.Broadcast()
}

// drop frees what nobody will read.
func (s *stream) drop() {
	n := 0
	for _, data := range s.pieces {
		n += len(*data)
		buffers.Pool.Put(data)
	}
	s.pieces = nil
	s.conn.grant(nil, n)
}

// room takes the last piece of the body back, if it has room for n bytes more, so that it cannot be read before they have come.
func (s *stream) room(n int) *[]byte {
	last := len(s.pieces) - 1
	if last < 0 || n == 0 || cap(*s.pieces[last])-len(*s.pieces[last]) < n {
		return nil
	}
	data := s.pieces[last]
	s.pieces[last] = nil
	s.pieces = s.pieces[:last]
	return data
}

// arrived adds a piece of the body, n bytes of which are new, and its end.
func (s *stream) arrived(data *[]byte, n int, end bool) error {
	c := s.conn
	if data != nil {
		s.pieces = append(s.pieces, data)
	}
	s.ended = s.ended || end
	switch {
	case s.readEnd != nil: // nobody waits for it
		s.drop()
	case s.left >= 0 && int64(n) > s.left:
		s.closeRead(errTooLong)
	case end && s.left >= 0 && int64(n) < s.left:
		s.closeRead(errTooShort)
	default:
		if s.left >= 0 {
			s.left -= int64(n)
		}
		if end {
			s.readEnd = io.EOF
		}
		s.cond.Broadcast()
	}
	if s.ended && s.finished {
		c.gone(s)
	}
	return nil
}

func (s *stream) Write(out *transcoder.Out) error {
	defer out.Data.Free()
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	return s.write(out)
}

func (s *stream) write(out *transcoder.Out) error {
	c, clean := s.conn, out.End == transcoder.EndClean
	n := out.Data.Len()
	if out.Status != 0 {
		s.headed = true
		none := out.Status == http.StatusNoContent || out.Status == http.StatusNotModified
		s.mute = none || s.request.Method == http.MethodHead
		length, flags := -1, uint8(0)
		if clean && !s.mute && len(out.Trailer) == 0 && !out.Header.Has("content-length") {
			length = n
		}
		if clean && (n == 0 || s.mute) && len(out.Trailer) == 0 {
			flags = frames.FlagEndStream
		}
		c.out.head(c, s.id, out.Status, out.Header, length, flags)
		s.finished = flags != 0
	}
	if n > 0 && !s.mute {
		if err := s.data(out.Data, n, clean && len(out.Trailer) == 0); err != nil {
			return err
		}
	}
	switch {
	case clean && !s.finished && len(out.Trailer) > 0:
		c.out.trailer(c, s.id, out.Trailer)
		s.finished = true
	case clean && !s.finished:
		c.out.Pending = frames.Append(c.out.Room(), 0, frames.Data, frames.FlagEndStream, s.id)
		s.finished = true
	case out.End == transcoder.EndAbort:
		s.abort(frames.InternalError)
	}
	switch {
	case s.finished:
		s.done()
		c.flush()
	case out.Flush:
		c.send() // what follows at once goes with it
	}
	return s.failure
}

// done notes that the answer has ended.
func (s *stream) done() {
	s.conn.calm.resets.back(1)
	if s.ended {
		s.conn.gone(s)
	}
}

// abort resets the stream, which says that the answer is not whole (T128, T136).
func (s *stream) abort(why frames.Code) {
	if s.wasReset || s.finished {
		return
	}
	s.wasReset, s.finished = true, true
	s.conn.out.Pending = frames.AppendReset(s.conn.out.Room(), s.id, why)
	s.conn.gone(s)
}

// data adds n bytes of the answer's body, as there is room for them, and its end.
func (s *stream) data(data mem.BufferSlice, n int, end bool) error {
	c := s.conn
	var rest []byte
	for n > 0 {
		size := min(n, s.window, c.window, frames.LeastSize)
		if size <= 0 || c.out.Full() {
			if err := s.wait(); err != nil {
				return err
			}
			continue
		}
		s.since = time.Time{}
		flags := uint8(0)
		if n -= size; n == 0 && end {
			flags, s.finished = frames.FlagEndStream, true
		}
		s.window -= size
		c.window -= size
		c.something(size)
		b := frames.Append(c.out.RoomFor(frames.HeaderSize+size), size, frames.Data, flags, s.id)
		for size > 0 {
			for len(rest) == 0 {
				rest, data = data[0].ReadOnlyData(), data[1:]
			}
			piece := rest[:min(size, len(rest))]
			b = append(b, piece...)
			rest, size = rest[len(piece):], size-len(piece)
		}
		c.out.Pending = b
	}
	return nil
}

// wait waits until there may be room for more.
func (s *stream) wait() error {
	c := s.conn
	if !c.out.writing && len(c.out.Pending) > 0 {
		c.flush() // the client grants nothing for what it has not got
		return s.failure
	}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	c.watch()
	if !s.waits {
		s.waits = true
		c.out.waiting = append(c.out.waiting, s)
	}
	s.cond.Wait()
	return s.failure
}

// fail ends the stream in both directions.
func (s *stream) fail(err error) {
	if s.failure == nil {
		s.failure = err
	}
	s.ended = true
	s.closeRead(err)
	s.scope.End()
	s.cond.Broadcast()
}

// panicked says that whatever was written is not the whole answer.
func (s *stream) panicked() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.abort(frames.InternalError)
	s.conn.send()
}

// close ends the stream when its handler has returned. Only an answer that was ended well ends so that it can be taken for whole. A client that
// has not sent all is told that it need not.
func (s *stream) close() {
	c := s.conn
	switch {
	case s.failure != nil || s.wasReset:
	case !s.finished:
		s.abort(frames.InternalError)
		c.send()
	case !s.ended:
		s.wasReset, s.ended = true, true
		c.out.Pending = frames.AppendReset(c.out.Room(), s.id, frames.NoError)
		c.send()
	}
	s.forget()
}

// forget frees what the stream holds, and what waits for it.
func (s *stream) forget() {
	s.closeRead(errClosed)
	if s.failure == nil {
		s.failure = errClosed
	}
	s.scope.End()
	s.conn.gone(s)
}

// gone takes a stream out that has ended in both directions, or was reset. The caller holds mu.
func (c *Conn) gone(s *stream) {
	if c.streams[s.id] == s {
		delete(c.streams, s.id)
		c.quieten()
	}
}

// watch looks after streams whose client takes nothing (threat D9). The caller holds mu.
func (c *Conn) watch() {
	if c.armed || c.over {
		return
	}
	c.armed = true
	if c.stalls == nil {
		c.stalls = time.AfterFunc(c.config.WriteStall, c.stalled)
		return
	}
	c.stalls.Reset(c.config.WriteStall)
}

func (c *Conn) stalled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	next := time.Duration(-1)
	for _, s := range c.streams {
		if s.since.IsZero() {
			continue
		}
		left := c.config.WriteStall - time.Since(s.since)
		if left <= 0 {
			s.abort(frames.Cancel)
			s.fail(errGone)
			continue
		}
		if next < 0 || left < next {
			next = left
		}
	}
	c.send()
	if next >= 0 && !c.over {
		c.armed = true
		c.stalls.Reset(next)
	}
}
