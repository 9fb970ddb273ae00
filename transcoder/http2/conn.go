// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package http2 provides the Exchange of HTTP/2, at the level of its frames: one goroutine reads a connection, and whoever has written flushes
// what all have.
package http2

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/worker"
)

// Times of a farewell.
const (
	// notice is how long requests are still taken after the client was told to make no more: it may have sent some before it heard.
	notice = time.Second
	// linger is how long a connection stays after its last answer, or after the error that ends it, so that this arrives; unless the client closes it
	// before.
	linger = time.Second
)

// NextProto is the name of HTTP/2 in TLS.
const NextProto = "h2"

// Config is what connections need to know. They share it; it does not change.
type Config struct {
	// Listener is the name that requests carry.
	Listener string
	// MaxHeader is the size in bytes of the largest head of a request.
	MaxHeader int
	// MaxStreams is how many requests a connection may have open.
	MaxStreams int
	// StreamWindow and ConnectionWindow are how many bytes of a request, and of all of a connection, may be under way before they are taken. A
	// connection has 65,535 at least.
	StreamWindow, ConnectionWindow int
	// HeaderTimeout is how long a head may take to come, and the first settings of a client.
	HeaderTimeout time.Duration
	// WriteStall is how long a client may take nothing of an answer before it counts as gone.
	WriteStall time.Duration
	// IdleTimeout is how long a connection may be without a request before it is ended.
	IdleTimeout time.Duration
	// PingAfter is how long a client may be silent before it is asked whether it is there, PingTimeout how long its answer may take.
	PingAfter, PingTimeout time.Duration
	// AltSvc is the field of that name that answers carry; "" for none.
	AltSvc string
	// Limits are what every request is held to.
	Limits transcoder.Limits
	// Serve serves one request, in a goroutine of its own.
	Serve func(transcoder.Exchange)
	// Log is told what went wrong in Serve.
	Log *slog.Logger
}

// Conn is one connection of a client.
type Conn struct {
	socket net.Conn
	config *Config
	tls    *tls.ConnectionState // nil in clear text
	remote netip.AddrPort
	age    time.Duration

	running sync.WaitGroup // every goroutine of the connection but its reader

	// What follows belongs to the reader.
	in       *bufio.Reader
	decoder  *hpack.Decoder
	block    headBlock // the head that is being read
	greeted  bool      // the first settings have come
	deadline time.Time // of reads
	heard    time.Time // when something last came
	asked    time.Time // when the client was asked whether it is there; zero if it has answered
	unserved int       // frames since what has begun was served
	due      time.Time // until when what has begun must have come: the first settings, a head; zero for nothing

	mu      sync.Mutex // guards all below, and what streams have
	streams map[uint32]*stream
	newest  uint32 // the highest number of a stream that was begun
	serving int    // handlers that run
	waiting []*stream
	begun   []*stream // are to be served once what came with them was read
	quiet   time.Time // since when there is no stream

	out     output
	window  int   // how much may be sent
	initial int   // of that of a new stream
	taken   int   // of the window that the client has
	credit  int   // of what was taken, how much can be granted again
	calm    calm  // what a client may do that costs it nothing
	failed  error // why nothing is sent any more
	stalls  *time.Timer
	armed   bool // stalls is to fire

	bye      bool // the client is told to make no more requests
	last     bool // what comes is refused
	over     bool // Serve has returned, or is about to
	farewell *time.Timer
	aging    *time.Timer
}

// NewConn returns the connection that a client has made, whose preface was read where it is in clear text. It is told to go elsewhere when it is as
// old as maxAge.
func NewConn(socket net.Conn, cfg *Config, maxAge time.Duration) *Conn {
	c := &Conn{
		socket: socket, config: cfg, age: maxAge, streams: map[uint32]*stream{}, window: frames.FirstWindow, initial: frames.FirstWindow,
	}
	if secure, ok := socket.(*tls.Conn); ok {
		state := secure.ConnectionState()
		c.tls = &state
	}
	peer := transcoder.AddrPort(socket.RemoteAddr())
	c.remote = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	c.quiet = time.Now()
	c.heard = c.quiet
	c.calm = newCalm(c.quiet)
	c.in = newReader(c)
	c.decoder = hpack.NewDecoder(frames.TableSize, c.block.field)
	// A string that is longer than a head may be makes a head too large, not the connection unusable, if it is not much longer.
	c.decoder.SetMaxStringLength(cfg.headLimit() + excess)
	c.out.init(&c.mu)
	return c
}

// headLimit is how large a head may be.
func (c *Config) headLimit() int { return head.Limit(c.MaxHeader, c.Limits.Fields()) }

// Serve serves the connection until it has ended and all that it began has returned. It is called once.
func (c *Conn) Serve() {
	worker.Join()
	defer worker.Leave()
	defer c.running.Wait()
	defer func() { _ = c.socket.Close() }()
	err := c.greet()
	for err == nil {
		err = c.frame()
	}
	c.finish(err)
	freeReader(c.in)
}

// greet sends our settings and reads the preface.
func (c *Conn) greet() error {
	cfg := c.config
	c.mu.Lock()
	b := frames.Append(c.out.Room(), 4*frames.SettingSize, frames.Settings, 0, 0)
	b = frames.AppendSetting(b, frames.SettingStreams, uint32(cfg.MaxStreams))     //nolint:gosec // it was checked
	b = frames.AppendSetting(b, frames.SettingWindow, uint32(cfg.StreamWindow))    //nolint:gosec // it was checked
	b = frames.AppendSetting(b, frames.SettingHeaderList, uint32(cfg.headLimit())) //nolint:gosec // it was checked
	b = frames.AppendSetting(b, frames.SettingNoPriorities, 1)
	if more := cfg.ConnectionWindow - frames.FirstWindow; more > 0 {
		b = frames.AppendWindowUpdate(b, 0, more)
	}
	c.out.Pending = b
	c.aging = time.AfterFunc(c.age, c.GoAway)
	c.send()
	c.mu.Unlock()
	c.due = time.Now().Add(cfg.HeaderTimeout)
	c.wakeAt(c.due)
	if c.tls == nil {
		return nil // whoever chose this protocol has read it
	}
	if err := c.need(len(frames.Preface)); err != nil {
		return err
	}
	if got, _ := c.in.Peek(len(frames.Preface)); string(got) != frames.Preface {
		return &connError{frames.ProtocolError, "the preface is another"}
	}
	_, _ = c.in.Discard(len(frames.Preface)) // they were peeked
	if !goodCipher(c.tls) {
		return &connError{frames.InadequateSecurity, "the cipher suite is none for HTTP/2"}
	}
	return nil
}

// finish ends the connection, and all that is under way: because of err, or because it has ended.
func (c *Conn) finish(err error) {
	c.mu.Lock()
	c.over = true
	c.aging.Stop()
	if c.farewell != nil {
		c.farewell.Stop()
	}
	gone := error(errGone)
	wrong, isWrong := errors.AsType[*connError](err)
	if isWrong {
		gone = wrong
	}
	for _, s := range c.streams {
		s.fail(gone)
	}
	for _, s := range c.waiting {
		s.forget()
	}
	c.waiting = nil
	for _, s := range c.begun {
		s.forget()
		c.serving--
	}
	c.begun = nil
	if isWrong && c.failed == nil {
		c.out.Pending = frames.AppendGoAway(c.out.Room(), c.newest, wrong.Code, wrong.Text)
		_ = c.socket.SetWriteDeadline(time.Now().Add(linger)) // it fails when the socket is closed, and so does what comes next
		for c.out.writing {
			c.out.idle.Wait()
		}
		c.flush()
	}
	if c.failed == nil {
		c.failed = gone
	}
	if c.stalls != nil {
		c.stalls.Stop()
	}
	c.mu.Unlock()
	if isWrong {
		c.hangUp()
	}
}

// hangUp lets what was sent last arrive: a socket that is closed while there is something to be read resets its connection, and what was sent is
// lost.
func (c *Conn) hangUp() {
	const most = 256 << 10
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.socket.SetReadDeadline(time.Now().Add(linger))
		_, _ = io.CopyN(io.Discard, c.in, most)
	}
}

// GoAway tells the client to make its next request elsewhere. What is under way goes on, and so does what was on its way; then the connection is
// closed. It may be called from any goroutine.
func (c *Conn) GoAway() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bye || c.over {
		return
	}
	c.bye = true
	c.out.Pending = frames.AppendGoAway(c.out.Room(), frames.LastStream, frames.NoError, "")
	c.send()
	c.farewell = time.AfterFunc(notice, c.leave)
}

// leave refuses what comes from now on, and closes the connection when nothing is left.
func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.last = true
	c.out.Pending = frames.AppendGoAway(c.out.Room(), c.newest, frames.NoError, "")
	c.send()
	c.parting()
}

// parting closes a connection that is told to go and has nothing left. The caller holds mu.
func (c *Conn) parting() {
	if c.last && !c.over && len(c.streams) == 0 && c.serving == 0 {
		c.farewell = time.AfterFunc(linger, func() { _ = c.socket.Close() })
	}
}

// Close ends the connection, with all that is under way. Serve returns soon after.
func (c *Conn) Close() { _ = c.socket.Close() }

// lost ends the connection because nothing can be sent. The caller holds mu.
func (c *Conn) lost(err error) {
	if c.failed == nil {
		c.failed = err
	}
	for _, s := range c.streams {
		s.fail(errGone)
	}
	_ = c.socket.Close() // the reader notices
}

// errGone says that the client is.
var errGone = errors.New("the client is gone")

// goodCipher tells whether a cipher suite may be used (RFC 9113 section 9.2.2): those of TLS 1.3, and of 1.2 those with forward secrecy that
// authenticate what they encrypt.
func goodCipher(s *tls.ConnectionState) bool {
	if s.Version >= tls.VersionTLS13 {
		return true
	}
	switch s.CipherSuite {
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return true
	}
	return false
}

// begin takes a stream in. The caller holds mu.
func (c *Conn) begin(s *stream) {
	c.streams[s.id] = s
	if c.serving >= c.config.MaxStreams {
		c.waiting = append(c.waiting, s) // as many as there are streams at most
		return
	}
	c.serving++
	c.begun = append(c.begun, s)
}

// served notes that a handler has returned.
func (c *Conn) served(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.close()
	c.serving--
	for len(c.waiting) > 0 && !c.over {
		next := c.waiting[0]
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
		if next.failure != nil {
			next.forget()
			continue
		}
		c.serving++
		c.run(next)
		break
	}
	if len(c.waiting) == 0 {
		c.waiting = nil
	}
	c.quieten()
	c.parting()
}

// quieten notes since when there is nothing to do. The caller holds mu.
func (c *Conn) quieten() {
	if len(c.streams) == 0 && c.serving == 0 {
		c.quiet = time.Now()
	}
}

// dispatch serves what has begun.
func (c *Conn) dispatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.begun {
		c.begun[i] = nil
		c.run(s)
	}
	c.begun = c.begun[:0]
}

// run serves a stream in a goroutine. The caller holds mu.
func (c *Conn) run(s *stream) {
	c.running.Add(1)
	worker.Do(s)
}
