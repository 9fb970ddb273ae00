// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/grpc/mem"
)

// EnvelopeSize is the length in bytes of what stands before a message: one byte of
// flags and the message's length, four bytes, big-endian.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#requests, "Length-Prefixed-Message".
const EnvelopeSize = 5

// Flags of an envelope.
const (
	// FlagCompressed marks a message compressed with the call's encoding.
	FlagCompressed = 0x01
	// FlagEndStream marks Connect's last envelope.
	FlagEndStream = 0x02
	// FlagTrailer marks gRPC-Web's trailers.
	FlagTrailer = 0x80
)

// PutEnvelope writes the envelope of a message of n bytes into dst, which must
// have EnvelopeSize bytes.
func PutEnvelope(dst []byte, flags byte, n int) {
	dst[0] = flags
	binary.BigEndian.PutUint32(dst[1:EnvelopeSize], uint32(n)) //nolint:gosec // a message is never near 4 GiB: Config limits say so
}

// ErrTruncated says that a body ended inside an envelope or its message.
var ErrTruncated = errors.New("the body ends inside a message")

// TooLargeError says that a message is larger than the limit. It is found by
// the length prefix, before memory is taken (T196).
type TooLargeError struct {
	Size, Limit int64
}

// Error says the size and the bound.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("message of %d bytes is larger than the limit of %d", e.Size, e.Limit)
}

// Envelopes cuts a body into enveloped messages. Pieces of the body go in with
// Push, in any size, and messages come out with Next without being copied:
// they are slices of the pieces. It does no I/O and holds at most one
// incomplete message plus what was pushed.
type Envelopes struct {
	limit int64
	buf   mem.BufferSlice
	size  int64 // sum of the lengths in buf
	end   bool
}

// NewEnvelopes returns an Envelopes that refuses messages of more than limit bytes.
func NewEnvelopes(limit int64) Envelopes { return Envelopes{limit: limit} }

// Push adds the next piece of the body, whose ownership passes to the
// Envelopes, and says whether it was the last. buf may be nil.
func (e *Envelopes) Push(buf mem.Buffer, end bool) {
	if buf != nil {
		if n := buf.Len(); n > 0 {
			e.buf = append(e.buf, buf)
			e.size += int64(n)
		} else {
			buf.Free()
		}
	}
	e.end = e.end || end
}

// Next returns the next complete message and its flags; the caller frees it.
// With ok false and no error, more of the body is needed or, after the last
// piece, there is nothing left (Done tells which). Errors are *TooLargeError
// and ErrTruncated.
func (e *Envelopes) Next() (msg mem.BufferSlice, flags byte, ok bool, err error) {
	if e.size < EnvelopeSize {
		if e.end && e.size > 0 {
			return nil, 0, false, ErrTruncated
		}
		return nil, 0, false, nil
	}
	var head [EnvelopeSize]byte
	e.peek(head[:])
	n := int64(binary.BigEndian.Uint32(head[1:]))
	if n > e.limit {
		return nil, 0, false, &TooLargeError{Size: n, Limit: e.limit}
	}
	if e.size < EnvelopeSize+n {
		if e.end {
			return nil, 0, false, ErrTruncated
		}
		return nil, 0, false, nil
	}
	e.drop(EnvelopeSize)
	return e.cut(int(n)), head[0], true, nil
}

// Done tells whether the last piece was pushed and everything was taken.
func (e *Envelopes) Done() bool { return e.end && e.size == 0 }

// Free gives back what was pushed and not taken.
func (e *Envelopes) Free() {
	e.buf.Free()
	e.buf, e.size = nil, 0
}

// peek copies the first len(dst) bytes, which must be there.
func (e *Envelopes) peek(dst []byte) {
	for _, b := range e.buf {
		n := copy(dst, b.ReadOnlyData())
		if dst = dst[n:]; len(dst) == 0 {
			return
		}
	}
}

// drop removes the first n bytes, which must be there.
func (e *Envelopes) drop(n int) {
	e.size -= int64(n)
	for n > 0 {
		b := e.buf[0]
		if l := b.Len(); l <= n {
			n -= l
			b.Free()
			e.shift()
			continue
		}
		left, right := mem.SplitUnsafe(b, n)
		left.Free()
		e.buf[0] = right
		return
	}
}

// cut removes the first n bytes, which must be there, and returns them.
func (e *Envelopes) cut(n int) mem.BufferSlice {
	e.size -= int64(n)
	msg := mem.BufferSlice{}
	for n > 0 {
		b := e.buf[0]
		if l := b.Len(); l <= n {
			n -= l
			msg = append(msg, b)
			e.shift()
			continue
		}
		left, right := mem.SplitUnsafe(b, n)
		msg = append(msg, left)
		e.buf[0] = right
		return msg
	}
	return msg
}

// shift forgets the first piece and keeps the room of the slice.
func (e *Envelopes) shift() {
	copy(e.buf, e.buf[1:])
	e.buf[len(e.buf)-1] = nil
	e.buf = e.buf[:len(e.buf)-1]
}

// Bound says the limit alone, for bodies whose size is not known.
func (e *TooLargeError) Bound() string {
	return fmt.Sprintf("message is larger than the limit of %d bytes", e.Limit)
}
