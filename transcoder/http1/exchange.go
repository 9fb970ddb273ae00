// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Sizes of the pieces in which a body is read. A read waits with its buffer, so the first one is small: an idle stream holds no more than that. A
// buffer that came back full is followed by a large one.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
	// wholeRead is up to where a body of known length is read in one piece.
	wholeRead = 64 << 10
	// fewFields is for how many fields there is room at first.
	fewFields = 12
)

// exchange is one request and its answer.
type exchange struct {
	conn    *Conn
	head    requestHead // of the connection's goroutine, until the request is served
	request transcoder.Request
	scope   transcoder.Scope
	fields  [fewFields]wire.Field

	// What follows belongs to whoever reads the body.
	left    int64 // of a body of known length
	chunks  chunks
	next    int // size of the next read
	readErr error

	// What follows is guarded by the connection's mu.
	piece    *[]byte // all of the body, where it came with the head
	received bool    // all of the request was read
	shut     bool    // nobody reads the body any more

	headed   bool // the head of the answer was written
	mute     bool // the answer has no body, whatever it is said to be
	chunked  bool
	length   int64 // of the answer, as far as it was not written; -1 where it is not known
	close    bool  // the connection ends with the answer
	finished bool  // the answer has ended
	aborted  bool  // it is not whole
	upgraded bool  // the connection speaks something else
}

// begin makes the exchange ready to be served.
func (x *exchange) begin() {
	c, h := x.conn, &x.head
	cfg := c.config.Load()
	x.request = transcoder.Request{
		Method: h.method, Path: h.path, Query: h.query, Authority: h.authority, Scheme: "http", Major: 1, Header: h.fields, ContentLength: h.length,
		Remote: c.remote, TLS: c.tls, Listener: cfg.Listener, Limits: &cfg.Limits,
	}
	if c.tls != nil {
		x.request.Scheme = "https"
	}
	x.close = h.close
	x.left, x.next, x.length = h.length, smallRead, -1
	switch {
	case h.length == 0:
		x.received = true
	case h.length > 0 && h.length <= wholeRead && int64(len(c.in.bytes())) >= h.length:
		x.piece = buffers.Pool.Get(int(h.length))
		c.in.take(*x.piece)
		x.received = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = x
}

// Serve serves the request, and tells its connection that it did.
func (x *exchange) Serve() {
	c := x.conn
	defer c.finish(x)
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			c.config.Load().Log.Error("serving a request panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	c.config.Load().Serve(x)
}

// finish ends an exchange when its handler has returned. Only an answer that was ended well ends so that it can be taken for whole.
func (c *Conn) finish(x *exchange) {
	c.mu.Lock()
	x.scope.End()
	x.drop()
	if !x.finished && !x.upgraded {
		x.abort()
	}
	c.busy, c.current, c.quiet = false, nil, time.Now()
	c.silent = x.upgraded || x.aborted || c.out.failed != nil
	c.closing = c.silent || x.close || !x.received || c.last
	if !c.closing {
		c.wakeAt(c.quiet.Add(c.config.Load().IdleTimeout))
	}
	// The connection's goroutine hangs up, unless it waits for what does not come.
	closes := c.silent || c.closing && c.waits && !c.ahead
	c.cond.Broadcast()
	c.mu.Unlock()
	if closes {
		_ = c.socket.Close()
	}
}

func (x *exchange) Request() *transcoder.Request { return &x.request }

// Context ends when the client goes away, or the exchange is over.
func (x *exchange) Context() context.Context { return x.scope.Context(time.Time{}) }

func (x *exchange) Scope() *transcoder.Scope { return &x.scope }

// errClosed says that nobody wants the rest of a body.
var errClosed = errors.New("the rest of the request is not wanted")

func (x *exchange) Read() (mem.Buffer, error) {
	c, pool := x.conn, buffers.Pool
	c.mu.Lock()
	piece := x.piece
	x.piece = nil
	switch {
	case piece != nil:
		c.mu.Unlock()
		return mem.NewBuffer(piece, pool), io.EOF
	case x.shut:
		c.mu.Unlock()
		return nil, errClosed
	case x.received:
		c.mu.Unlock()
		return nil, io.EOF
	}
	err := x.mayContinue()
	c.mu.Unlock()
	if err == nil {
		err = x.readErr
	}
	if err != nil {
		return nil, err
	}
	size := x.next
	if x.request.ContentLength > 0 && x.request.ContentLength <= wholeRead {
		size = int(x.request.ContentLength)
	}
	data := pool.Get(size)
	n, end, err := x.body(*data)
	switch {
	case err != nil:
		pool.Put(data)
		return nil, x.broken(err)
	case end:
		c.mu.Lock()
		x.received = true
		c.cond.Broadcast()
		c.mu.Unlock()
		err = io.EOF
	}
	if n == 0 {
		pool.Put(data)
		return nil, err
	}
	if n == size {
		x.next = largeRead
	}
	*data = (*data)[:n]
	return mem.NewBuffer(data, pool), err
}

// broken says why a body cannot be read.
func (x *exchange) broken(err error) error {
	c := x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	_, malformed := errors.AsType[head.Malformed](err)
	switch {
	case x.shut:
		err = errClosed
	case malformed:
	default:
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		c.gone()
	}
	x.readErr = err
	return err
}

// body reads some of the body into p, and tells whether that is the end.
func (x *exchange) body(p []byte) (n int, end bool, err error) {
	if x.request.ContentLength < 0 {
		return x.chunkData(p)
	}
	p = p[:min(int64(len(p)), x.left)]
	for n < len(p) && err == nil {
		var more int
		more, err = x.take(p[n:])
		n += more
		if x.request.ContentLength > wholeRead {
			break
		}
	}
	x.left -= int64(n)
	return n, x.left == 0, err
}

// chunkData reads the data of chunks, as many as are there.
func (x *exchange) chunkData(p []byte) (n int, end bool, err error) {
	in, at := &x.conn.in, &x.chunks
	for {
		for at.left > 0 {
			if n == len(p) || n > 0 && len(in.bytes()) == 0 {
				return n, false, nil
			}
			k, err := x.take(p[n:min(int64(len(p)), int64(n)+at.left)])
			if err != nil {
				return 0, false, err
			}
			n += k
			at.took(k)
		}
		used, err := at.next(in.bytes())
		switch {
		case err != nil:
			return 0, false, err
		case used > 0:
			in.used(used)
			if at.over {
				return n, true, nil
			}
		case n > 0:
			return n, false, nil
		default:
			if err := x.conn.fill(); err != nil {
				return 0, false, err
			}
		}
	}
}

// take reads some bytes: those that were read ahead, or those that come.
func (x *exchange) take(p []byte) (int, error) {
	c := x.conn
	for {
		if n := c.in.take(p); n > 0 {
			return n, nil
		}
		if len(p) < smallIn {
			if err := c.fill(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := c.socket.Read(p)
		if n > 0 {
			return n, nil
		}
		if err = c.late(err); err != nil {
			return 0, err
		}
	}
}

// mayContinue tells a client that waits for it to send the body. The caller holds the connection's mu.
func (x *exchange) mayContinue() error {
	c := x.conn
	if !x.head.asks || x.headed {
		return nil
	}
	x.head.asks = false
	if len(c.in.bytes()) > 0 { // it has not waited
		return nil
	}
	c.out.pending = append(c.out.roomFor(len(statusContinue)), statusContinue...)
	return c.push(nil)
}

func (x *exchange) CloseRead() {
	c := x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.shut || c.current != x || x.received && x.piece == nil {
		return
	}
	x.shut = true
	x.drop()
	if x.received {
		return
	}
	c.cut = true
	_ = c.socket.SetReadDeadline(time.Unix(1, 0)) // it fails when the socket is closed, and so do reads
}

// drop frees what nobody will read. The caller holds the connection's mu.
func (x *exchange) drop() {
	if x.piece != nil {
		buffers.Pool.Put(x.piece)
		x.piece = nil
	}
}
