// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"errors"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Upgrader is what an Exchange may be beside: its connection can become one of messages in both directions, a WebSocket (RFC 6455).
type Upgrader interface {
	// Upgrade switches protocols and answers the request with that. subprotocol is the one that was chosen of those that the client
	// offered, "" for none; header are further fields of the answer. limit is the size in bytes of the largest message. Nothing of the Exchange
	// but Request is used afterwards. When it returns an error, the request was answered with it.
	Upgrade(subprotocol string, header wire.Header, limit int64) (Socket, error)
}

// Socket is a connection of messages. Read is called from one goroutine at a time, and so is Write; the two may run together, and the
// others at any time.
type Socket interface {
	// Read waits for the next message; text tells whether it is one of text, which is UTF-8 then. The caller frees it. It
	// answers pings meanwhile. At the end it returns a *SocketClosed; any other error says that the client is gone.
	Read(ctx context.Context) (text bool, data mem.Buffer, err error)
	// Write sends a message; it waits while the client is slow, up to the limit that the server has for that.
	Write(text bool, data []byte) error
	// Ping asks the client for a sign of life and waits for it. Read must be running.
	Ping(ctx context.Context) error
	// Close ends the connection with a code and a reason of at most 123 bytes, and waits a moment for the client's own end.
	Close(code int, reason string) error
	// Abort ends it at once.
	Abort()
}

// ErrMessageTooBig is what Read of a Socket returns for a message of more than the limit.
var ErrMessageTooBig = errors.New("the message is larger than the limit")

// SocketClosed says that the client has ended a Socket in order.
type SocketClosed struct {
	// Code and Reason are the client's.
	Code   int
	Reason string
}

// Error says so.
func (e *SocketClosed) Error() string { return "the client closed the socket" }

// Streamer is what a Framer may be beside: it brings the Stream of its calls, because its protocol is not one of a request's body and
// an answer's.
type Streamer interface {
	// Stream returns the client's side of a call that was opened without an error.
	Stream(c *Call, ex Exchange) Stream
}
