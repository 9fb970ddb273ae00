// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
)

// Sizes of the pieces in which a body is read, as of package nethttp: an idle stream holds no more than a small one.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
	// wholeRead is up to where a body of known length is read in one piece.
	wholeRead = 64 << 10
	// pieceWrite is the size of the pieces in which an answer is written: who takes one has not stalled.
	pieceWrite = 64 << 10
)

// How long a reset waits for what was written before it: some round trips.
const (
	settleTrips = 3
	leastSettle = 50 * time.Millisecond
	mostSettle  = time.Second
)

// errTooLong and errTooShort say that a body is not as long as its content-length says.
var (
	errTooLong  = head.Malformed("the body is longer than content-length says")
	errTooShort = head.Malformed("the body is shorter than content-length says")
)

// exchange is one request and its answer, on a stream of their own.
type exchange struct {
	conn    *Conn
	str     *quic.Stream
	request transcoder.Request

	// What follows belongs to the goroutine that reads.
	in      input
	frame   uint64 // what is left of the DATA frame that is being read
	left    int64  // what is left of the body; -1 where its length is not known
	trailer bool   // trailers have come: only the end can follow
	next    int    // size of the next read
	whole   bool   // the length is known and small: read all of it at once

	read atomic.Bool // all of the body was read
	asks atomic.Bool // the client waits to be told that it may send the body

	mu     sync.Mutex // held while writing, which Read does to say that the client may go on
	out    output     // guarded by mu, as is all below
	headed bool       // the head of the answer was written
	mute   bool       // the answer has no body, whatever it is said to be
	end    transcoder.End
	failed error // what every later Write returns
}

func newExchange(c *Conn, str *quic.Stream, h *head.Head) *exchange {
	e := &exchange{conn: c, str: str, in: input{r: str}, left: h.Length, next: smallRead, whole: h.Length > 0 && h.Length <= wholeRead}
	cfg := c.config
	e.request = transcoder.Request{
		Method: h.Method, Authority: h.Authority, Scheme: "https", Major: 3, ContentLength: h.Length, Header: h.Fields,
		TLS: c.tls, Listener: cfg.Listener, Limits: &cfg.Limits,
	}
	peer := transcoder.AddrPort(c.quic.RemoteAddr()) // it may change: clients move from one network to another
	e.request.Remote = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	e.request.Path, e.request.Query, _ = strings.Cut(h.Path, "?")
	e.asks.Store(strings.EqualFold(h.Fields.Get("expect"), "100-continue"))
	e.out.str, e.out.stall = str, cfg.WriteStall
	return e
}

func (e *exchange) Request() *transcoder.Request { return &e.request }

// Context ends when the client takes no more of the answer, or the connection is over.
func (e *exchange) Context() context.Context { return e.str.Context() }

func (e *exchange) Read() (mem.Buffer, error) {
	e.mayContinue()
	size := e.next
	if e.whole {
		size = int(e.request.ContentLength)
	}
	pool := buffers.Pool
	data := pool.Get(size)
	var (
		n   int
		err error
	)
	for n < size && err == nil {
		var more int
		more, err = e.body((*data)[n:size])
		n += more
		if !e.whole {
			break
		}
	}
	if n == size && !e.whole {
		e.next = largeRead
	}
	if e.whole && n == size && err == nil {
		err = e.nextData() // which finds the end, or what is too much
	}
	switch {
	case errors.Is(err, io.EOF):
		e.read.Store(true)
	case err != nil:
		e.gone(err)
	}
	if n == 0 {
		pool.Put(data)
		return nil, err
	}
	*data = (*data)[:n]
	return mem.NewBuffer(data, pool), err
}

// body reads what is there of the body. At its end it returns io.EOF, alone.
func (e *exchange) body(p []byte) (int, error) {
	if e.frame == 0 {
		if err := e.nextData(); err != nil {
			return 0, err
		}
	}
	p = p[:min(uint64(len(p)), e.frame)]
	n, err := e.in.r.Read(p)
	e.frame -= uint64(n) //nolint:gosec // it is not negative
	if e.left >= 0 {
		e.left -= int64(n)
	}
	if errors.Is(err, io.EOF) {
		if err = nil; e.frame > 0 {
			err = e.conn.fail(&connError{connFrameError, "a body ends in the middle of a frame"})
		}
	}
	return n, err
}

// nextData reads up to the next DATA frame that has something in it.
func (e *exchange) nextData() error {
	for {
		kind, length, err := e.in.frame()
		switch {
		case errors.Is(err, io.EOF):
			if e.left > 0 {
				return e.broken(errTooShort)
			}
			return io.EOF
		case errors.Is(err, io.ErrUnexpectedEOF):
			return e.conn.fail(&connError{connFrameError, "a request ends in the middle of a frame"})
		case err != nil:
			return err
		}
		switch {
		case kind == frameData && !e.trailer:
			if e.left >= 0 && length > uint64(e.left) {
				return e.broken(errTooLong)
			}
			if e.frame = length; length > 0 {
				e.in.idle = 0
				return nil
			}
		case kind == frameHeaders && !e.trailer:
			// Nothing of a request stands in its trailers.
			if e.trailer = true; length > uint64(e.conn.headLimit()) { //nolint:gosec // it is positive
				return e.broken(errHeadTooLarge)
			}
			if err := e.in.skip(length); err != nil {
				return err
			}
		case kind <= framePushPromise, kind == frameGoAway, kind == frameMaxPushID, reservedByHTTP2(kind):
			return e.conn.fail(&connError{connFrameUnexpected, "a frame that cannot be in a request"})
		default:
			if err := e.in.skip(length); err != nil {
				return err
			}
		}
		if err := e.in.bringsNothing(); err != nil {
			return e.conn.fail(err)
		}
	}
}

// broken refuses the rest of a request.
func (e *exchange) broken(err error) error {
	e.str.CancelRead(streamMessageError)
	return err
}

// gone ends the answer when the client took its request back.
func (e *exchange) gone(err error) {
	if reset, ok := errors.AsType[*quic.StreamError](err); ok && reset.Remote {
		e.str.CancelWrite(streamRequestCancelled)
	}
}

// mayContinue tells a client that waits for it to send the body.
func (e *exchange) mayContinue() {
	if !e.asks.CompareAndSwap(true, false) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.headed && e.failed == nil {
		e.out.head(http.StatusContinue, nil)
		e.failed = e.out.flush()
	}
}

func (e *exchange) CloseRead() {
	if !e.read.Load() {
		e.str.CancelRead(streamNoError) // the answer does not depend on the rest (RFC 9114 section 4.1.1)
	}
}

func (e *exchange) Write(out *transcoder.Out) error {
	defer out.Data.Free()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed == nil {
		e.failed = e.write(out)
	}
	return e.failed
}

func (e *exchange) write(out *transcoder.Out) error {
	if out.Status != 0 {
		e.head(out)
	}
	if n := out.Data.Len(); n > 0 && !e.mute {
		if err := e.out.data(out.Data, n); err != nil {
			return err
		}
	}
	if len(out.Trailer) > 0 {
		e.out.fields(out.Trailer)
	}
	if out.End != transcoder.EndNone {
		e.end = out.End
	}
	// What ends well leaves with the end of the stream, when the handler has returned.
	if out.Flush && e.end != transcoder.EndClean || e.end == transcoder.EndAbort {
		return e.out.flush()
	}
	return nil
}

// head writes the head, with the length of a body that is all there and with the date, which clients of HTTP/1.1 and HTTP/2 have from
// net/http.
func (e *exchange) head(out *transcoder.Out) {
	e.headed = true
	none := out.Status == http.StatusNoContent || out.Status == http.StatusNotModified
	e.mute = none || e.request.Method == http.MethodHead
	if out.End == transcoder.EndClean && !e.mute && !out.Header.Has("content-length") {
		e.out.head(out.Status, out.Header, out.Data.Len())
		return
	}
	e.out.head(out.Status, out.Header)
}

// close ends the stream when the handler has returned. Only an answer that was ended well ends so that it can be taken for whole; any
// other is a stream that is reset (T128, T136).
func (e *exchange) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.out.free()
	if e.failed == nil && e.end == transcoder.EndClean {
		e.failed = e.out.flush()
	}
	switch {
	case e.failed != nil:
		e.abort(streamRequestCancelled)
	case e.end == transcoder.EndClean:
		_ = e.str.Close() // its only error is that the client wants no more of it
		e.CloseRead()
	default:
		e.settle()
		e.abort(streamInternalError)
	}
}

// settle sees to it that what was written arrives before a reset does, which may overtake it, and makes clients drop what they have not
// read. Extended resets say how much stands; to clients that do not know them, the reset is sent a moment later.
//
// https://datatracker.ietf.org/doc/draft-ietf-quic-reliable-stream-reset/
func (e *exchange) settle() {
	if !e.headed {
		return
	}
	e.str.SetReliableBoundary()
	if e.conn.quic.ConnectionState().SupportsStreamResetPartialDelivery.Remote {
		return
	}
	timer := time.NewTimer(min(max(leastSettle, settleTrips*e.conn.quic.ConnectionStats().SmoothedRTT), mostSettle))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.Context().Done():
	}
}

// panicked says that whatever was written is not the whole answer.
func (e *exchange) panicked() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end = transcoder.EndAbort
}

// abort ends both directions of the stream at once.
func (e *exchange) abort(code quic.StreamErrorCode) {
	e.str.CancelWrite(code)
	if !e.read.Load() {
		e.str.CancelRead(code)
	}
}
