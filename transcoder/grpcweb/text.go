// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcweb

import (
	"encoding/base64"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// quantum is how many characters of base64 stand for up to three bytes.
const quantum = 4

// decoder reads a body in base64 in whatever pieces it comes. The body is a sequence of units that are each base64 with padding, so
// padding may come in its middle (T185).
type decoder struct {
	rest [quantum]byte // the beginning of a quantum
	n    int           // how much of it there is
}

// decode returns the bytes of a piece of the body, and takes the ownership of the piece; either may be nil.
func (d *decoder) decode(buf mem.Buffer, last bool) (mem.Buffer, error) {
	var out *[]byte
	if buf != nil {
		defer buf.Free()
		out = buffers.Get((d.n+buf.Len())/quantum*3 + 3)
		*out = (*out)[:0]
		var err error
		if *out, err = d.append(*out, buf.ReadOnlyData()); err != nil {
			buffers.Put(out)
			return nil, err
		}
	}
	if last && d.n > 0 {
		if out != nil {
			buffers.Put(out)
		}
		return nil, status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "the body ends inside four characters of base64")
	}
	switch {
	case out == nil:
		return nil, nil //nolint:nilnil // nothing is no error
	case len(*out) == 0:
		buffers.Put(out)
		return nil, nil //nolint:nilnil // likewise
	}
	return mem.NewBuffer(out, &buffers), nil
}

func (d *decoder) append(dst, src []byte) ([]byte, error) {
	if d.n > 0 {
		taken := copy(d.rest[d.n:], src)
		src = src[taken:]
		if d.n += taken; d.n < quantum {
			return dst, nil
		}
		d.n = 0
		var err error
		if dst, err = appendUnits(dst, d.rest[:]); err != nil {
			return dst, err
		}
	}
	whole := len(src) / quantum * quantum
	d.n = copy(d.rest[:], src[whole:])
	return appendUnits(dst, src[:whole])
}

// appendUnits decodes whole quanta, a run of them up to the next padding at a time.
func appendUnits(dst, src []byte) ([]byte, error) {
	for len(src) > 0 {
		end := quantum
		for end < len(src) && src[end-1] != '=' {
			end += quantum
		}
		var err error
		for i := range src[:end] {
			if src[i] == '\r' || src[i] == '\n' { // which the decoder would skip
				return dst, notBase64()
			}
		}
		if dst, err = base64.StdEncoding.AppendDecode(dst, src[:end]); err != nil {
			return dst, notBase64()
		}
		src = src[end:]
	}
	return dst, nil
}

func notBase64() error {
	return status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "the body is not base64")
}

// encodeText returns data in base64, in one buffer.
func encodeText(data mem.BufferSlice) mem.Buffer {
	out := buffers.Get(base64.StdEncoding.EncodedLen(data.Len()))
	dst := (*out)[:0]
	var rest [3]byte // what does not make three bytes with what came before
	n := 0
	for _, b := range data {
		src := b.ReadOnlyData()
		if n > 0 {
			taken := copy(rest[n:], src)
			src = src[taken:]
			if n += taken; n < len(rest) {
				continue
			}
			dst = base64.StdEncoding.AppendEncode(dst, rest[:])
		}
		whole := len(src) / len(rest) * len(rest)
		dst = base64.StdEncoding.AppendEncode(dst, src[:whole])
		n = copy(rest[:], src[whole:])
	}
	*out = base64.StdEncoding.AppendEncode(dst, rest[:n])
	return mem.NewBuffer(out, &buffers)
}
