// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proxyprotocol

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// DefaultTimeout is how long a header may take to come. Balancers send it at once.
const DefaultTimeout = 5 * time.Second

// Config says who sends headers. It is part of a listener's.
type Config struct {
	// From are the peers whose connections begin with a header, all of them; those of others have none, and one that they send is no
	// request. At least one.
	From []netip.Prefix
	// Timeout is how long a header may take to come; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	if len(c.From) == 0 {
		errs = append(errs, errors.New("from is empty; name the balancers that send headers"))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout is %s; it must not be negative", c.Timeout))
	}
	return errors.Join(errs...)
}

// Listener hands on connections when their header was read, and those without one at once.
type Listener struct {
	net.Listener
	config Config
	log    *slog.Logger

	ready   chan accepted // a connection, or the error with which accepting ended
	closing chan struct{}
	close   sync.Once
	reading sync.WaitGroup

	mu      sync.Mutex
	pending map[net.Conn]struct{} // whose header is being read; nil when closed; guarded by mu
}

type accepted struct {
	conn net.Conn
	err  error
}

// NewListener reads headers from the connections of a listener, which bounds how many there are. Connections with a bad header are closed, and
// told in the log.
func NewListener(below net.Listener, cfg Config, log *slog.Logger) (*Listener, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	l := &Listener{Listener: below, config: cfg, log: log, ready: make(chan accepted), closing: make(chan struct{}), pending: map[net.Conn]struct{}{}}
	l.reading.Go(l.accept)
	return l, nil
}

// Accept returns the next connection whose header was read, or which has none.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.closing:
		return nil, net.ErrClosed
	}
}

// Close stops accepting and closes the connections that were not handed on.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.close.Do(func() {
		close(l.closing)
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.pending {
			_ = c.Close()
		}
		l.pending = nil
	})
	l.reading.Wait()
	return err
}

// accept takes connections until the listener below is closed. One that has no header to wait for does not wait for others.
func (l *Listener) accept() {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			// net/http tries again after a temporary error, which a lack of file descriptors is, and waits before it does.
			if !l.hand(accepted{err: err}) || errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		l.reading.Go(func() { l.one(c) })
	}
}

// hand gives a connection to who accepts next.
func (l *Listener) hand(a accepted) bool {
	select {
	case l.ready <- a:
		return true
	case <-l.closing:
		return false
	}
}

// one reads the header of a connection and hands it on.
func (l *Listener) one(c net.Conn) {
	if l.sends(c.RemoteAddr()) {
		own, err := l.read(c)
		if err != nil {
			_ = c.Close()
			if !l.closed() {
				l.log.Warn("a connection was closed whose header of the PROXY protocol is not right", "from", c.RemoteAddr().String(), "error", err)
			}
			return
		}
		c = own
	}
	if !l.hand(accepted{conn: c}) {
		_ = c.Close()
	}
}

// closed tells whether Close was called.
func (l *Listener) closed() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// sends tells whether connections from an address begin with a header.
func (l *Listener) sends(from net.Addr) bool {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return false
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(l.config.From, func(p netip.Prefix) bool { return p.Contains(address) })
}

// read reads the header of a connection.
func (l *Listener) read(c net.Conn) (net.Conn, error) {
	if !l.keep(c) {
		return nil, net.ErrClosed
	}
	defer l.drop(c)
	if err := c.SetReadDeadline(time.Now().Add(l.config.Timeout)); err != nil {
		return nil, err
	}
	h, rest, err := readHeader(c)
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	own := &conn{Conn: c, rest: rest, remote: c.RemoteAddr()}
	if h.Source.IsValid() {
		own.remote = net.TCPAddrFromAddrPort(h.Source)
	}
	return own, nil
}

// keep remembers a connection so that Close ends what waits for it; it is false when that was already called.
func (l *Listener) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		return false
	}
	l.pending[c] = struct{}{}
	return true
}

func (l *Listener) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, c)
}
