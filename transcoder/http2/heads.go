// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// excess is how much more than a head may have is read of it, so that it can be refused alone; the connection of one that goes on is closed
// (threat D4).
const excess = 64 << 10

// manyFields is for how many fields there is room at first.
const manyFields = 16

// headBlock is a head, or trailers, that is being read.
type headBlock struct {
	stream   uint32 // 0 for none
	end      bool   // of the stream
	trailers bool

	head  head.Head
	left  int // of what a head may have
	size  int // of what has come, encoded
	large bool
	wrong error
}

// field is the decoder's.
func (b *headBlock) field(f hpack.HeaderField) {
	b.left -= len(f.Name) + len(f.Value) + head.FieldOverhead
	if b.large = b.left < 0; b.large || b.trailers || b.wrong != nil {
		return
	}
	b.wrong = b.head.Add(f.Name, f.Value)
}

// headers reads the first frame of a head.
func (c *Conn) headers(f *frames.Frame) error {
	if f.Stream%2 == 0 {
		return &connError{frames.ProtocolError, "HEADERS of a stream that no client begins"}
	}
	n, padding, err := c.content(f)
	if err != nil {
		return err
	}
	c.block = headBlock{stream: f.Stream, end: f.Has(frames.FlagEndStream), left: c.config.headLimit()}
	c.mu.Lock()
	if f.Stream <= c.newest {
		c.block.trailers = true
	} else {
		c.newest = f.Stream
		c.block.head = head.Head{Length: -1, Most: c.config.Limits.Fields(), Fields: make(wire.Header, 0, manyFields)}
	}
	c.something(0)
	c.mu.Unlock()
	if err := c.fragment(n); err != nil {
		return err
	}
	if err := c.discard(padding); err != nil {
		return err
	}
	return c.fragmentEnded(f)
}

func (c *Conn) continuation(f *frames.Frame) error {
	if c.block.stream == 0 {
		return &connError{frames.ProtocolError, "CONTINUATION of no head"}
	}
	if f.Length == 0 {
		c.mu.Lock()
		err := c.nothing()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if err := c.fragment(f.Length); err != nil {
		return err
	}
	return c.fragmentEnded(f)
}

// needHead waits for so many bytes of a head, which has so long to come (threat D7).
func (c *Conn) needHead(n int) error {
	if c.in.Buffered() < n {
		c.hurry()
	}
	return cutShort(c.need(n))
}

func (c *Conn) hurry() {
	if c.due.IsZero() {
		c.due = time.Now().Add(c.config.HeaderTimeout)
		c.wakeAt(c.due)
	}
}

// fragment decodes n bytes of a head.
func (c *Conn) fragment(n int) error {
	if c.block.size += n; c.block.size > c.config.headLimit()+excess {
		return &connError{frames.EnhanceYourCalm, "a head is far too large"}
	}
	for n > 0 {
		piece := min(n, readSize)
		if err := c.needHead(piece); err != nil {
			return err
		}
		p, _ := c.in.Peek(piece)
		if _, err := c.decoder.Write(p); err != nil {
			return &connError{frames.CompressionError, "the fields of a head cannot be read"}
		}
		_, _ = c.in.Discard(piece) // they were peeked
		n -= piece
	}
	return nil
}

// fragmentEnded begins a stream, or ends one, when its head is whole.
func (c *Conn) fragmentEnded(f *frames.Frame) error {
	if !f.Has(frames.FlagEndHeaders) {
		c.hurry()
		return nil
	}
	c.due = time.Time{}
	b := c.block
	c.block = headBlock{}
	if err := c.decoder.Close(); err != nil {
		return &connError{frames.CompressionError, "the fields of a head cannot be read"}
	}
	if b.trailers {
		return c.trailers(&b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.last:
		c.out.Pending = frames.AppendReset(c.out.Room(), b.stream, frames.RefusedStream)
		c.send()
		return c.nothing()
	case len(c.streams) >= c.config.MaxStreams:
		return &streamError{b.stream, frames.RefusedStream, "too many streams"}
	case b.large, b.head.Many() && c.config.Limits.DropInvalidHeaders: // after some are dropped it would not be seen that there are too many
		return c.tooLarge(&b)
	}
	if b.wrong == nil {
		b.wrong = b.head.Check()
	}
	if b.wrong != nil {
		return &streamError{b.stream, frames.ProtocolError, b.wrong.Error()}
	}
	if b.end && b.head.Length > 0 {
		return &streamError{b.stream, frames.ProtocolError, errTooShort.Error()}
	}
	if b.end {
		b.head.Length = 0
	}
	c.begin(newStream(c, &b))
	return nil
}

// tooLarge answers as HTTP/1.1 does. The caller holds mu.
func (c *Conn) tooLarge(b *headBlock) error {
	flags := uint8(0)
	if b.end {
		flags = frames.FlagEndStream
	}
	c.out.head(c, b.stream, http.StatusRequestHeaderFieldsTooLarge, nil, 0, frames.FlagEndStream)
	if flags == 0 {
		c.out.Pending = frames.AppendReset(c.out.Room(), b.stream, frames.NoError)
	}
	c.send()
	return c.takenBack()
}

// trailers ends a stream. Nothing of a request stands in its trailers.
func (c *Conn) trailers(b *headBlock) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[b.stream]
	switch {
	case s == nil:
		return c.nothing() // it has ended, and this was on its way
	case s.ended:
		return &streamError{b.stream, frames.StreamClosed, "HEADERS behind the end of a stream"}
	case !b.end:
		return &streamError{b.stream, frames.ProtocolError, "trailers do not end the stream"}
	case b.large:
		return &streamError{b.stream, frames.ProtocolError, "the trailers are too large"}
	}
	return s.arrived(nil, 0, true)
}

// errTooLong and errTooShort say that a body is not as long as its content-length says.
var (
	errTooLong  = head.Malformed("the body is longer than content-length says")
	errTooShort = head.Malformed("the body is shorter than content-length says")
	errClosed   = errors.New("the rest of the request is not wanted")
)
