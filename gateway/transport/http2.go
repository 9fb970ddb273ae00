// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http2"
)

// http2Server serves the connections that are found to speak HTTP/2.
type http2Server struct {
	serveOne func(transcoder.Exchange)
	log      *slog.Logger
	now      atomic.Pointer[http2Settings]

	mu       sync.Mutex
	conns    map[*http2.Conn]struct{} // guarded by mu, as is all below
	draining bool
	closed   bool // no connection is served any more
	served   sync.WaitGroup
}

// http2Settings are what connections begin with.
type http2Settings struct {
	config *http2.Config
	maxAge time.Duration
}

func newHTTP2Server(cfg *Config, altSvc string, serve func(transcoder.Exchange), log *slog.Logger) *http2Server {
	s := &http2Server{serveOne: serve, log: log, conns: map[*http2.Conn]struct{}{}}
	s.apply(cfg, altSvc)
	return s
}

// apply is for connections that begin from now on.
func (s *http2Server) apply(cfg *Config, altSvc string) {
	s.now.Store(&http2Settings{maxAge: cfg.MaxAge, config: &http2.Config{
		Listener: cfg.Name, MaxHeader: cfg.MaxHeader, MaxStreams: cfg.MaxConcurrentStreams, StreamWindow: cfg.StreamWindow,
		ConnectionWindow: cfg.ConnectionWindow, HeaderTimeout: cfg.HeaderTimeout, WriteStall: cfg.WriteStall, IdleTimeout: cfg.IdleTimeout,
		PingAfter: cfg.PingAfter, PingTimeout: cfg.PingTimeout, AltSvc: altSvc, Limits: cfg.limits(), Serve: s.serveOne, Log: s.log,
	}})
}

// serve serves a connection until it has ended.
func (s *http2Server) serve(socket net.Conn) {
	if own := speakerOf(socket); own != nil {
		own.is(spokenHTTP2)
	}
	now := s.now.Load()
	c := http2.NewConn(socket, now.config, about(now.maxAge))
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.Close()
		return
	}
	s.conns[c] = struct{}{}
	draining := s.draining
	s.served.Add(1)
	s.mu.Unlock()
	defer s.served.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	if draining {
		c.GoAway()
	}
	c.Serve()
}

// goAway sends all clients away.
func (s *http2Server) goAway() {
	s.mu.Lock()
	s.draining = true
	list := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range list {
		c.GoAway()
	}
}

// close ends all connections and waits until nothing is done for them any more.
func (s *http2Server) close() {
	s.mu.Lock()
	s.draining, s.closed = true, true
	list := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range list {
		c.Close()
	}
	s.served.Wait()
}
