// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"google.golang.org/grpc/mem"
)

// Protocol is what a client speaks. It is immutable and used by many goroutines.
//
// A new protocol is a child package with a Protocol and a Framer, a row in the assembly, and
// protocoltest's contract.
type Protocol interface {
	// Name labels the protocol in logs and metrics: "grpc", "rest".
	Name() string
	// Accepts tells from the content type and the HTTP version whether a request is in this
	// protocol. It does not look at the path (T180).
	Accepts(r *Request) bool
	// Open resolves what a request calls: it sets the method, the metadata and the client's timeout of the call. It does not
	// read the body. It always returns a Framer; with an error, a *status.Error, the Framer is there to
	// say it in the protocol's own form.
	Open(m *Mux, c *Call) (Framer, error)
}

// Framer is the state of one call in its protocol: it turns the bytes of the
// request's body into messages, and messages into the bytes of the answer. It does no I/O, starts no goroutine and never waits,
// so it can be driven by a goroutine that reads and writes as well as by the events of a connection.
//
// Push, Next and Close are the request's half, the others the answer's half. Each half is used by one goroutine at a time; the
// two may run together.
type Framer interface {
	// Push takes the next piece of the body, whose ownership passes to the Framer, and says whether it
	// was the last. buf may be nil.
	Push(c *Call, buf mem.Buffer, last bool) error
	// Next returns the next whole message, whose ownership passes to the caller. Without a message and an
	// error, more of the body is needed; after the last piece there is io.EOF. Other errors are *status.Error.
	Next(c *Call) (m Message, ok bool, err error)
	// Close gives back what the request's half holds. Nothing of that half is called afterwards.
	Close()

	// Header says that the backend's header metadata, c.Header, has come. Protocols that hold the head back do nothing.
	Header(c *Call, out *Out)
	// Message adds a message of the answer; it takes its ownership. An error, a *status.Error, says that it cannot be
	// said in this protocol; the call then ends with it.
	Message(c *Call, m Message, out *Out) error
	// End adds the end of the answer: c.Err and c.Trailer, with a head if none was written. It always ends the out.
	End(c *Call, out *Out)
}
