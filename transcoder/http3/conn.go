// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package http3 provides the Exchange of HTTP/3, on connections of quic-go.
package http3

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
)

// Times of a farewell.
const (
	// notice is how long requests are still taken after the client was told to make no more: it may have sent some before it heard.
	notice = time.Second
	// linger, or so many round trips if they are longer, is how long a connection stays after its last answer, so that it arrives, unless
	// the client closes it before.
	linger      = time.Second
	lingerTrips = 6
)

// NextProto is the name of HTTP/3 in TLS.
const NextProto = "h3"

// Config is what connections need to know. They share it; it does not change.
type Config struct {
	// Listener is the name that requests carry.
	Listener string
	// MaxHeader is the size in bytes of the largest head of a request.
	MaxHeader int
	// HeaderTimeout is how long a head may take to come.
	HeaderTimeout time.Duration
	// WriteStall is how long a client may take nothing of an answer before it counts as gone.
	WriteStall time.Duration
	// IdleTimeout is how long a connection may be without a request before it is ended.
	IdleTimeout time.Duration
	// Limits are what every request is held to.
	Limits transcoder.Limits
	// Serve serves one request, in a goroutine of its own.
	Serve func(transcoder.Exchange)
	// Log is told what went wrong in Serve.
	Log *slog.Logger
}

// Conn is one connection of a client.
type Conn struct {
	quic   *quic.Conn
	config *Config
	tls    *tls.ConnectionState
	age    time.Duration

	running  sync.WaitGroup // every goroutine of the connection
	seen     [4]atomic.Bool // streams that come once, by their kind
	goodbyes *quic.SendStream

	mu     sync.Mutex
	next   quic.StreamID // of the next request; guarded by mu, as is all below
	active int           // requests that are served
	quiet  time.Time     // since when there is none
	hello  bool          // our control stream is open
	bye    bool          // the client is told to make no more requests
	last   bool          // what comes is refused
	over   bool          // Serve has returned, or is about to
	none   chan struct{} // closed when last is set and no request is left
}

// NewConn returns the connection that a client has made. It is told to go elsewhere when it is as old as maxAge.
func NewConn(qc *quic.Conn, cfg *Config, maxAge time.Duration) *Conn {
	state := qc.ConnectionState().TLS
	return &Conn{quic: qc, config: cfg, tls: &state, age: maxAge, quiet: time.Now(), none: make(chan struct{})}
}

// Serve serves the connection until it has ended and all that it began has returned. It is called once.
func (c *Conn) Serve() {
	defer c.running.Wait()
	defer c.finish()
	if err := c.greet(); err != nil {
		_ = c.fail(err)
		return
	}
	aging := time.AfterFunc(c.age, c.GoAway)
	defer aging.Stop()
	c.running.Go(c.acceptUni)
	c.running.Go(c.watchIdle)
	for {
		str, err := c.quic.AcceptStream(c.quic.Context())
		if err != nil {
			return
		}
		if !c.begin(str.StreamID()) {
			str.CancelRead(streamRequestRejected)
			str.CancelWrite(streamRequestRejected)
			continue
		}
		c.running.Go(func() {
			defer c.done()
			c.handle(str)
		})
	}
}

// greet opens our control stream. A client that has no room for it speaks no HTTP/3.
func (c *Conn) greet() error {
	str, err := c.quic.OpenUniStream()
	if err != nil {
		return &connError{connStreamCreation, "the client takes no control stream"}
	}
	c.goodbyes = str
	if err := c.tell(appendSettings(nil, c.headLimit())); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hello = true; c.bye {
		c.running.Go(c.leave)
	}
	return nil
}

// tell writes to the control stream.
func (c *Conn) tell(frames []byte) error {
	_ = c.goodbyes.SetWriteDeadline(time.Now().Add(c.config.WriteStall)) // it has no error
	if _, err := c.goodbyes.Write(frames); err != nil {
		return &connError{connClosedCritical, "the client does not read the control stream"}
	}
	return nil
}

// headLimit is how large a head may be.
func (c *Conn) headLimit() int { return head.Limit(c.config.MaxHeader, c.config.Limits.Fields()) }

// begin takes a request in, or refuses it because it came after the end.
func (c *Conn) begin(id quic.StreamID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last {
		return false
	}
	c.next = id + 4
	c.active++
	return true
}

func (c *Conn) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active--; c.active == 0 {
		c.quiet = time.Now()
		if c.last {
			close(c.none)
		}
	}
}

// watchIdle ends a connection without requests. One that comes at that very time is still served.
func (c *Conn) watchIdle() {
	timer := time.NewTimer(c.config.IdleTimeout)
	defer timer.Stop()
	for {
		select {
		case <-c.quic.Context().Done():
			return
		case <-timer.C:
		}
		c.mu.Lock()
		left := c.config.IdleTimeout
		if c.active == 0 {
			left -= time.Since(c.quiet)
		}
		c.mu.Unlock()
		if left <= 0 {
			c.GoAway()
			return
		}
		timer.Reset(left)
	}
}

// GoAway tells the client to make its next request elsewhere. What is under way goes on, and so does what was on its way; then the
// connection is closed.
func (c *Conn) GoAway() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bye || c.over {
		return
	}
	if c.bye = true; c.hello {
		c.running.Go(c.leave)
	}
}

func (c *Conn) leave() {
	// The highest number of a stream that a client can open.
	const highest = quic.StreamID(1<<62 - 4)
	if err := c.tell(appendGoAway(nil, highest)); err != nil || !c.pause(notice) {
		return
	}
	c.mu.Lock()
	c.last = true
	next := c.next
	if c.active == 0 {
		close(c.none)
	}
	c.mu.Unlock()
	if err := c.tell(appendGoAway(nil, next)); err != nil {
		return
	}
	select {
	case <-c.none:
	case <-c.quic.Context().Done():
		return
	}
	c.mu.Lock()
	stay := max(linger, lingerTrips*c.quic.ConnectionStats().SmoothedRTT) - time.Since(c.quiet)
	c.mu.Unlock()
	if c.pause(stay) {
		_ = c.quic.CloseWithError(connNoError, "")
	}
}

// pause waits; it reports whether the connection is still there.
func (c *Conn) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.quic.Context().Done():
		return false
	}
}

// Close ends the connection, with all that is under way. Serve returns soon after.
func (c *Conn) Close() {
	c.mu.Lock()
	code := connNoError
	if c.active > 0 {
		code = connInternalError
	}
	c.mu.Unlock()
	_ = c.quic.CloseWithError(code, "")
}

// fail ends the connection because of what its client did; it returns why.
func (c *Conn) fail(err error) error {
	code := connInternalError
	if e, ok := errors.AsType[*connError](err); ok {
		code = e.code
	}
	_ = c.quic.CloseWithError(code, err.Error())
	return err
}

// finish keeps GoAway from beginning anything more.
func (c *Conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// handle serves the request of a stream.
func (c *Conn) handle(str *quic.Stream) {
	h, err := c.readHead(str)
	if err != nil {
		c.refuse(str, err)
		return
	}
	e := newExchange(c, str, h)
	defer e.close()
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		e.panicked()
		if p != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			c.config.Log.Error("serving a request panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	c.config.Serve(e)
}

// readHead reads the head of a request, for which it has so long (threat D7).
func (c *Conn) readHead(str *quic.Stream) (*head.Head, error) {
	_ = str.SetReadDeadline(time.Now().Add(c.config.HeaderTimeout)) // it has no error
	in := &input{r: str}
	for {
		kind, length, err := in.frame()
		switch {
		case err != nil:
			return nil, err
		case kind == frameHeaders:
			if length > uint64(c.headLimit()) { //nolint:gosec // it is positive
				return nil, errHeadTooLarge
			}
			var block bytes.Buffer // it grows with what comes, not with what is announced
			if _, err := io.CopyN(&block, str, int64(length)); err != nil {
				return nil, err
			}
			h, err := decodeHead(block.Bytes(), c.headLimit(), c.config.Limits.Fields())
			_ = str.SetReadDeadline(time.Time{})
			if err == nil && h.Many() && c.config.Limits.DropInvalidHeaders {
				return nil, errHeadTooLarge // after some are dropped it would not be seen that there are too many
			}
			return h, err
		case kind <= framePushPromise, kind == frameGoAway, kind == frameMaxPushID, reservedByHTTP2(kind):
			return nil, &connError{connFrameUnexpected, "a request does not begin with its head"}
		}
		if err := in.skip(length); err != nil {
			return nil, err
		}
		if err := in.bringsNothing(); err != nil {
			return nil, err
		}
	}
}

// refuse ends a request whose head is not one.
func (c *Conn) refuse(str *quic.Stream, err error) {
	reset := func(code quic.StreamErrorCode) {
		str.CancelRead(code)
		str.CancelWrite(code)
	}
	switch cause := err.(type) { //nolint:errorlint // these are ours, and nothing wraps them
	case *connError:
		_ = c.fail(cause)
		return
	case head.Malformed:
		reset(streamMessageError)
		return
	}
	_, isReset := errors.AsType[*quic.StreamError](err)
	switch {
	case errors.Is(err, errHeadTooLarge):
		c.tooLarge(str)
	case isReset, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isTimeout(err):
		reset(streamRequestIncomplete)
	}
}

// tooLarge answers as HTTP/1.1 and HTTP/2 do, where net/http answers.
func (c *Conn) tooLarge(str *quic.Stream) {
	str.CancelRead(streamExcessiveLoad)
	o := &output{str: str, stall: c.config.WriteStall}
	o.head(http.StatusRequestHeaderFieldsTooLarge, nil, 0)
	if err := o.flush(); err != nil {
		str.CancelWrite(streamRequestCancelled)
		return
	}
	_ = str.Close()
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}
