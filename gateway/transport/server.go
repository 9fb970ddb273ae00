// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package transport provides sockets and HTTP: listeners for HTTP/1.1, HTTP/2 and HTTP/3, TLS, and drain.
package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Server is one listener and what serves it.
type Server struct {
	config   Config                 // that it was opened with
	now      atomic.Pointer[Config] // that is in force
	log      *slog.Logger
	listener net.Listener
	places   *places
	tcp      *tcpServer
	quic     *quicServer  // nil without HTTP/3
	certs    *credentials // nil in clear text
	meeting  *acme.Meeting
	conns    openConns
	served   sync.WaitGroup
}

// Listen opens the socket of a listener; serve is called for each request once Start was. The error names
// everything that is wrong with the configuration.
func Listen(ctx context.Context, cfg Config, serve func(transcoder.Exchange), log *slog.Logger) (*Server, error) {
	return ListenOn(ctx, cfg, Sockets{}, serve, log)
}

// ListenOn is Listen on sockets that are open already. They are closed with the server, and where it returns an error.
func ListenOn(ctx context.Context, cfg Config, given Sockets, serve func(transcoder.Exchange), log *slog.Logger) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listener %q: %w", cfg.Name, err), given.close())
	}
	s := &Server{config: cfg, log: log, places: newPlaces(cfg.MaxConnections)}
	s.now.Store(&cfg)
	if cfg.TLS != nil {
		if s.certs, err = newCredentials(&cfg, log.With("listener", cfg.Name)); err != nil {
			return nil, errors.Join(fmt.Errorf("listener %q: %w", cfg.Name, err), given.close())
		}
	}
	if err := s.open(ctx, given, serve, log); err != nil {
		if s.certs != nil {
			s.certs.close()
		}
		return nil, fmt.Errorf("listener %q: %w", cfg.Name, err)
	}
	s.tcp = s.server(serve, log) //nolint:contextcheck // requests have one of their own
	return s, nil
}

// open opens the sockets that it was not given.
func (s *Server) open(ctx context.Context, given Sockets, serve func(transcoder.Exchange), log *slog.Logger) error {
	cfg := &s.config
	tcp, udp, err := cfg.sockets(ctx, given)
	if err != nil {
		return err
	}
	if udp == nil {
		return s.accept(newBounded(tcp, s.places, &s.conns, s.adapt), log)
	}
	if s.quic, err = newQUICServer(udp, cfg, s.certs.quic(), s.places, serve, log); err != nil {
		return errors.Join(err, tcp.Close(), udp.Close())
	}
	s.listener = newBounded(tcp, s.places, &s.conns, s.adapt)
	return nil
}

// accept takes connections from a socket of TCP, and reads from them whose they are where that is to be.
func (s *Server) accept(l *bounded, log *slog.Logger) error {
	s.listener = l
	if s.config.ProxyProtocol == nil {
		return nil
	}
	own, err := proxyprotocol.NewListener(l, *s.config.ProxyProtocol, slog.New(newSampled(log.With("listener", s.config.Name).Handler())))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.listener = own
	return nil
}

// server returns who serves connections of TCP.
func (s *Server) server(serve func(transcoder.Exchange), log *slog.Logger) *tcpServer {
	cfg := &s.config
	if s.certs == nil {
		serve = answering(func() *acme.Meeting { return s.meeting }, serve)
	}
	tcp := newTCPServer(s.listener, cfg, cfg.altSvc(s.port()), serve, slog.New(newSampled(log.With("listener", cfg.Name).Handler())))
	if s.certs != nil {
		tcp.tls = s.certs.tcp()
	}
	return tcp
}

// keepAlive asks by TCP, for what has no PING: three times within the time that an answer may take.
func (c Config) keepAlive() net.KeepAliveConfig {
	const probes = 3
	return net.KeepAliveConfig{Enable: true, Idle: c.PingAfter, Interval: c.PingTimeout / probes, Count: probes}
}

// portOf returns the port of an address, 0 for one without.
func portOf(a net.Addr) int { return int(transcoder.AddrPort(a).Port()) }

// deadAfter is how long a client may acknowledge nothing of what it was sent: as long as it may be silent when it was asked, but never less than
// it may take to make room for more.
func (c Config) deadAfter() time.Duration { return max(c.PingAfter+c.PingTimeout, c.WriteStall) }

// about returns a duration that is up to a tenth shorter or longer by chance, so that clients which came together do not come again
// together.
func about(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // no secret
}

// port is the port that clients are told of.
func (s *Server) port() int {
	if s.quic != nil {
		return portOf(s.quic.socket.LocalAddr()) // of a socket that was given, the port may be another one
	}
	return portOf(s.listener.Addr())
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Config returns the listener's configuration in force, with its defaults.
func (s *Server) Config() Config { return *s.now.Load() }

// Meet has the listener answer authorities for those of the same process that have certificates by ACME, or be answered for. It is called before
// Start, for all listeners before that of any. A listener that has not met others gets no certificates by ACME.
func (s *Server) Meet(m *acme.Meeting) {
	s.meeting = m
	if s.certs == nil && s.config.speaks(HTTP1) {
		m.Plain(s.Addr())
	}
}

// Start serves in the background until Drain or Close. failed is called if serving ends by itself.
func (s *Server) Start(failed func(error)) {
	if s.certs != nil && s.meeting != nil {
		s.certs.start(s.Addr(), s.meeting)
	}
	if s.quic != nil {
		s.served.Go(func() {
			if err := s.quic.serve(); err != nil {
				failed(fmt.Errorf("listener %q: http3: %w", s.config.Name, err))
			}
		})
	}
	s.served.Go(func() {
		if err := s.tcp.serve(); err != nil {
			failed(fmt.Errorf("listener %q: %w", s.config.Name, err))
		}
	})
}

// Drain stops accepting, tells clients to go elsewhere (GOAWAY in HTTP/2 and HTTP/3, "Connection: close" in HTTP/1.1) and waits for the
// calls that are under way. When ctx ends first, it closes what is left and returns ctx's error.
func (s *Server) Drain(ctx context.Context) error {
	var quicErr error
	var drained sync.WaitGroup
	if s.quic != nil {
		drained.Go(func() { quicErr = s.quic.drain(ctx) })
	}
	err := s.tcp.drain(ctx)
	drained.Wait()
	return errors.Join(err, quicErr, s.Close())
}

// Close closes the socket and all connections. Drain does so as well at its end; closing twice is no error.
func (s *Server) Close() error {
	err := s.tcp.close()
	if s.quic != nil {
		err = errors.Join(err, s.quic.close())
	}
	if s.certs != nil {
		s.certs.close()
	}
	s.served.Wait()
	return err
}
