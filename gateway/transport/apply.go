// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// errTLS is what cannot be changed while a listener serves.
var errTLS = errors.New("tls where there was none, or none where there was, takes a restart")

// Apply puts a changed configuration in force. What it says of requests over HTTP/1.1 holds from the next one on; all else holds for connections that
// begin from now on, and those that there are go on as they began. Certificates hold from the next handshake on. What is decided when the socket is
// opened stays as it is: kept has that. With an error everything stays.
func (s *Server) Apply(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err == nil && (cfg.TLS == nil) != (s.certs == nil) {
		err = errTLS
	}
	if err == nil && s.certs != nil {
		err = s.certs.apply(&cfg)
	}
	if err != nil {
		return fmt.Errorf("listener %q: %w", s.config.Name, err)
	}
	next := s.config.kept(cfg)
	altSvc := next.altSvc(s.port())
	s.tcp.apply(&next, altSvc)
	if s.quic != nil {
		s.quic.apply(&next)
	}
	s.places.resize(next.MaxConnections)
	s.now.Store(&next)
	return nil
}

// kept returns another configuration with what a listener keeps that was opened by this one.
func (c *Config) kept(next Config) Config {
	next.Name, next.Address, next.Protocols, next.ProxyProtocol = c.Name, c.Address, c.Protocols, c.ProxyProtocol
	return next
}

// adapt gives a connection what the configuration in force says of TCP, where the socket was opened with something else.
func (s *Server) adapt(c net.Conn) {
	now := s.now.Load()
	tcp, ok := c.(*net.TCPConn)
	if !ok || now.keepAlive() == s.config.keepAlive() && now.deadAfter() == s.config.deadAfter() {
		return
	}
	err := tcp.SetKeepAliveConfig(now.keepAlive())
	if raw, rawErr := tcp.SyscallConn(); err == nil && rawErr == nil {
		err = control(now.deadAfter())("tcp", "", raw)
	}
	if err != nil { // it is gone already
		s.log.Debug("setting the keepalive of a connection", slog.String("listener", now.Name), slog.Any("error", err))
	}
}
