// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package frames

import "sync"

const (
	// Enough is how much is gathered before streams wait until it has left: who takes that much has not stalled.
	Enough = 64 << 10
	// smallRoom is the room for frames at first.
	smallRoom = 4 << 10
	// largeRoom is that for frames that do not fit: what is gathered may have one frame more than is enough.
	largeRoom = Enough + 2*LeastSize
)

// Output gathers the frames that a connection is to send, in buffers from pools. The zero value is empty. It is not safe for concurrent use.
type Output struct {
	// Pending is what is gathered. What is added to it is appended to what Room or RoomFor returns.
	Pending []byte

	lent *[]byte // what Pending began as; it has no length, and whatever is appended to it leaves that so
}

// Batch is what was taken out of an Output.
type Batch struct {
	// Bytes are the frames.
	Bytes []byte

	lent *[]byte
}

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, 0, smallRoom); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, largeRoom); return &b }}
)

func lend(p *sync.Pool) *[]byte {
	b, ok := p.Get().(*[]byte)
	if !ok {
		panic("the pool has buffers alone") //nolint:forbidigo // it cannot be
	}
	return b
}

// Full tells whether so much is gathered that what is added must wait.
func (o *Output) Full() bool { return len(o.Pending) >= Enough }

// Room returns what is gathered, to be appended to.
func (o *Output) Room() []byte {
	if o.lent == nil {
		o.lent = lend(&smallBuffers)
		o.Pending = *o.lent
	}
	return o.Pending
}

// RoomFor returns it with room for n bytes more, as long as there is less than enough and n is that of a frame.
func (o *Output) RoomFor(n int) []byte {
	b := o.Room()
	if cap(b)-len(b) >= n || cap(*o.lent) > smallRoom {
		return b
	}
	small := o.lent
	o.lent = lend(&largeBuffers)
	o.Pending = append(*o.lent, b...)
	smallBuffers.Put(small)
	return o.Pending
}

// Take takes out what is gathered.
func (o *Output) Take() Batch {
	b := Batch{o.Pending, o.lent}
	o.Pending, o.lent = nil, nil
	return b
}

// Free gives back the buffer, once nobody reads Bytes any more. What that has grown to is dropped.
func (b *Batch) Free() {
	switch {
	case b.lent == nil:
	case cap(*b.lent) == smallRoom:
		smallBuffers.Put(b.lent)
	default:
		largeBuffers.Put(b.lent)
	}
	b.Bytes, b.lent = nil, nil
}
