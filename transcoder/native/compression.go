// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"compress/gzip"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// acceptEncoding lists the encodings in which requests may come.
const acceptEncoding = "identity,gzip"

// Bounds of decompression (threat E8): past ratioFrom bytes a message may be at most maxRatio times what came.
const (
	ratioFrom = 1 << 20
	maxRatio  = 100
)

func (f *framer) setEncoding(name string) error {
	switch name {
	case "", "identity":
		return nil
	case "gzip":
		f.inflate = gunzip
		return nil
	default:
		return status.Errorf(codes.Unimplemented, status.ReasonUnsupported,
			"grpc-encoding %.32q is not supported; supported are %s", name, acceptEncoding)
	}
}

// gunzip decompresses a message; the limits hold while it does, before memory is taken.
func gunzip(m transcoder.Message, limit int64) (transcoder.Message, error) {
	compressed := int64(m.Data.Len())
	if compressed == 0 {
		return m, nil // T191: a zero-length body is not decompressed
	}
	limit = min(limit, max(ratioFrom, compressed*maxRatio))
	src := m.Data.Reader()
	defer func() { _ = src.Close() }()
	m.Free()
	data, err := inflate(src, limit)
	if err != nil {
		return transcoder.Message{}, err
	}
	return transcoder.Message{Data: data}, nil
}

func inflate(src io.Reader, limit int64) (mem.BufferSlice, error) {
	z, err := gzip.NewReader(src)
	if err != nil {
		return nil, notGzip(err)
	}
	data, err := mem.ReadAll(io.LimitReader(z, limit+1), mem.DefaultBufferPool())
	if err != nil {
		data.Free()
		return nil, notGzip(err)
	}
	if int64(data.Len()) > limit {
		data.Free()
		return nil, status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge,
			"message is larger than the limit of %d bytes, or than %d times its compressed size", limit, maxRatio)
	}
	return data, nil
}

// notGzip does not wrap the error: data that end too soon are io.EOF to gzip, which is the good end of a stream to all others.
func notGzip(err error) error {
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonBadRequest,
		Message: "message cannot be decompressed with gzip", Cause: errors.New("gzip: " + err.Error()),
	}
}
