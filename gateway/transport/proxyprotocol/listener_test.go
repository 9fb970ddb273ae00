// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package proxyprotocol_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener whose connections the test makes, each from an address.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{made: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// connect makes a connection from an address; it returns the far end.
func (p *pipes) connect(from string) net.Conn {
	near, far := net.Pipe()
	p.made <- &placed{near, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return far
}

type placed struct {
	net.Conn
	from net.Addr
}

func (c *placed) RemoteAddr() net.Addr { return c.from }

// listen reads headers of balancers in 10.0.0.0/8.
func listen(t *testing.T) (*pipes, *proxyprotocol.Listener, *bytes.Buffer) {
	t.Helper()
	below, log := newPipes(), &bytes.Buffer{}
	l, err := proxyprotocol.NewListener(below, proxyprotocol.Config{From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}},
		slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return below, l, log
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Errorf("write: %v", err)
	}
}

// What balancers say is where a connection comes from; of others nothing is read before the connection is handed on.
func TestConnectionsAreWhoseTheirBalancersSay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reason, from, sent, remote, rest string }{
		{"a balancer's", "10.1.2.3:1000", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\nrest", "192.0.2.7:4711", "rest"},
		{"a balancer's, for itself", "10.1.2.3:1000", "PROXY UNKNOWN\r\nrest", "10.1.2.3:1000", "rest"},
		{"a balancer's, over IPv6", "[fd00::1]:1000", "PROXY TCP6 2001:db8::7 fd00::2 4711 443\r\nrest", "[2001:db8::7]:4711", "rest"},
		{"a balancer's, whose address is IPv4 within IPv6", "[::ffff:10.1.2.3]:1000", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\nrest", "192.0.2.7:4711", "rest"},
		{"anybody else's", "192.0.2.9:1000", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n", "192.0.2.9:1000", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			below, l, _ := listen(t)
			far := below.connect(tt.from)
			taken := make(chan struct{})
			go func() {
				write(t, far, tt.sent)
				<-taken // unlike a socket, a pipe whose far end is closed has no deadlines
				_ = far.Close()
			}()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			close(taken)
			rest, err := io.ReadAll(threes{c})
			if err != nil || c.RemoteAddr().String() != tt.remote || string(rest) != tt.rest {
				t.Errorf("%s: from %s, %q, %v; want %s, %q", tt.reason, c.RemoteAddr(), rest, err, tt.remote, tt.rest)
			}
			_ = c.Close()
		})
	}
}

// threes reads three bytes at a time.
type threes struct{ r io.Reader }

func (s threes) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 3)]) }

// Threat D7: a balancer, or who has its address, that sends no header holds nobody up, and is not waited for.
func TestThreatD7HeadersThatDoNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		below, l, log := listen(t)
		silent := below.connect("10.0.0.1:1")
		began := time.Now()
		other := below.connect("192.0.2.9:1")
		c, err := l.Accept()
		if err != nil || c.RemoteAddr().String() != "192.0.2.9:1" || time.Since(began) != 0 {
			t.Errorf("another connection: %v after %s", err, time.Since(began))
		}
		if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(began) != proxyprotocol.DefaultTimeout {
			t.Errorf("the silent one: %v after %s; want it closed after %s", err, time.Since(began), proxyprotocol.DefaultTimeout)
		}
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, "from=10.0.0.1:1") || !strings.Contains(text, "did not come in time") {
			t.Errorf("the log has %q", text)
		}
		_, _ = other.Close(), c.Close()
	})
}

// A connection of a balancer that does not begin with a header is closed, and the log says why.
func TestConnectionsWithoutTheHeaderAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		below, _, log := listen(t)
		far := below.connect("10.0.0.1:1")
		write(t, far, "GET / HTTP/1.1\r\n")
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection: %v; want it closed", err)
		}
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, "does not begin with a header") {
			t.Errorf("the log has %q", text)
		}
	})
}

// The time for the header does not count for what comes behind it.
func TestTheTimeoutEndsWithTheHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		below, l, _ := listen(t)
		far := below.connect("10.0.0.1:1")
		go func() {
			write(t, far, "PROXY UNKNOWN\r\n")
			time.Sleep(time.Hour) // of the test's own clock
			write(t, far, "late")
			_ = far.Close()
		}()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != "late" {
			t.Errorf("%q, %v", got, err)
		}
		_ = c.Close()
	})
}

// Close ends what waits: for a header, for who accepts, and in Accept.
func TestCloseEndsAllThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		below, l, log := listen(t)
		silent := below.connect("10.0.0.1:1")
		unasked := below.connect("192.0.2.9:1")
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for _, c := range []net.Conn{silent, unasked} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("a connection: %v; want it closed", err)
			}
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("the second time: %v", err)
		}
		if log.Len() > 0 { // nothing was wrong with the connection
			t.Errorf("the log has %q", log.String())
		}
	})
}

func TestConfigTellsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := proxyprotocol.NewListener(newPipes(), proxyprotocol.Config{Timeout: -1}, slog.New(slog.DiscardHandler))
	for _, want := range []string{"from is empty", "timeout is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}
