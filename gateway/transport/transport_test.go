// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/transport/proxyprotocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secure defaults of spec/security.md section 3, of a listener that says nothing.
func TestDefaultsAreTheSecureOnes(t *testing.T) {
	t.Parallel()
	got, err := Config{Name: "a", Address: ":0"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Name: "a", Address: ":0", Protocols: []string{HTTP1, H2C}, MaxHeader: 32 << 10, MaxHeaderFields: 100,
		HeaderTimeout: 10 * time.Second, RequestTimeout: 300 * time.Second, WriteStall: 30 * time.Second, IdleTimeout: 300 * time.Second,
		MaxAge: 30 * time.Minute, PingAfter: 30 * time.Second, PingTimeout: 10 * time.Second,
		MaxConnections: 10_000, MaxConcurrentStreams: 100, StreamWindow: 64 << 10, ConnectionWindow: 1 << 20,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	secure, err := Config{Name: "a", Address: ":0", TLS: &TLS{Cert: "c", Key: "k"}}.withDefaults()
	if err != nil || secure.TLS.MinVersion != "1.2" || !cmp.Equal(secure.Protocols, []string{HTTP1, HTTP2}) {
		t.Errorf("with TLS: %+v, %v; want TLS 1.2 and http1, http2", secure, err)
	}
}

func TestConfigTellsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	err := Config{
		Address: "nowhere", Protocols: []string{HTTP2, "spdy"}, HeaderTimeout: -1, MaxConnections: -1, MaxMessage: -1,
	}.Check()
	for _, want := range []string{
		"name is empty", `address is "nowhere"`, "http2, which needs tls", `protocols has "spdy"`, "header_timeout is -1ns", "max_connections is -1", "max_message is -1",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	tls := Config{Name: "a", Address: ":0", Protocols: []string{H2C}, TLS: &TLS{Cert: "c", MinVersion: "1.1"}}.Check()
	for _, want := range []string{"h2c, which is clear text", "needs both cert and key", `min_version is "1.1"`} {
		if tls == nil || !strings.Contains(tls.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, tls)
		}
	}
	balanced := Config{
		Name: "a", Address: ":0", Protocols: []string{HTTP1, HTTP3}, TLS: &TLS{Cert: "c", Key: "k"}, ProxyProtocol: &proxyprotocol.Config{Timeout: -1},
	}.Check()
	for _, want := range []string{"proxy_protocol: from is empty", "timeout is -1ns", "http3, over which there is no such header"} {
		if balanced == nil || !strings.Contains(balanced.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, balanced)
		}
	}
	missing := Config{Name: "a", Address: ":0", TLS: &TLS{Cert: "no-such.crt", Key: "no-such.key"}}.Check()
	if missing == nil || !strings.Contains(missing.Error(), "no-such.crt") {
		t.Errorf("a certificate that is not there: %v", missing)
	}
}

// pipes is a listener whose connections the test makes.
type pipes struct {
	connections chan net.Conn
	accepted    atomic.Int32
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.connections
	if !ok {
		return nil, net.ErrClosed
	}
	p.accepted.Add(1)
	return c, nil
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// D10: no more connections than allowed; the next is accepted when one ends, however often that one is closed.
func TestBoundedListenerAcceptsWhenAConnectionEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		below := &pipes{connections: make(chan net.Conn, 3)}
		for range 3 {
			near, far := net.Pipe()
			defer func() { _ = far.Close() }()
			below.connections <- near
		}
		places := newPlaces(2)
		l := newBounded(below, places, new(openConns), func(net.Conn) {})
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		second, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		third := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				err = c.Close()
			}
			third <- err
		}()
		synctest.Wait()
		if n := below.accepted.Load(); n != 2 {
			t.Errorf("%d connections are accepted; want 2", n)
		}
		_ = first.Close()
		_ = first.Close() // the second time gives nothing back
		if err := <-third; err != nil {
			t.Error(err)
		}
		_ = second.Close()
		if places.taken != 0 {
			t.Errorf("%d places are taken with no connection open", places.taken)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBoundedListenerEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newBounded(&pipes{connections: make(chan net.Conn)}, newPlaces(0), new(openConns), func(net.Conn) {})
		done := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			done <- err
		}()
		synctest.Wait()
		_ = l.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v; want net.ErrClosed", err)
		}
	})
}

// D15: what breaks connections cannot fill a disk, and what is dropped is counted.
func TestSampledLogDropsAndCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(newSampled(slog.NewTextHandler(&out, nil)))
		for range 1000 {
			log.Warn("broken")
		}
		if n := strings.Count(out.String(), "broken"); n != samplePerSecond {
			t.Errorf("%d lines of 1000 in a second; want %d", n, samplePerSecond)
		}
		out.Reset()
		time.Sleep(2 * time.Second)
		log.WarnContext(context.Background(), "again")
		if !strings.Contains(out.String(), "dropped_before=990") {
			t.Errorf("the next line does not say how many were dropped: %s", out.String())
		}
	})
}
