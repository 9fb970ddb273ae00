// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// inClear makes a listener one of clear text.
func inClear(protocols ...string) func(*Config) {
	return func(c *Config) { c.TLS, c.Protocols = nil, protocols }
}

// says opens a connection, sends what is given and returns what is answered before the connection is closed.
func says(t *testing.T, s *Server, text string) string {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q: the connection is not closed: %v", text, err)
	}
	return string(got)
}

// Threat D7: whatever a connection begins with, and does not go on with, it is closed within the time of a head, the handshake included.
func TestThreatD7ConnectionsThatBeginNothing(t *testing.T) {
	t.Parallel()
	quickly := func(c *Config) { c.HeaderTimeout = 200 * time.Millisecond }
	clear := listen(t, func(c *Config) { inClear(HTTP1, H2C)(c); quickly(c) })
	secure := listen(t, func(c *Config) { c.Protocols = []string{HTTP1, HTTP2}; quickly(c) })
	hello := "\x16\x03\x01\x02\x00\x01\x00"
	var all sync.WaitGroup
	defer all.Wait()
	for _, text := range []string{"", "P", "PRI", preface[:20], preface, "GET", "GET / HTTP/1.1\r\nhost: x\r\n", "POST / HTTP/1.1\r\nhost"} {
		all.Go(func() { says(t, clear, text) })
	}
	for _, text := range []string{"", hello[:1], hello[:5], hello} {
		all.Go(func() { says(t, secure, text) })
	}
	all.Go(func() { // the handshake does not give the first request another time
		c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}).DialContext(t.Context(), "tcp", secure.Addr().String()) //nolint:gosec // nothing is secret
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// What a listener does not speak is not served on it.
func TestWhatIsNotSpokenIsNotServed(t *testing.T) {
	t.Parallel()
	const request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
	http1 := listen(t, inClear(HTTP1))
	if got := says(t, http1, request); !strings.HasPrefix(got, "HTTP/1.1 204 ") {
		t.Errorf("HTTP/1.1: %q", got)
	}
	if got := says(t, http1, preface); !strings.HasPrefix(got, "HTTP/1.1 505 ") {
		t.Errorf("HTTP/2 where there is none: %q", got)
	}
	if got := says(t, listen(t, inClear(H2C)), request); got != "" {
		t.Errorf("HTTP/1.1 where there is none: %q", got)
	}
	secure := listen(t, func(c *Config) { c.Protocols = []string{HTTP2} })
	if got := says(t, secure, request); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("clear text where there is TLS: %q", got)
	}
	for _, protos := range [][]string{nil, {"http/1.1"}} {
		c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: protos}}).DialContext(t.Context(), "tcp", secure.Addr().String()) //nolint:gosec // nothing is secret
		if err != nil {
			continue // the handshake says so
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, request)
		if got, _ := io.ReadAll(c); strings.HasPrefix(string(got), "HTTP/1.1") {
			t.Errorf("HTTP/1.1 where there is none: %q", got)
		}
		_ = c.Close()
	}
}

// HTTP/2 in clear text is served whatever comes with its preface.
func TestPrefaceWithWhatFollows(t *testing.T) {
	t.Parallel()
	s := listen(t, inClear(HTTP1, H2C))
	for _, pieces := range []bool{false, true} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience))
		var text strings.Builder
		text.WriteString(preface)
		framer := http2.NewFramer(&text, c)
		if err := errors.Join(framer.WriteSettings(), framer.WritePing(false, [8]byte{1, 2, 3})); err != nil {
			t.Fatal(err)
		}
		for rest := text.String(); rest != ""; {
			n := len(rest)
			if pieces {
				n = min(n, 5)
			}
			if _, err := io.WriteString(c, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		for {
			f, err := framer.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if ping, ok := f.(*http2.PingFrame); ok && ping.IsAck() {
				break
			}
		}
	}
	if n := s.Connections()["http2"]; n == 0 {
		t.Error("no connection counts as one of HTTP/2")
	}
}

// A server that drains closes what waits for a request, and waits for what is served.
func TestDrainOfTCP(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	s := listenServing(t, inClear(HTTP1), func(ex transcoder.Exchange) {
		if ex.Request().Path == "/hold" {
			close(begun)
			<-release
		}
		_ = ex.Write(&transcoder.Out{Status: http.StatusNoContent, End: transcoder.EndClean})
	})
	answered := make(chan string)
	idle, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	_ = idle.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	go func() { answered <- says(t, s, "GET /hold HTTP/1.1\r\nhost: x\r\n\r\n") }()
	<-begun
	eventually(t, "both connections are known", func() bool { return s.Connections()["http1"] == 2 })
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context()) }()
	if got, err := io.ReadAll(idle); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 204") {
		t.Errorf("the one that waits: %q, %v", got, err)
	}
	eventually(t, "nobody can connect", func() bool {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-drained:
		t.Errorf("it is drained (%v) while a request is served", err)
	default:
	}
	close(release)
	if got := <-answered; !strings.Contains(got, "Connection: close") {
		t.Errorf("the last answer is %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// tired is a listener that fails for a while.
type tired struct {
	net.Listener
	fails atomic.Int64 // so often
	err   error
	done  chan struct{}
}

func (l *tired) Accept() (net.Conn, error) {
	if l.fails.Add(-1) >= 0 {
		return nil, l.err
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *tired) Close() error {
	close(l.done)
	return nil
}

// Where no connection can be accepted for want of descriptors, it is tried again after a while; where it never can, the server ends.
func TestAcceptingGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg, err := Config{Name: "a", Address: ":0"}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		l := &tired{err: &net.OpError{Op: "accept", Err: syscall.EMFILE}, done: make(chan struct{})}
		l.fails.Store(12)
		s := newTCPServer(l, &cfg, "", nil, slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- s.serve() }()
		time.Sleep(time.Minute)
		if n := l.fails.Load(); n != -1 || time.Since(began) < 5*time.Second {
			t.Errorf("%d failures are left", n)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("it ends with %v", err)
		}
		broken := &tired{err: errors.New("of a test"), done: make(chan struct{})}
		broken.fails.Store(1)
		if err := newTCPServer(broken, &cfg, "", nil, slog.New(slog.DiscardHandler)).serve(); err == nil {
			t.Error("a listener that never accepts is no error")
		}
	})
}
