// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

const (
	// excess is how much more than a head may have is read of it, so that it can be refused alone; the connection of one that goes on is closed.
	excess = 64 << 10
	// fieldOverhead is what a field has beside its name and value, as HTTP/2 counts (RFC 9113 section 6.5.2).
	fieldOverhead = 32
)

// block is a head, or trailers, that is being read.
type block struct {
	stream uint32 // 0 for none
	end    bool   // of the stream
	left   int    // of what a head may have
	size   int    // of what has come, encoded
	fields []hpack.HeaderField
}

// field is the decoder's.
func (b *block) field(f hpack.HeaderField) {
	if b.left -= len(f.Name) + len(f.Value) + fieldOverhead; b.left >= 0 {
		b.fields = append(b.fields, f)
	}
}

// headers reads the first frame of a head.
func (c *Conn) headers(f *frames.Frame) error {
	n, padding, err := c.content(f)
	if err != nil {
		return err
	}
	if _, err := c.stream(f.Stream); err != nil {
		return err
	}
	c.block.stream, c.block.end, c.block.left, c.block.size = f.Stream, f.Has(frames.FlagEndStream), c.config.MaxHeader, 0
	c.block.fields = c.block.fields[:0]
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
	if err := c.fragment(f.Length); err != nil {
		return err
	}
	return c.fragmentEnded(f)
}

// fragment decodes n bytes of a head.
func (c *Conn) fragment(n int) error {
	if c.block.size += n + frames.HeaderSize; c.block.size > c.config.MaxHeader+excess {
		return &connError{frames.EnhanceYourCalm, "a head is far too large"}
	}
	if err := c.need(n); err != nil {
		return err
	}
	_, err := c.decoder.Write(c.in[c.at : c.at+n])
	c.at += n
	if err != nil {
		return &connError{frames.CompressionError, "a head cannot be decoded"}
	}
	return nil
}

func (c *Conn) fragmentEnded(f *frames.Frame) error {
	if !f.Has(frames.FlagEndHeaders) {
		return nil
	}
	if c.decoder.Close() != nil {
		return &connError{frames.CompressionError, "a head cannot be decoded"}
	}
	b := &c.block
	id := b.stream
	b.stream = 0
	s := c.streams[id]
	switch {
	case s == nil: // it has ended
	case b.left < 0:
		s.answered = true
		s.abort(frames.EnhanceYourCalm, status.Newf(codes.Internal, "the answer's list of fields is larger than %d bytes", c.config.MaxHeader))
	case s.headed && !b.end:
		s.abort(frames.ProtocolError, status.New(codes.Internal, "a HEADERS frame cannot appear in the middle of a stream"))
	default:
		s.head(b)
	}
	if len(b.fields) > manyFields {
		b.fields = nil
	}
	return nil
}

// manyFields is for how many fields there is room from answer to answer.
const manyFields = 64
