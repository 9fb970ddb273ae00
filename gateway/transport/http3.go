// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http3"
)

// Bounds of QUIC that nobody needs to set.
const (
	// maxUniStreams is how many streams of one direction a client may open. HTTP/3 has three, and an extension may have more.
	maxUniStreams = 8
	// retryFrom is how many handshakes may be under way before clients must show that they are where they say (RFC 9000 section
	// 8.1.2). It costs them a round trip, and costs those who make up addresses their attack.
	retryFrom = 64
	// portTries is how often another port is tried when one is free for TCP and not for UDP.
	portTries = 16
	// connectionIDLength makes it unlikely that two of many connections get the same name by chance.
	connectionIDLength = 8
)

// quicServer serves HTTP/3 on the port of UDP that has the number of the listener's.
type quicServer struct {
	serveOne  func(transcoder.Exchange)
	log       *slog.Logger
	now       atomic.Pointer[quicSettings]
	places    *places
	socket    net.PacketConn
	transport *quic.Transport
	listener  *quic.Listener
	served    sync.WaitGroup

	handshakes atomic.Int64
	draining   atomic.Bool

	mu     sync.Mutex
	conns  map[*http3.Conn]struct{} // guarded by mu, as is closed
	closed bool                     // no connection is served any more
}

// quicSettings are what connections begin with.
type quicSettings struct {
	quic   *quic.Config
	http3  *http3.Config
	maxAge time.Duration
}

// apply is for connections that begin from now on.
func (s *quicServer) apply(cfg *Config) {
	s.now.Store(&quicSettings{quic: cfg.quic(), maxAge: cfg.MaxAge, http3: &http3.Config{
		Listener: cfg.Name, MaxHeader: cfg.MaxHeader, HeaderTimeout: cfg.HeaderTimeout, WriteStall: cfg.WriteStall,
		IdleTimeout: cfg.IdleTimeout, Limits: cfg.limits(), Serve: s.serveOne, Log: s.log,
	}})
}

// errRefused refuses a connection; its client is told no more than that.
var errRefused = errors.New("no connection is taken")

// admitted is a connection from its first packet on.
type admitted struct{ shaken func() }

type admittedKey struct{}

// newQUICServer listens on a socket, which it closes when it is closed itself.
func newQUICServer(socket net.PacketConn, cfg *Config, certs *tls.Config, p *places, serve func(transcoder.Exchange), log *slog.Logger) (*quicServer, error) {
	s := &quicServer{
		serveOne: serve, log: slog.New(newSampled(log.With("listener", cfg.Name).Handler())), places: p, socket: socket, conns: map[*http3.Conn]struct{}{},
	}
	s.apply(cfg)
	s.transport = &quic.Transport{
		Conn:                socket,
		ConnectionIDLength:  connectionIDLength,
		VerifySourceAddress: func(net.Addr) bool { return s.handshakes.Load() >= retryFrom },
		ConnContext:         s.admit,
	}
	quietBufferWarning()
	certs = certs.Clone()
	certs.MinVersion, certs.NextProtos = tls.VersionTLS13, []string{http3.NextProto}
	var err error
	base := cfg.quic()
	base.GetConfigForClient = func(*quic.ClientInfo) (*quic.Config, error) { return s.now.Load().quic, nil }
	if s.listener, err = s.transport.Listen(certs, base); err != nil {
		return nil, fmt.Errorf("http3: %w", err)
	}
	warnOfBuffer(socket, log.With("listener", cfg.Name))
	return s, nil
}

// quic is what a connection of QUIC is held to. Both windows stay as they are set: QUIC would let them grow.
func (c *Config) quic() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:             c.HeaderTimeout / 2, // the whole of it may take twice as long
		MaxIdleTimeout:                   c.PingAfter + c.PingTimeout,
		KeepAlivePeriod:                  c.PingAfter,
		InitialStreamReceiveWindow:       uint64(c.StreamWindow), //nolint:gosec // they were checked
		MaxStreamReceiveWindow:           uint64(c.StreamWindow),
		InitialConnectionReceiveWindow:   uint64(c.ConnectionWindow),
		MaxConnectionReceiveWindow:       uint64(c.ConnectionWindow),
		MaxIncomingStreams:               int64(c.MaxConcurrentStreams),
		MaxIncomingUniStreams:            maxUniStreams,
		EnableStreamResetPartialDelivery: true,
		Allow0RTT:                        false, // who records such a request can send it again
	}
}

// admit decides on the first packet of a connection. What it takes is given back when the connection has ended, or its handshake failed.
func (s *quicServer) admit(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	if s.draining.Load() || !s.places.try() {
		return nil, errRefused
	}
	s.handshakes.Add(1)
	a := &admitted{shaken: sync.OnceFunc(func() { s.handshakes.Add(-1) })}
	context.AfterFunc(ctx, func() {
		a.shaken()
		s.places.release()
	})
	return context.WithValue(ctx, admittedKey{}, a), nil
}

// serve takes connections until the listener is closed.
func (s *quicServer) serve() error {
	for {
		qc, err := s.listener.Accept(context.Background())
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if a, ok := qc.Context().Value(admittedKey{}).(*admitted); ok {
			a.shaken()
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			continue // it ends with the socket
		}
		s.served.Go(func() { s.one(qc) })
		s.mu.Unlock()
	}
}

func (s *quicServer) one(qc *quic.Conn) {
	now := s.now.Load()
	c := http3.NewConn(qc, now.http3, about(now.maxAge))
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	if s.draining.Load() {
		c.GoAway()
	}
	c.Serve()
}

// drain refuses new connections, sends all clients away and waits until they have gone.
func (s *quicServer) drain(ctx context.Context) error {
	s.draining.Store(true)
	s.each((*http3.Conn).GoAway)
	const look = 5 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for s.open() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// open returns how many connections there are.
func (s *quicServer) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// each calls f for every connection.
func (s *quicServer) each(f func(*http3.Conn)) {
	s.mu.Lock()
	list := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range list {
		f(c)
	}
}

// close closes all connections and the socket.
func (s *quicServer) close() error {
	s.draining.Store(true)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.listener.Close()
	var closing sync.WaitGroup
	s.each(func(c *http3.Conn) { closing.Go(c.Close) })
	closing.Wait()
	err = errors.Join(err, s.transport.Close())
	s.served.Wait()
	if closeErr := s.socket.Close(); !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// listenBoth opens a port of TCP and the one of UDP that has its number.
func listenBoth(ctx context.Context, listen *net.ListenConfig, address string) (net.Listener, net.PacketConn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	tries := 1
	if port == "0" {
		tries = portTries // one that is free for TCP may be taken for UDP
	}
	var errs []error
	for range tries {
		l, err := listen.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, nil, err
		}
		socket, err := listen.ListenPacket(ctx, "udp", l.Addr().String())
		if err == nil {
			return l, socket, nil
		}
		errs = append(errs, err, l.Close())
	}
	return nil, nil, fmt.Errorf("http3: %w", errors.Join(errs...))
}
