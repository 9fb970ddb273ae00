// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package nethttp provides the Exchange of net/http: the embedding API, and the reference that
// any faster transport is compared with.
package nethttp

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Sizes of the pieces in which a body is read. A read waits with its buffer, so the first one is
// small: an idle stream holds no more than that. A buffer that came back full is followed by a large one.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
	// wholeRead is up to where a body of known length is read in one piece.
	wholeRead = 64 << 10
)

// exchange is one request that net/http serves.
type exchange struct {
	w       http.ResponseWriter
	control *http.ResponseController
	body    io.Reader
	ctx     context.Context //nolint:containedctx // the Exchange is the request's scope
	request transcoder.Request
	config  *Config

	next    int  // size of the next read
	whole   bool // the length is known and small: read all of it at once
	stalled bool // a write deadline is set
	aborted bool
}

func newExchange(w http.ResponseWriter, r *http.Request, cfg *Config) *exchange {
	e := &exchange{
		w: w, control: http.NewResponseController(w), body: r.Body, ctx: r.Context(), config: cfg,
		next: smallRead, whole: r.ContentLength > 0 && r.ContentLength <= wholeRead,
	}
	e.request = transcoder.Request{
		Method: r.Method, Authority: r.Host, Scheme: "http", Major: r.ProtoMajor, ContentLength: r.ContentLength,
		TLS: r.TLS, Listener: cfg.Listener, Limits: &cfg.Limits, Header: fields(r.Header),
	}
	if r.TLS != nil {
		e.request.Scheme = "https"
	}
	e.request.Path, e.request.Query = target(r.RequestURI)
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		e.request.Remote = peer
	}
	if r.ProtoMajor == 1 && r.ContentLength < 0 {
		// A body of unknown length may go on while the answer is written (T143). An error says that
		// this writer cannot, and then net/http reads the rest first, as it always did.
		_ = e.control.EnableFullDuplex()
	}
	return e
}

// target splits a request target as it was sent. It is not taken from
// net/http's URL: that one is parsed and put together again, and a path with both an escaped slash and
// a byte that should have been escaped comes out as another path (T35).
func target(uri string) (path, query string) {
	path, query, _ = strings.Cut(uri, "?")
	if !strings.HasPrefix(path, "/") {
		if _, rest, ok := strings.Cut(path, "://"); ok { // absolute-form
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				return rest[i:], query
			}
			return "/", query
		}
	}
	return path, query
}

// fields makes a list of net/http's map. Its order across names is lost already; the order of values is kept.
func fields(h http.Header) wire.Header {
	list := make(wire.Header, 0, len(h))
	for name, values := range h {
		lower := lowerName(name)
		for _, v := range values {
			list = append(list, wire.Field{Name: lower, Value: v})
		}
	}
	return list
}

func (e *exchange) Request() *transcoder.Request { return &e.request }

func (e *exchange) Context() context.Context { return e.ctx }

func (e *exchange) Read() (mem.Buffer, error) {
	size := e.next
	if e.whole {
		size = int(e.request.ContentLength)
	}
	pool := mem.DefaultBufferPool()
	data := pool.Get(size)
	var (
		n   int
		err error
	)
	if e.whole {
		if n, err = io.ReadFull(e.body, *data); err == nil {
			err = io.EOF
		}
	} else if n, err = e.body.Read(*data); n == size {
		e.next = largeRead
	}
	if n == 0 {
		pool.Put(data)
		return nil, err
	}
	*data = (*data)[:n]
	return mem.NewBuffer(data, pool), err
}

func (e *exchange) CloseRead() {
	// A writer without deadlines has no sockets either, and its body does not wait.
	_ = e.control.SetReadDeadline(time.Unix(1, 0))
}

func (e *exchange) Write(out *transcoder.Out) error {
	defer out.Data.Free()
	if out.Status != 0 {
		e.head(out)
	}
	if err := e.write(out); err != nil {
		return err
	}
	for _, f := range out.Trailer {
		name := http.TrailerPrefix + f.Name
		e.w.Header()[name] = append(e.w.Header()[name], f.Value)
	}
	e.aborted = e.aborted || out.End == transcoder.EndAbort
	if out.Flush || e.aborted {
		return e.control.Flush()
	}
	return nil
}

func (e *exchange) head(out *transcoder.Out) {
	h := e.w.Header()
	for _, f := range out.Header {
		name := canonicalName(f.Name)
		h[name] = append(h[name], f.Value)
	}
	e.w.WriteHeader(out.Status)
}

func (e *exchange) write(out *transcoder.Out) error {
	if len(out.Data) == 0 {
		return nil
	}
	if out.Flush || e.stalled || out.Data.Len() > wholeRead {
		// A client that takes nothing for so long is gone (threat D9). Small answers that end here fit
		// into buffers and are not worth a timer.
		e.stalled = true
		_ = e.control.SetWriteDeadline(time.Now().Add(e.config.WriteStall))
	}
	for _, b := range out.Data {
		if _, err := e.w.Write(b.ReadOnlyData()); err != nil {
			return err
		}
	}
	return nil
}

// close ends the exchange after its handler has returned. An aborted answer
// ends the way net/http has for it: the stream is reset, or the connection closed in mid-body.
func (e *exchange) close() {
	if e.aborted {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to end an answer so that it does not look whole
	}
	if e.stalled {
		_ = e.control.SetWriteDeadline(time.Time{})
	}
}
