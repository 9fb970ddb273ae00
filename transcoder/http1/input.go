// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// Sizes of what is read ahead. A connection has a buffer only while there is something in it.
const (
	smallIn  = 4 << 10
	middleIn = 16 << 10
	largeIn  = 64 << 10
)

// input is what was read of a connection and not used yet. It belongs to the connection's goroutine, but while a body is read to the one that
// does so.
type input struct {
	lent *[]byte // nil while nothing is there
	from int
	to   int

	raw      syscall.RawConn // the socket, where bytes pass through unchanged
	readable func(fd uintptr) bool
	n        int // what readable has read
	err      error
	first    [1]byte // where a socket that is not known waits
}

var (
	smallInputs  = sync.Pool{New: func() any { b := make([]byte, smallIn); return &b }}
	middleInputs = sync.Pool{New: func() any { b := make([]byte, middleIn); return &b }}
	largeInputs  = sync.Pool{New: func() any { b := make([]byte, largeIn); return &b }}
)

func bufferFrom(p *sync.Pool) *[]byte {
	b, ok := p.Get().(*[]byte)
	if !ok {
		panic("the pool has buffers alone") //nolint:forbidigo // it cannot be
	}
	return b
}

// bytes returns what is there.
func (in *input) bytes() []byte {
	if in.lent == nil {
		return nil
	}
	return (*in.lent)[in.from:in.to]
}

// used drops the first n bytes.
func (in *input) used(n int) {
	if in.from += n; in.from == in.to {
		in.free()
	}
}

// take moves what is there into p, as far as it fits.
func (in *input) take(p []byte) int {
	n := copy(p, in.bytes())
	if n > 0 {
		in.used(n)
	}
	return n
}

// free gives the buffer back, with what is in it.
func (in *input) free() {
	switch {
	case in.lent == nil:
		return
	case cap(*in.lent) == smallIn:
		smallInputs.Put(in.lent)
	case cap(*in.lent) == middleIn:
		middleInputs.Put(in.lent)
	case cap(*in.lent) == largeIn:
		largeInputs.Put(in.lent)
	}
	in.lent, in.from, in.to = nil, 0, 0
}

// room returns where more can be read to. A buffer that is full makes place for a larger one.
func (in *input) room() []byte {
	switch {
	case in.lent == nil:
		in.lent = bufferFrom(&smallInputs)
	case in.to < len(*in.lent):
	case in.from > 0:
		in.to = copy(*in.lent, (*in.lent)[in.from:in.to])
		in.from = 0
	default:
		var larger *[]byte
		switch len(*in.lent) {
		case smallIn:
			larger = bufferFrom(&middleInputs)
		case middleIn:
			larger = bufferFrom(&largeInputs)
		default: // the listener allows larger heads
			b := make([]byte, 2*len(*in.lent))
			larger = &b
		}
		n := copy(*larger, *in.lent)
		in.free()
		in.lent, in.to = larger, n
	}
	return (*in.lent)[in.to:]
}

// direct says that the socket may be read below whatever wraps it.
func (in *input) direct(socket syscall.Conn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	in.raw = raw
	in.readable = func(fd uintptr) bool {
		n, err, again := readSocket(fd, in.room())
		if again {
			if in.from == in.to {
				in.free()
			}
			return false
		}
		in.n, in.err = n, err
		return true
	}
}

// fill waits for bytes and adds them to what is there. While nothing is there, it waits without a buffer.
func (in *input) fill(socket net.Conn) error {
	if in.raw != nil {
		if err := in.raw.Read(in.readable); err != nil {
			return err
		}
		switch {
		case in.err != nil:
		case in.n == 0:
			in.err = io.EOF
		default:
			in.to += in.n
			return nil
		}
		if in.from == in.to {
			in.free()
		}
		return in.err
	}
	if in.lent == nil {
		n, err := socket.Read(in.first[:])
		if n > 0 {
			in.room()[0] = in.first[0]
			in.to++
			return nil
		}
		return err
	}
	n, err := socket.Read(in.room())
	if in.to += n; n > 0 {
		return nil
	}
	return err
}
