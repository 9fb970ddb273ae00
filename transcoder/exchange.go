// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Exchange is one HTTP request and its answer, whoever serves it. It is the seam in front of
// the call path: nothing behind it knows net/http or HTTP/2 frames.
//
// Read is called from one goroutine at a time and Write from one at a time; the two may
// run together. CloseRead may be called from any goroutine.
type Exchange interface {
	// Request returns the head. It stays as it is for the life of the exchange.
	Request() *Request
	// Context ends when the client goes away or the exchange is over.
	Context() context.Context
	// Read waits for the next piece of the body and returns it; the caller frees it. At the end it
	// returns io.EOF, alone or with the last piece. Any other error says that the body is broken or the client gone.
	Read() (mem.Buffer, error)
	// CloseRead makes a Read that waits, and all later ones, return an error.
	CloseRead()
	// Write sends what out holds, in its order: the head if there is one, data, trailers, the end. It waits
	// while the client is slow. It frees out.Data. After an error the client is gone or too slow, and nothing more can be sent.
	Write(out *Out) error
}

// Out is what a protocol wants written. A Framer fills it; an Exchange writes
// it and the Stream resets it.
type Out struct {
	// Status and Header are the head of the answer. A Status of 0 says that there is no head in this Out.
	Status int
	Header wire.Header
	// Data is written after the head; whoever writes it frees it.
	Data mem.BufferSlice
	// Flush asks that everything up to here leaves now.
	Flush bool
	// Trailer is sent after the last data; only with End.
	Trailer wire.Header
	// End says how the answer ends, if it does.
	End End
}

// End says how an answer ends.
type End uint8

const (
	// EndNone says that more follows.
	EndNone End = iota
	// EndClean ends the answer so that the client knows that it is whole.
	EndClean
	// EndAbort ends it so that the client knows that it is not: a stream reset in HTTP/2, a connection
	// closed without the final chunk in HTTP/1.1 (T128, T136).
	EndAbort
)

// Reset empties the Out and keeps its room.
func (o *Out) Reset() {
	clear(o.Data)
	*o = Out{Header: o.Header[:0], Data: o.Data[:0], Trailer: o.Trailer[:0]}
}
