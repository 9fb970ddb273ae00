// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package buffers provides the memory that messages are read into: buffers that are used again, as whoever had them before has left them.
package buffers

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/race"
)

const (
	// smallest and largest are the sizes of buffers that are used again, as powers of two, and there are all powers between: 2 KiB, since mem.NewBuffer does
	// not give back what has 1 KiB, to 4 MiB, which is how large a message may be unless it is said otherwise.
	smallest, largest = 11, 22
	// small is up to which length a buffer is cheaper to make than to keep.
	small = 256
	// dead is what buffers that nobody uses are filled with when races are looked for: who reads one that was given back sees it.
	dead = 0xdb
)

// Pool has buffers. Unlike gRPC's own it does not clear them, which costs as much as filling them: whoever asks for one writes all that is read of it.
//
// Get returns a buffer of a length; Put takes one back, of whatever length it is then, if it came from here, and drops any other. Both are safe for
// concurrent use.
var Pool mem.BufferPool = &pool{} //nolint:gochecknoglobals // all share it

type pool struct {
	sizes [largest - smallest + 1]sync.Pool // of *[]byte
}

func (p *pool) Get(length int) *[]byte {
	if length <= small || length > 1<<largest {
		b := make([]byte, length)
		return &b
	}
	i := max(bits.Len(uint(length-1))-smallest, 0) //nolint:gosec // it is not below zero
	if b, ok := p.sizes[i].Get().(*[]byte); ok {
		*b = (*b)[:length]
		return b
	}
	b := make([]byte, length, 1<<(i+smallest))
	return &b
}

func (p *pool) Put(b *[]byte) {
	size := cap(*b)
	i := bits.TrailingZeros(uint(size)) - smallest //nolint:gosec // it is not below zero
	if i < 0 || i >= len(p.sizes) || size != 1<<(i+smallest) {
		return
	}
	*b = (*b)[:size]
	if race.Enabled {
		(*b)[0] = dead
		for n := 1; n < size; n *= 2 {
			copy((*b)[n:], (*b)[:n])
		}
	}
	p.sizes[i].Put(b)
}
