// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package compression

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// brotliLevel is a level at which brotli is about as fast as gzip.
const brotliLevel = 3

// decoder and encoder are what the three libraries agree on. They are used again: each has tables of many kilobytes.
type decoder interface {
	io.Reader
	Reset(src io.Reader) error
}

type encoder interface {
	io.WriteCloser
	Reset(dst io.Writer)
}

// encodings are in the order in which Known lists them.
var encodings = [...]Encoding{
	{
		name:     Gzip,
		decoders: newPool(func() decoder { return new(gzip.Reader) }, releaseDecoder),
		encoders: newPool(func() encoder {
			w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
			return must(w, err)
		}, releaseEncoder),
	},
	{
		name:     Brotli,
		decoders: newPool(func() decoder { return brotli.NewReader(nil) }, releaseDecoder),
		encoders: newPool(func() encoder { return brotli.NewWriterLevel(nil, brotliLevel) }, releaseEncoder),
		check:    checkBrotli,
	},
	{
		name: Zstd,
		decoders: newPool(func() decoder {
			// With a concurrency of one there are no goroutines. MaxMemory bounds the window of frames that are one segment.
			r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
			return must(r, err)
		}, releaseDecoder),
		encoders: newPool(func() encoder {
			w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
			return must(w, err)
		}, releaseEncoder),
	},
}

// checkBrotli refuses a window that is too large: the decoder allocates a ring of up to that size when the first block only says
// that it is long.
//
// https://www.rfc-editor.org/rfc/rfc7932#section-9.1
func checkBrotli(first byte) error {
	if first&1 == 0 || first>>1&7 == 0 {
		return nil // 64 KiB or less, 128 KiB, or a form that the decoder refuses
	}
	if size := 1 << (17 + first>>1&7); size > maxWindow {
		return fmt.Errorf("window of %d bytes is larger than the limit of %d", size, maxWindow)
	}
	return nil
}

// releaseDecoder makes a decoder forget its source, so that it does not keep a message.
func releaseDecoder(d decoder) { _ = d.Reset(strings.NewReader("")) }

func releaseEncoder(e encoder) { e.Reset(io.Discard) }

// must is for options that are constants.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err) //nolint:forbidigo // a constant is out of its range: the first test finds it
	}
	return v
}

// pool is a sync.Pool that knows what it holds.
type pool[T any] struct {
	pool    sync.Pool
	release func(T)
}

func newPool[T any](make func() T, release func(T)) *pool[T] {
	return &pool[T]{pool: sync.Pool{New: func() any { return make() }}, release: release}
}

func (p *pool[T]) take() T {
	v, _ := p.pool.Get().(T) // nothing else is in it
	return v
}

func (p *pool[T]) put(v T) {
	p.release(v)
	p.pool.Put(v)
}
