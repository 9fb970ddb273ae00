// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http1"
	"github.com/dragoman-gateway/dragoman/transcoder/http2"
)

// How long nothing is accepted after that has failed, for want of file descriptors, say: the first time, and at most.
const (
	shortPause = 5 * time.Millisecond
	longPause  = time.Second
)

// nextHTTP1 is the name of HTTP/1.1 in TLS.
const nextHTTP1 = "http/1.1"

// tcpServer accepts the connections of TCP, shakes hands, and gives each to who serves the version of HTTP that is spoken on it.
type tcpServer struct {
	listener net.Listener
	tls      *tls.Config // nil in clear text
	serveOne func(transcoder.Exchange)
	http2    *http2Server
	now      atomic.Pointer[tcpSettings]
	log      *slog.Logger
	ended    chan struct{} // is closed with the server

	mu       sync.Mutex
	sockets  map[net.Conn]struct{}    // all that are open; guarded by mu, as is all below
	conns    map[*http1.Conn]struct{} // those that are not known to speak HTTP/2
	draining bool
	closed   bool
	served   sync.WaitGroup
}

// tcpSettings are what connections begin with, and those of HTTP/1.1 go on with.
type tcpSettings struct {
	config *Config
	http1  *http1.Config
}

func newTCPServer(l net.Listener, cfg *Config, altSvc string, serve func(transcoder.Exchange), log *slog.Logger) *tcpServer {
	s := &tcpServer{
		listener: l, serveOne: serve, http2: newHTTP2Server(cfg, altSvc, serve, log), log: log, ended: make(chan struct{}),
		sockets: map[net.Conn]struct{}{}, conns: map[*http1.Conn]struct{}{},
	}
	s.apply(cfg, altSvc)
	return s
}

// apply is for connections that begin from now on, and for the next requests of those of HTTP/1.1 that there are.
func (s *tcpServer) apply(cfg *Config, altSvc string) {
	next := &tcpSettings{config: cfg, http1: &http1.Config{
		Listener: cfg.Name, MaxHeader: cfg.MaxHeader, HeaderTimeout: cfg.HeaderTimeout, WriteStall: cfg.WriteStall, IdleTimeout: cfg.IdleTimeout,
		AltSvc: altSvc, Limits: cfg.limits(), Serve: s.serveOne, Log: s.log, OnlyHTTP2: !cfg.speaks(HTTP1),
	}}
	if cfg.speaks(H2C) {
		next.http1.HTTP2 = s.http2.serve
	}
	s.http2.apply(cfg, altSvc)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Store(next)
	for c := range s.conns {
		c.Configure(next.http1)
	}
}

// serve takes connections until the listener is closed.
func (s *tcpServer) serve() error {
	pause := time.Duration(0)
	for {
		socket, err := s.listener.Accept()
		if err == nil {
			pause = 0
			s.begin(socket)
			continue
		}
		if s.leaving() || errors.Is(err, net.ErrClosed) {
			return nil
		}
		passing, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err)
		if !ok || !passing.Temporary() {
			return err
		}
		pause = min(max(2*pause, shortPause), longPause)
		s.log.Warn("no connection can be accepted", slog.Any("error", err), slog.Duration("again_in", pause))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.ended:
			timer.Stop()
		}
	}
}

func (s *tcpServer) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// begin serves a connection in a goroutine of its own.
func (s *tcpServer) begin(socket net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = socket.Close()
		return
	}
	s.sockets[socket] = struct{}{}
	s.served.Go(func() {
		defer s.forget(socket)
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("serving a connection panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			}
		}()
		s.one(socket)
	})
}

func (s *tcpServer) forget(socket net.Conn) {
	_ = socket.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, socket)
}

// one serves a connection. Its handshake and its first request have the time of one head together (threat D7).
func (s *tcpServer) one(socket net.Conn) {
	now := s.now.Load()
	first := time.Now().Add(now.config.HeaderTimeout)
	if s.tls == nil {
		s.speak(socket, first)
		return
	}
	secure := tls.Server(socket, s.tls)
	_ = socket.SetDeadline(first) // it fails when the socket is closed, and so does the handshake
	if err := secure.HandshakeContext(context.Background()); err != nil {
		s.unsecured(socket, err)
		return
	}
	_ = socket.SetDeadline(time.Time{}) // as above
	switch protocol := secure.ConnectionState().NegotiatedProtocol; {
	case protocol == http2.NextProto:
		s.http2.serve(secure)
	case (protocol == nextHTTP1 || protocol == "") && now.config.speaks(HTTP1):
		s.speak(secure, first)
	}
}

// unsecured ends a connection whose handshake has failed. Who speaks HTTP in clear text is told.
func (s *tcpServer) unsecured(socket net.Conn, err error) {
	if s.leaving() {
		return
	}
	s.log.Warn("a TLS handshake failed", slog.String("client", socket.RemoteAddr().String()), slog.Any("error", err))
	wrong, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || wrong.Conn == nil || !slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}, string(wrong.RecordHeader[:])) {
		return
	}
	_, _ = io.WriteString(wrong.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks TLS alone.\n") // the client may be gone
}

// speak serves HTTP/1.1, and HTTP/2 in clear text.
func (s *tcpServer) speak(socket net.Conn, first time.Time) {
	var begins func(bool)
	if own := speakerOf(socket); own != nil {
		begins = func(upgrade bool) {
			if upgrade {
				own.is(spokenWebSocket)
			} else {
				own.is(spokenHTTP1)
			}
		}
	}
	s.mu.Lock()
	now := s.now.Load()
	c := http1.NewConn(socket, now.http1, time.Now().Add(about(now.config.MaxAge)), begins)
	s.conns[c] = struct{}{}
	draining := s.draining
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	if draining {
		c.Drain()
	}
	c.Serve(first)
}

// drain accepts nothing more, sends all clients away and waits until they have gone.
func (s *tcpServer) drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	list := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	s.http2.goAway()
	for _, c := range list {
		c.Drain()
	}
	err := s.listener.Close() // those that come until here are sent away as well
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	gone := make(chan struct{})
	go func() { // it ends with close at the latest
		defer close(gone)
		s.served.Wait()
	}()
	select {
	case <-gone:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// close ends all connections and waits until nothing is done for them any more.
func (s *tcpServer) close() error {
	s.mu.Lock()
	s.draining = true
	if !s.closed {
		close(s.ended)
	}
	s.closed = true
	list := slices.Collect(maps.Keys(s.sockets))
	s.mu.Unlock()
	err := s.listener.Close()
	for _, socket := range list {
		_ = socket.Close()
	}
	s.http2.close()
	s.served.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
