// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package nethttp provides the Exchange of net/http: the embedding API, and the reference that
// any faster transport is compared with.
package nethttp

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

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
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
	// smallWrite is what net/http's buffers surely hold, so that writing it does not wait.
	smallWrite = 2 << 10
	// pieceWrite is the size of the pieces in which an answer is written: who takes one has not stalled.
	pieceWrite = 64 << 10
	// linger is how long a client of HTTP/1.1 is listened to that was answered before all of its body had come. It has that
	// long to read the answer; a connection that is closed at once is reset, and the answer with it.
	linger = time.Second
)

// exchange is one request that net/http serves.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	body    io.Reader
	ctx     context.Context //nolint:containedctx // the Exchange is the request's scope
	request transcoder.Request
	config  *Config

	next    int         // size of the next read
	whole   bool        // the length is known and small: read all of it at once
	read    atomic.Bool // all of the body was read
	stall   watchdog
	aborted bool

	mu   sync.Mutex
	over bool // the handler is returning: control is net/http's again; guarded by mu
	// cut says that CloseRead made reads of the connection fail. net/http, which goes on reading when a body is over, then takes the
	// client for gone, in this request and all that follow on the connection: it cannot be used again. Guarded by mu.
	cut bool
}

func newExchange(w http.ResponseWriter, r *http.Request, cfg *Config) *exchange {
	e := &exchange{
		w: w, r: r, control: http.NewResponseController(w), body: r.Body, ctx: r.Context(), config: cfg,
		next: smallRead, whole: r.ContentLength > 0 && r.ContentLength <= wholeRead,
	}
	e.request = transcoder.Request{
		Method: r.Method, Authority: r.Host, Scheme: "http", Major: r.ProtoMajor, ContentLength: r.ContentLength,
		TLS: r.TLS, Listener: cfg.Listener, Limits: &cfg.Limits, Probe: cfg.Probe, Header: fields(r.Header),
	}
	if r.TLS != nil {
		e.request.Scheme = "https"
	}
	e.request.Path, e.request.Query = target(r.RequestURI)
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		e.request.Remote = peer
	}
	e.stall = watchdog{limit: cfg.WriteStall, cut: func() { _ = e.control.SetWriteDeadline(time.Unix(1, 0)) }}
	e.read.Store(r.ContentLength == 0)
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// An answer does not wait for the rest of the body (T143), which may never come (threat D8). An error says that
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
	pool := buffers.Pool
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
	if errors.Is(err, io.EOF) {
		e.mu.Lock() // for CloseRead
		e.read.Store(true)
		e.mu.Unlock()
	}
	if n == 0 {
		pool.Put(data)
		return nil, err
	}
	*data = (*data)[:n]
	return mem.NewBuffer(data, pool), err
}

func (e *exchange) CloseRead() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.read.Load() {
		return
	}
	e.cut = true
	// A writer without deadlines has no sockets either, and its body does not wait.
	_ = e.control.SetReadDeadline(time.Unix(1, 0))
}

func (e *exchange) Write(out *transcoder.Out) error {
	defer out.Data.Free()
	if out.Status != 0 {
		e.head(out)
	}
	watched := out.Flush || out.End == transcoder.EndAbort || out.Data.Len() > smallWrite
	if watched {
		e.stall.start()
		defer e.stall.stop()
	}
	if err := e.write(out); err != nil {
		return err
	}
	for _, f := range out.Trailer {
		name := http.TrailerPrefix + f.Name
		e.w.Header()[name] = append(e.w.Header()[name], f.Value)
	}
	e.aborted = e.aborted || out.End == transcoder.EndAbort
	if out.End == transcoder.EndClean {
		// What is left in buffers leaves when the handler has returned (threat D9).
		_ = e.control.SetWriteDeadline(time.Now().Add(e.config.WriteStall))
	}
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
	if e.request.Major == 1 && e.spoilt() || ending(e.ctx) {
		h["Connection"] = []string{"close"}
	}
	if e.config.altSvc != nil {
		h["Alt-Svc"] = e.config.altSvc
	}
	e.w.WriteHeader(out.Status)
}

// spoilt tells that the connection cannot have another request: whatever is left of the body must never be taken for one (threat
// D12), and reads that were made to fail stay so.
func (e *exchange) spoilt() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cut || !e.read.Load()
}

func (e *exchange) write(out *transcoder.Out) error {
	for _, b := range out.Data {
		for data := b.ReadOnlyData(); len(data) > 0; {
			piece := data[:min(len(data), pieceWrite)]
			if _, err := e.w.Write(piece); err != nil {
				return err
			}
			if data = data[len(piece):]; len(data) > 0 {
				e.stall.start()
			}
		}
	}
	return nil
}

// close ends the exchange when its handler returns. An aborted answer
// ends the way net/http has for it: the stream is reset, or the connection closed in mid-body.
func (e *exchange) close() {
	e.stall.close()
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	if e.request.Major == 1 && !e.read.Load() {
		_ = e.control.SetReadDeadline(time.Now().Add(linger)) // net/http reads some of the rest
	}
	if e.aborted {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to end an answer so that it does not look whole
	}
}
