// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package http1 provides the Exchange of HTTP/1.1, on its bytes: one goroutine reads a connection, serves what comes soon behind the last request,
// and an answer leaves in one write.
package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/worker"
)

const (
	// notice is how long a connection that was just made may still bring its first request after its listener has begun to close.
	notice = time.Second
	// linger is how long a client is listened to that was answered before all of its request was read: what it sends is dropped. It has that long to take
	// the answer; a connection that is closed before the client has sent all is reset, and the answer is lost.
	linger = time.Second
)

// Config is what connections need to know. They share it; it does not change: Conn.Configure gives a connection another one.
type Config struct {
	// Listener is the name that requests carry.
	Listener string
	// MaxHeader is the size in bytes of the largest head of a request.
	MaxHeader int
	// HeaderTimeout is how long a head may take to come.
	HeaderTimeout time.Duration
	// WriteStall is how long a client may take nothing of an answer before it counts as gone.
	WriteStall time.Duration
	// IdleTimeout is how long a connection may be without a request before it is closed.
	IdleTimeout time.Duration
	// AltSvc is the field of that name that answers carry; "" for none.
	AltSvc string
	// Limits are what every request is held to.
	Limits transcoder.Limits
	// HTTP2 is given connections whose client speaks HTTP/2 with prior knowledge (RFC 9113 section 3.3), behind the preface. It returns when they have
	// ended. It is nil where that is not spoken.
	HTTP2 func(net.Conn)
	// OnlyHTTP2 closes connections on which anything else is spoken.
	OnlyHTTP2 bool
	// Serve serves one request. It is called in the connection's goroutine or in another one, and may take as long as it likes.
	Serve func(transcoder.Exchange)
	// Log is told what went wrong in Serve.
	Log *slog.Logger
}

// Wrapped is a socket whose bytes pass through what wraps it unchanged.
type Wrapped interface {
	// Unwrap returns what is below, and whether it may be read and written instead from now on.
	Unwrap() (net.Conn, bool)
}

// Conn is one connection of a client.
type Conn struct {
	socket net.Conn
	plain  *net.TCPConn // what is below socket, where that can be used; nil else
	config atomic.Pointer[Config]
	tls    *tls.ConnectionState // nil in clear text
	remote netip.AddrPort
	end    time.Time // from when on an answer is the last
	begins func(upgrade bool)

	// What follows belongs to whoever reads: the connection's goroutine, or who reads a body.
	in     input
	served bool      // there was a request
	due    time.Time // until when what is waited for must have come: the first request, a head; zero for nothing

	mu      sync.Mutex // guards all below, and what an exchange says is so
	cond    sync.Cond  // something of it has changed
	current *exchange  // what is served; nil between requests
	wakes   time.Time  // the deadline of reads; zero for none
	quiet   time.Time  // since when no request is served
	fresh   bool       // nothing has come yet
	busy    bool       // a request is coming, or is served
	last    bool       // the next answer is the last
	closing bool       // there was the last answer
	silent  bool       // the client waits for no more of it
	ahead   bool       // there is something behind the request that is served
	waits   bool       // the connection's goroutine reads while a request is served
	deaf    bool       // it does so no more
	cut     bool       // nothing is read of a body any more
	here    here       // how a request is served by the connection's goroutine
	out     output
	running sync.WaitGroup // goroutines that write
}

// NewConn returns the connection that a client has made. What it is answered after end is the last. begins is told before each request whether
// that asks for another protocol; it may be nil.
func NewConn(socket net.Conn, cfg *Config, end time.Time, begins func(upgrade bool)) *Conn {
	c := &Conn{socket: socket, end: end, begins: begins, fresh: true}
	c.config.Store(cfg)
	c.cond.L = &c.mu
	if secure, ok := socket.(*tls.Conn); ok {
		state := secure.ConnectionState()
		c.tls = &state
	}
	peer := transcoder.AddrPort(socket.RemoteAddr())
	c.remote = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	c.unwrap()
	return c
}

// Configure changes what the connection knows, from its next request on. It may be called at any time.
func (c *Conn) Configure(cfg *Config) { c.config.Store(cfg) }

// unwrap looks for the socket itself, which can be waited for without a buffer and written to in pieces.
func (c *Conn) unwrap() {
	below := c.socket
	for {
		wrapped, ok := below.(Wrapped)
		if !ok {
			break
		}
		if below, ok = wrapped.Unwrap(); !ok {
			return
		}
	}
	if own, ok := below.(*net.TCPConn); ok {
		c.plain = own
	}
	if own, ok := below.(syscall.Conn); ok && canReadDirectly {
		c.in.direct(own)
	}
}

// Serve serves the connection until it has ended and all that it began has returned. first is until when the first request must have come. It is
// called once.
func (c *Conn) Serve(first time.Time) {
	worker.Join()
	defer worker.Leave()
	defer c.running.Wait()
	defer c.Close()
	defer c.here.stop()
	c.due = first
	for c.next() {
	}
	c.in.free()
}

// next serves a request; it reports whether there may be another.
func (c *Conn) next() bool {
	if !c.await() {
		return false
	}
	if !c.served && c.config.Load().HTTP2 != nil {
		if is, err := c.preface(); is || err != nil || c.config.Load().OnlyHTTP2 {
			return false
		}
	}
	x := &exchange{conn: c}
	x.head.fields = x.fields[:0]
	if err := c.readHead(&x.head); err != nil {
		if refused, ok := errors.AsType[*refusal](err); ok {
			c.refuse(refused)
		}
		return false
	}
	c.served = true
	if c.begins != nil {
		c.begins(x.head.upgrade)
	}
	x.begin()
	c.serve(x)
	return c.watch()
}

// await waits for the first bytes of a request.
func (c *Conn) await() bool {
	if c.plain == nil && c.tls == nil {
		c.unwrap() // what wraps it may have had something left
	}
	for len(c.in.bytes()) == 0 {
		if c.fill() != nil {
			return false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.ahead, c.fresh = true, false, false
	return true
}

// fill waits for more bytes, until they are due.
func (c *Conn) fill() error {
	if !c.due.IsZero() {
		c.mu.Lock()
		c.wakeAt(c.due)
		c.mu.Unlock()
	}
	for {
		err := c.in.fill(c.socket)
		if err == nil {
			return nil
		}
		if err = c.late(err); err != nil {
			return err
		}
	}
}

// wakeAt makes reads fail at a time, if they do not before. The caller holds mu.
func (c *Conn) wakeAt(at time.Time) {
	if c.wakes.IsZero() || at.Before(c.wakes) {
		c.wakes = at
		_ = c.socket.SetReadDeadline(at) // it fails when the socket is closed, and so does what comes next
	}
}

// errLate says that what was waited for has not come, or is not waited for any more.
var errLate = errors.New("the client takes too long")

// late looks at why a read has failed: its deadline is set seldom, so it may be that of something which has come.
func (c *Conn) late(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	due := c.due
	if due.IsZero() && !c.busy {
		due = c.quiet.Add(c.config.Load().IdleTimeout)
	}
	switch {
	case c.deaf, c.cut, c.here.relieved, c.last && !c.busy, !due.IsZero() && !time.Now().Before(due):
		return errLate
	}
	c.wakes = due
	_ = c.socket.SetReadDeadline(due) // it fails when the socket is closed, and so does what comes next
	return nil
}

// readHead reads the head of a request, which has so long to come (threat D7).
func (c *Conn) readHead(h *requestHead) error {
	if err := c.emptyLine(); err != nil {
		return err
	}
	var end headEnd
	cfg := c.config.Load()
	most, fields := cfg.MaxHeader+slack, cfg.Limits.Fields()
	for {
		b := c.in.bytes()
		n, err := end.find(b[:min(len(b), most)])
		if err != nil {
			return err
		}
		if n > 0 {
			c.due = time.Time{}
			err := h.parse(b[:n], fields)
			if err == nil && len(h.fields) > fields && cfg.Limits.DropInvalidHeaders {
				err = errTooLarge // after some are dropped it would not be seen that there are too many
			}
			c.in.used(n)
			return err
		}
		if len(b) >= most {
			return errTooLarge
		}
		if err := c.more(); err != nil {
			return err
		}
	}
}

// slack is how much longer than MaxHeader a head may be.
const slack = 4 << 10

// emptyLine reads over the one that some clients send behind a body (RFC 9112 section 2.2).
func (c *Conn) emptyLine() error {
	if !c.served || c.in.bytes()[0] != '\r' {
		return nil
	}
	for len(c.in.bytes()) < len("\r\n") {
		if err := c.more(); err != nil {
			return err
		}
	}
	if c.in.bytes()[1] != '\n' {
		return bad("a line begins with CR")
	}
	c.in.used(len("\r\n"))
	for len(c.in.bytes()) == 0 {
		if err := c.more(); err != nil {
			return err
		}
	}
	return nil
}

// more waits for more of a head, whose time begins with its first byte.
func (c *Conn) more() error {
	if c.due.IsZero() {
		c.due = time.Now().Add(c.config.Load().HeaderTimeout)
	}
	return c.fill()
}

// watch waits until a request was served, and notices meanwhile when the client goes; it reports whether there may be another request. It often waits
// for that already when the answer is written, and holds nothing of the exchange then.
func (c *Conn) watch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.attend() {
		return false
	}
	if !c.closing {
		return true
	}
	if !c.silent {
		c.mu.Unlock()
		c.hangUp()
		c.mu.Lock()
	}
	return false
}

// attend reads what comes while a request is served, to notice when the client goes. It is false if the connection has ended. The caller holds mu, which
// is given up meanwhile.
func (c *Conn) attend() bool {
	for c.current != nil && !c.here.relieved {
		received := c.current.received
		if received && len(c.in.bytes()) > 0 {
			c.ahead = true // a client that makes its next request has not gone
		}
		if !received || c.deaf || c.ahead {
			c.cond.Wait()
			continue
		}
		c.waits = true
		c.mu.Unlock()
		err := c.fill()
		c.mu.Lock()
		c.waits = false
		switch {
		case err == nil:
			c.ahead = true
		case c.here.relieved:
		case c.current == nil: // the answer was the last, or nothing has come behind it
			return false
		case !c.deaf:
			c.gone()
		}
		c.cond.Broadcast()
	}
	return true
}

// gone cancels a request whose client has sent the end of its bytes. It may still take an answer. The caller holds mu.
func (c *Conn) gone() {
	c.deaf, c.last = true, true
	c.current.scope.End()
}

// hangUp lets what was sent last arrive: a socket that is closed while there is something to be read resets its connection, and what was sent is
// lost.
func (c *Conn) hangUp() {
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	_ = c.socket.SetReadDeadline(time.Now().Add(linger)) // it fails when the socket is closed, and so does what comes next
	_, _ = io.Copy(io.Discard, c.socket)                 // until the deadline, or until the client has read the answer and goes
}

// Drain makes the next answer the last. A connection that waits for a request is closed; one that was just made may still bring its first. It may be called
// from any goroutine.
func (c *Conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	switch {
	case c.busy:
	case c.fresh:
		c.wakeAt(time.Now().Add(notice))
	default:
		_ = c.socket.Close() // the reader notices
	}
}

// Close ends the connection, with all that is under way. Serve returns soon after.
func (c *Conn) Close() { _ = c.socket.Close() }

// lost ends the connection because nothing can be sent. The caller holds mu.
func (c *Conn) lost() {
	c.out.failed = errGone
	c.deaf = true
	if c.current != nil {
		c.current.scope.End()
	}
	_ = c.socket.Close() // whoever waits for it notices
}

// errGone says that the client is.
var errGone = errors.New("the client is gone")
