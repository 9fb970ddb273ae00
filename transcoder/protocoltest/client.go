// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// patience is how long something may take that must come at once.
const patience = 10 * time.Second

// SocketMessage is a message of a WebSocket.
type SocketMessage struct {
	Text bool
	Data []byte
}

// SocketAnswer is what the client of a WebSocket has got.
type SocketAnswer struct {
	Messages []SocketMessage
	// Code and Reason are those of the close frame; Code is 0 where none came.
	Code   int
	Reason string
}

// Socket is how a protocol of WebSockets has its calls on the wire.
type Socket struct {
	// Messages puts messages, which are in protobuf, on the wire; End is what says that they were all.
	Messages func(t testing.TB, messages [][]byte) []SocketMessage
	End      SocketMessage
	// Answer reads an answer as a client does.
	Answer func(t testing.TB, a *SocketAnswer) Outcome
}

// client is the far end of a Stream, in memory: an Exchange, and a Socket where the protocol wants one.
type client struct {
	*contract

	request *transcoder.Request
	pool    pool
	t       testing.TB

	ctx    context.Context //nolint:containedctx // it is what Context returns
	cancel context.CancelFunc
	pieces chan piece
	unread chan struct{} // closed when nothing more is read
	shut   sync.Once

	mu       sync.Mutex
	writer   writer       // guarded by mu, as is the next
	socket   SocketAnswer // of a connection that is one
	upgraded bool
}

// piece is what a client has sent.
type piece struct {
	data []byte
	text bool
	last bool
}

var (
	errUnread   = errors.New("nothing more is read")
	errVanished = errors.New("the client is gone")
)

func newClient(t testing.TB, c *contract, r *transcoder.Request) *client {
	t.Helper()
	k := &client{contract: c, request: r, t: t, pieces: make(chan piece, 100), unread: make(chan struct{})}
	k.ctx, k.cancel = context.WithCancel(t.Context())
	return k
}

// say sends messages.
func (k *client) say(t testing.TB, messages ...[]byte) {
	t.Helper()
	if k.Socket != nil {
		for _, m := range k.Socket.Messages(t, messages) {
			k.pieces <- piece{data: m.Data, text: m.Text}
		}
		return
	}
	if len(messages) == 0 {
		return
	}
	_, body := k.contract.request(t, messages...)
	k.pieces <- piece{data: body}
}

// end says that they were all.
func (k *client) end() {
	if k.Socket != nil {
		if k.method.ClientStreams {
			k.pieces <- piece{data: k.Socket.End.Data, text: k.Socket.End.Text}
		}
		return
	}
	k.pieces <- piece{last: true}
}

// vanish goes away.
func (k *client) vanish() { k.cancel() }

// await waits for what must come at once.
func (k *client) await(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s does not end", what)
	}
}

// outcome is what the client makes of what it has got.
func (k *client) outcome(t testing.TB) Outcome {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.upgraded {
		return k.Socket.Answer(t, &k.socket)
	}
	return k.Answer(t, k.method, &k.writer.Answer)
}

func (k *client) Request() *transcoder.Request { return k.request }
func (k *client) Context() context.Context     { return k.ctx }
func (k *client) CloseRead()                   { k.shut.Do(func() { close(k.unread) }) }

// take waits for the next piece.
func (k *client) take(ctx context.Context) (piece, error) {
	if k.ctx.Err() != nil {
		return piece{}, errVanished
	}
	select {
	case p := <-k.pieces:
		return p, nil
	case <-k.unread:
		return piece{}, errUnread
	case <-k.ctx.Done():
		return piece{}, errVanished
	case <-ctx.Done():
		return piece{}, ctx.Err()
	}
}

func (k *client) Read() (mem.Buffer, error) {
	p, err := k.take(k.ctx)
	switch {
	case err != nil:
		return nil, err
	case p.last:
		return nil, io.EOF
	}
	return k.pool.buffer(p.data), nil
}

func (k *client) Write(out *transcoder.Out) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		out.Data.Free()
		return errVanished
	}
	k.writer.take(k.t, out)
	return nil
}

// Upgrade makes it a Socket.
func (k *client) Upgrade(_ string, header wire.Header, limit int64) (transcoder.Socket, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.upgraded || k.writer.Status != 0 {
		k.t.Error("the connection is something already")
	}
	k.upgraded = true
	k.writer.Status, k.writer.Header = 101, header
	return &socketEnd{client: k, limit: limit}, nil
}

// socketEnd is the server's end of a Socket.
type socketEnd struct {
	*client

	limit int64
}

func (s *socketEnd) Read(ctx context.Context) (text bool, data mem.Buffer, err error) {
	p, err := s.take(ctx)
	if err != nil {
		return false, nil, err
	}
	if int64(len(p.data)) > s.limit {
		return false, nil, transcoder.ErrMessageTooBig
	}
	return p.text, s.pool.buffer(p.data), nil
}

func (s *socketEnd) Write(text bool, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return errVanished
	}
	s.socket.Messages = append(s.socket.Messages, SocketMessage{text, append([]byte{}, data...)})
	return nil
}

func (s *socketEnd) Ping(context.Context) error { return s.ctx.Err() }

func (s *socketEnd) Close(code int, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket.Code != 0 || len(reason) > 123 { // RFC 6455, section 5.5
		s.t.Errorf("a second end, or one of %d bytes", len(reason))
	}
	s.socket.Code, s.socket.Reason = code, reason
	s.CloseRead()
	return nil
}

func (s *socketEnd) Abort() { s.CloseRead() }
