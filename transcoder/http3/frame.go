// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"errors"
	"io"

	"github.com/quic-go/quic-go/quicvarint"
)

// Kinds of frames (RFC 9114 section 7.2).
const (
	frameData        = 0x00
	frameHeaders     = 0x01
	frameCancelPush  = 0x03
	frameSettings    = 0x04
	framePushPromise = 0x05
	frameGoAway      = 0x07
	frameMaxPushID   = 0x0d
)

// maxIdleFrames is how many frames in a row may bring nothing: those that nobody knows, which extensions and grease are made of, and empty
// ones. They cost their sender next to nothing (threat D5).
const maxIdleFrames = 100

// input reads frames, and what is in them, from one half of a stream. It is not buffered: what a frame holds is read where it is
// wanted, straight from QUIC's own buffers.
type input struct {
	r       io.Reader
	scratch [8]byte
	idle    int // frames that brought nothing, since one did
}

// integer reads a variable-length integer. io.EOF says that there is none; one that breaks off is io.ErrUnexpectedEOF.
func (in *input) integer() (uint64, error) {
	first := in.scratch[:1]
	if _, err := io.ReadFull(in.r, first); err != nil {
		return 0, err
	}
	whole := in.scratch[:1<<(first[0]>>6)]
	if _, err := io.ReadFull(in.r, whole[1:]); err != nil {
		return 0, cutShort(err)
	}
	value, _, err := quicvarint.Parse(whole)
	return value, err
}

// frame reads the header of a frame. io.EOF says that the stream ends where one could begin.
func (in *input) frame() (kind, length uint64, err error) {
	if kind, err = in.integer(); err != nil {
		return 0, 0, err
	}
	if length, err = in.integer(); err != nil {
		return 0, 0, cutShort(err)
	}
	return kind, length, nil
}

// skip reads over what is in a frame that means nothing to us.
func (in *input) skip(length uint64) error {
	_, err := io.CopyN(io.Discard, in.r, int64(length)) //nolint:gosec // it has 62 bits
	return cutShort(err)
}

// bringsNothing counts a frame; it reports an error when there are too many.
func (in *input) bringsNothing() error {
	if in.idle++; in.idle > maxIdleFrames {
		return &connError{connExcessiveLoad, "too many frames that bring nothing"}
	}
	return nil
}

// cutShort says that an end came where none can be.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// reservedByHTTP2 tells whether a frame has a number that means something in HTTP/2 alone (RFC 9114 section 7.2.8).
func reservedByHTTP2(kind uint64) bool {
	return kind == 0x02 || kind == 0x06 || kind == 0x08 || kind == 0x09
}

// appendFrame appends the header of a frame.
func appendFrame(b []byte, kind, length uint64) []byte {
	return quicvarint.Append(quicvarint.Append(b, kind), length)
}
