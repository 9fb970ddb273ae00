// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"sync"

	"google.golang.org/grpc/mem"
)

// pool gives buffers away and knows how many are out. What comes back is overwritten, so that who still reads it reads nonsense.
type pool struct {
	mu  sync.Mutex
	out int // guarded by mu, as is the next
	len int // bytes that are out
}

var _ mem.BufferPool = (*pool)(nil)

// roomy is the least capacity of a buffer: grpc-go does not give smaller ones back.
const roomy = 4 << 10

func (p *pool) Get(length int) *[]byte {
	data := make([]byte, length, max(length, roomy))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out++
	p.len += length
	return &data
}

func (p *pool) Put(data *[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out--
	p.len -= len(*data)
	all := (*data)[:cap(*data)]
	for i := range all {
		all[i] = 0xAA
	}
}

// buffer makes a buffer of the pool with a copy of data.
func (p *pool) buffer(data []byte) mem.Buffer {
	b := p.Get(len(data))
	copy(*b, data)
	return mem.NewBuffer(b, p)
}

// outstanding returns how many buffers, and bytes, have not come back.
func (p *pool) outstanding() (buffers, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out, p.len
}
