// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/coder/websocket"
	"google.golang.org/grpc/codes"
)

const (
	// subprotocol is that in which messages are JSON.
	subprotocol = "dragoman.json"
	// firstCode is the status of a close frame that stands for the code 0 of gRPC.
	firstCode = 4000
)

// websocket calls by a WebSocket: each text is a message, an empty one says that all are sent.
func (c *Caller) websocket(ctx context.Context, call *Call) error {
	target := call.Target
	if call.Method != nil {
		target = call.Method.Path
	}
	header := http.Header{}
	if call.Timeout > 0 {
		header.Set("X-Server-Timeout", strconv.FormatFloat(call.Timeout.Seconds(), 'f', -1, 64))
	}
	call.addHeader(header)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	socket, answer, err := websocket.Dial(ctx, c.base.String()+target, &websocket.DialOptions{HTTPClient: c.client(c.http1), HTTPHeader: header, Subprotocols: []string{subprotocol}}) //nolint:bodyclose // the library keeps what it needs of it in memory
	if err != nil {
		if answer == nil || answer.StatusCode < http.StatusBadRequest {
			return outcome(ctx, err)
		}
		body, errRead := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
		return errors.Join(errRead, failureOf(answer.StatusCode, body))
	}
	defer func() { _ = socket.CloseNow() }() // the server has closed it, or nobody waits for it
	socket.SetReadLimit(maxMessage)
	failed := make(chan error, 1)
	go func() { // Send may wait for who types; it ends with the process, or when it returns
		if err := sendFrames(ctx, socket, call); err != nil {
			failed <- err
			cancel()
		}
	}()
	for {
		_, message, err := socket.Read(ctx)
		if err == nil {
			err = call.Receive(message, false)
			if err != nil {
				return err
			}
			continue
		}
		select {
		case first := <-failed:
			return first
		default:
		}
		return closed(ctx, err)
	}
}

// sendFrames sends the messages of a call, and that they are all.
func sendFrames(ctx context.Context, socket *websocket.Conn, call *Call) error {
	streams := call.Method == nil || call.Method.ClientStreams
	for n := 0; ; n++ {
		message, err := call.Send()
		switch {
		case errors.Is(err, io.EOF) && n == 0 && !streams:
			message = []byte("{}")
		case errors.Is(err, io.EOF):
			return quietly(socket.Write(ctx, websocket.MessageText, nil))
		case err != nil:
			return err
		}
		if err := socket.Write(ctx, websocket.MessageText, message); err != nil {
			return nil //nolint:nilerr // the server has closed it, and says why to who reads
		}
		if !streams {
			return quietly(socket.Write(ctx, websocket.MessageText, nil))
		}
	}
}

// quietly drops an error of sending: the server has closed the socket, and says why to who reads.
func quietly(error) error { return nil }

// closed is the outcome that the close frame of a server tells.
func closed(ctx context.Context, err error) error {
	end, ok := errors.AsType[websocket.CloseError](err)
	switch {
	case !ok:
		return outcome(ctx, err)
	case end.Code == websocket.StatusNormalClosure:
		return nil
	case end.Code > firstCode && end.Code <= firstCode+websocket.StatusCode(codes.Unauthenticated):
		return &Failure{Code: codes.Code(end.Code - firstCode), Message: end.Reason} //nolint:gosec // it has bounds
	default:
		return &Failure{Code: codes.Unavailable, Message: fmt.Sprintf("the socket was closed with %d %s", end.Code, end.Reason)}
	}
}
