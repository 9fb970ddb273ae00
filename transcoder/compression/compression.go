// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package compression provides the compressions of messages, and holds what is decompressed to limits.
package compression

import (
	"errors"
	"io"
	"iter"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Names of the encodings, as they stand on the wire. Identity is none.
const (
	Identity = "identity"
	Gzip     = "gzip"
	Brotli   = "br"
	Zstd     = "zstd"
)

// Known lists the encodings in which messages may come.
const Known = "gzip,br,zstd"

// Bounds of decompression (threat E8).
const (
	// ratioFrom and maxRatio: past ratioFrom bytes a message may be at most maxRatio times what came.
	ratioFrom = 1 << 20
	maxRatio  = 100
	// maxWindow is the size of the largest window that a decoder allocates because a message says so, whatever its own size.
	// https://www.rfc-editor.org/rfc/rfc9659#section-3 has it for zstd.
	maxWindow = 8 << 20
)

// Encoding is one compression. It is immutable and safe for concurrent use.
type Encoding struct {
	name     string
	decoders *pool[decoder]
	encoders *pool[encoder]
	check    func(first byte) error // looks at the first byte before a decoder does; may be nil
}

// Find returns the encoding of a name, and nil for names that are not known, identity among them.
func Find(name string) *Encoding {
	for i := range encodings {
		if encodings[i].name == name {
			return &encodings[i]
		}
	}
	return nil
}

// Accepted yields the known encodings of an Accept-Encoding, grpc-accept-encoding or Connect-Accept-Encoding in its order, which is
// the client's preference. Those with a weight of zero are left out; other weights are not looked at.
//
// https://connectrpc.com/docs/protocol#unary-request, "Accept-Encoding".
func Accepted(list string) iter.Seq[*Encoding] {
	return func(yield func(*Encoding) bool) {
		for item := range strings.SplitSeq(list, ",") {
			name, weight, _ := strings.Cut(item, ";")
			if refused(weight) {
				continue
			}
			if e := Find(strings.ToLower(strings.TrimSpace(name))); e != nil && !yield(e) {
				return
			}
		}
	}
}

// refused tells whether a weight is zero: "q=0", "q=0.000".
func refused(weight string) bool {
	value, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=0")
	return ok && strings.Trim(value, ".0") == ""
}

// Name returns the name as it stands on the wire.
func (e *Encoding) Name() string { return e.name }

// Decompress returns what data hold, decompressed; it takes the ownership of data. A message of no bytes is not decompressed
// (T191). The limit holds while it works, before memory is taken. Errors are *status.Error.
func (e *Encoding) Decompress(data mem.BufferSlice, limit int64) (mem.BufferSlice, error) {
	defer data.Free()
	if data.Len() == 0 {
		return nil, nil
	}
	var out mem.BufferSlice
	err := e.read(data, limit, func(src io.Reader) (n int64, err error) {
		out, err = mem.ReadAll(src, buffers.Pool)
		return int64(out.Len()), err
	})
	if err != nil {
		out.Free()
		return nil, err
	}
	return out, nil
}

// Check tells whether data can be decompressed within a limit, as Decompress would. It keeps nothing of it and leaves data as
// they are.
func (e *Encoding) Check(data mem.BufferSlice, limit int64) error {
	if data.Len() == 0 {
		return nil
	}
	return e.read(data, limit, func(src io.Reader) (int64, error) { return io.Copy(io.Discard, src) })
}

// read has all of data decompressed and given to take, up to one byte more than is allowed.
func (e *Encoding) read(data mem.BufferSlice, limit int64, take func(io.Reader) (int64, error)) error {
	limit = min(limit, max(ratioFrom, int64(data.Len())*maxRatio))
	if e.check != nil {
		if err := e.check(firstByte(data)); err != nil {
			return e.broken(err)
		}
	}
	src := data.Reader()
	defer func() { _ = src.Close() }()
	z := e.decoders.take()
	defer e.decoders.put(z)
	if err := z.Reset(src); err != nil {
		return e.broken(err)
	}
	n, err := take(io.LimitReader(z, limit+1))
	switch {
	case err != nil:
		return e.broken(err)
	case n > limit:
		return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge,
			"message is larger than the limit of %d bytes, or than %d times its compressed size", limit, maxRatio)
	}
	return nil
}

// firstByte returns the first byte of data that have one.
func firstByte(data mem.BufferSlice) byte {
	for _, b := range data {
		if b.Len() > 0 {
			return b.ReadOnlyData()[0]
		}
	}
	return 0
}

// broken does not wrap the error: data that end too soon are io.EOF to decoders, which is the good end of a stream to all others.
func (e *Encoding) broken(err error) error {
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonBadRequest,
		Message: "message cannot be decompressed with " + e.name, Cause: errors.New(e.name + ": " + err.Error()),
	}
}

// Compress returns data compressed, and leaves them as they are. It is made for speed: who wants a message small compresses it
// once, where it is made.
func (e *Encoding) Compress(data mem.BufferSlice) (mem.BufferSlice, error) {
	var out mem.BufferSlice
	err := e.CompressTo(mem.NewWriter(&out, buffers.Pool), data)
	if err != nil {
		out.Free()
		return nil, err
	}
	return out, nil
}

// CompressTo is Compress to a writer.
func (e *Encoding) CompressTo(dst io.Writer, data mem.BufferSlice) error {
	z := e.encoders.take()
	defer e.encoders.put(z)
	z.Reset(dst)
	for _, b := range data {
		if _, err := z.Write(b.ReadOnlyData()); err != nil {
			return err
		}
	}
	return z.Close()
}
