// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

var _ transcoder.Upgrader = (*exchange)(nil)

func (e *exchange) Upgrade(subprotocol string, header wire.Header, limit int64) (transcoder.Socket, error) {
	// What was set to read the request must not end the conversation. A writer without deadlines has none.
	_ = e.control.SetReadDeadline(time.Time{})
	_ = e.control.SetWriteDeadline(time.Time{})
	s, err := Upgrade(e.w, e.r, subprotocol, header, limit, e.config.WriteStall)
	if err != nil {
		return nil, err
	}
	e.read.Store(true) // there is no body any more
	return s, nil
}

// Upgrade makes a connection a WebSocket, as transcoder.Upgrader says; stall is how long a client may take nothing of a message. Compression is off: what it
// saves small messages do not have, and what it remembers of others is a risk (CRIME). Origins are looked at by who knows the method.
func Upgrade(w http.ResponseWriter, r *http.Request, subprotocol string, header wire.Header, limit int64, stall time.Duration) (transcoder.Socket, error) {
	h := w.Header()
	for _, f := range header {
		h.Add(f.Name, f.Value)
	}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if subprotocol != "" {
		options.Subprotocols = []string{subprotocol}
	}
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1) // the library would end the connection with a code of its own
	return &socket{conn: conn, stall: stall, limit: limit}, nil
}

// socket is a WebSocket that net/http has accepted.
type socket struct {
	conn  *websocket.Conn
	stall time.Duration
	limit int64
}

func (s *socket) Read(ctx context.Context) (text bool, data mem.Buffer, err error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return false, nil, s.readError(err)
	}
	pieces, err := mem.ReadAll(io.LimitReader(r, s.limit+1), buffers.Pool)
	switch {
	case err != nil:
		pieces.Free()
		return false, nil, s.readError(err)
	case int64(pieces.Len()) > s.limit:
		pieces.Free()
		return false, nil, transcoder.ErrMessageTooBig
	}
	data = pieces.MaterializeToBuffer(buffers.Pool)
	pieces.Free()
	return kind == websocket.MessageText, data, nil
}

func (s *socket) readError(err error) error {
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return &transcoder.SocketClosed{Code: int(closed.Code), Reason: closed.Reason}
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF // the end of the connection is not that of the request
	}
	return err
}

func (s *socket) Write(text bool, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.stall)
	defer cancel()
	kind := websocket.MessageBinary
	if text {
		kind = websocket.MessageText
	}
	return s.conn.Write(ctx, kind, data)
}

func (s *socket) Ping(ctx context.Context) error { return s.conn.Ping(ctx) }

func (s *socket) Close(code int, reason string) error {
	return s.conn.Close(websocket.StatusCode(code), reason)
}

func (s *socket) Abort() { _ = s.conn.CloseNow() }
