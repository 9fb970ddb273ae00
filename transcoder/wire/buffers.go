// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"sync"

	"google.golang.org/grpc/mem"
)

// Sizes of pooled buffers: what is appended to starts with startBuffer bytes of room, and what grew beyond
// keepBuffer is left to the garbage collector, so that one large answer does not stay for ever.
const (
	startBuffer = 4 << 10
	keepBuffer  = 256 << 10
)

// Buffers is a pool of buffers to append to. It is a mem.BufferPool, so that what was appended can leave as
// a mem.Buffer that finds its way back. The zero value is ready; it is safe for concurrent use.
type Buffers struct {
	pool sync.Pool
}

var _ mem.BufferPool = (*Buffers)(nil)

// Take returns an empty buffer with room.
func (b *Buffers) Take() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		*p = (*p)[:0]
		return p
	}
	data := make([]byte, 0, startBuffer)
	return &data
}

// Get returns a buffer of that length.
func (b *Buffers) Get(length int) *[]byte {
	p := b.Take()
	if cap(*p) < length {
		*p = make([]byte, length)
	}
	*p = (*p)[:length]
	return p
}

// Put takes a buffer back.
func (b *Buffers) Put(p *[]byte) {
	if cap(*p) <= keepBuffer {
		b.pool.Put(p)
	}
}
