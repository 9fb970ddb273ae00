// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// These tests are inside because a listener does not tell outside what a connection is held to.

// live is a listener that answers each request with what it is held to.
func live(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Name, cfg.Address = "live", "127.0.0.1:0"
	s, err := Listen(t.Context(), cfg, func(e transcoder.Exchange) {
		held := e.Request().Limits
		text := fmt.Sprintf("%d %v %d %t", held.MaxMessage, held.TrustedProxies, held.MaxFields, held.AllowUnderscores)
		_ = e.Write(&transcoder.Out{Status: http.StatusOK, Header: wire.Header{{Name: "x-held", Value: text}}, End: transcoder.EndClean})
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Start(func(err error) { t.Errorf("serving ended: %v", err) })
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// held asks what a request is held to.
func held(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.Header.Get("X-Held")
}

// clientOf is a client of HTTP/1.1 or HTTP/2 with connections of its own.
func clientOf(t *testing.T, http2 bool, secure *tls.Config) *http.Client {
	t.Helper()
	own := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: secure}
	own.Protocols.SetHTTP1(!http2)
	own.Protocols.SetUnencryptedHTTP2(http2 && secure == nil)
	own.Protocols.SetHTTP2(http2 && secure != nil)
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Transport: own}
}

// What requests are held to changes without a new connection over HTTP/1.1, and with one over HTTP/2.
func TestApplyChangesWhatRequestsAreHeldTo(t *testing.T) {
	t.Parallel()
	s := live(t, Config{MaxMessage: 1})
	url := "http://" + s.Addr().String() + "/"
	one, two := clientOf(t, false, nil), clientOf(t, true, nil)
	const before, after = "1 [] 100 false", "2 [10.0.0.0/8] 50 true"
	if got := held(t, one, url); got != before {
		t.Errorf("HTTP/1.1 is held to %q; want %q", got, before)
	}
	if got := held(t, two, url); got != before {
		t.Errorf("HTTP/2 is held to %q; want %q", got, before)
	}
	next := s.Config()
	next.MaxMessage, next.MaxHeaderFields, next.AllowUnderscores, next.TrustedProxies = 2, 50, true, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if err := s.Apply(next); err != nil {
		t.Fatal(err)
	}
	if got := held(t, one, url); got != after {
		t.Errorf("after it, HTTP/1.1 is held to %q; want %q", got, after)
	}
	if got := held(t, two, url); got != before {
		t.Errorf("a connection of HTTP/2 that began before is held to %q; want %q", got, before)
	}
	if got := held(t, clientOf(t, true, nil), url); got != after {
		t.Errorf("a new connection of HTTP/2 is held to %q; want %q", got, after)
	}
}

// What is decided when the socket is opened stays, and is told as it is.
func TestApplyKeepsWhatTakesARestart(t *testing.T) {
	t.Parallel()
	s := live(t, Config{MaxConnections: 7})
	before := s.Config()
	next := before
	next.Address, next.Protocols, next.MaxHeader, next.HeaderTimeout, next.IdleTimeout, next.MaxAge = ":1", []string{HTTP1}, 1<<20, time.Hour, time.Hour, time.Hour
	if err := s.Apply(next); err != nil {
		t.Fatal(err)
	}
	got := s.Config()
	if got.Address != before.Address || len(got.Protocols) != 2 {
		t.Errorf("it is %+v; want what the socket was opened with", got)
	}
	if got.MaxAge != time.Hour || got.MaxHeader != 1<<20 || got.HeaderTimeout != time.Hour || got.IdleTimeout != time.Hour {
		t.Errorf("it is %+v; want what changes without a restart", got)
	}
	next.TLS = &TLS{Cert: "c", Key: "k"}
	next.Protocols = nil
	if err := s.Apply(next); !errors.Is(err, errTLS) {
		t.Errorf("TLS where there was none: %v", err)
	}
	if err := s.Apply(Config{Name: "live", Address: ":1", MaxConnections: -1}); err == nil || s.Config().MaxConnections != 7 {
		t.Errorf("what is wrong is in force: %v", err)
	}
}

// More places let in who waits; fewer take none away.
func TestPlacesAreResized(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1)
		p.take()
		waits := make(chan bool, 1)
		go func() { waits <- p.take() }()
		synctest.Wait()
		p.resize(2)
		if !<-waits || p.taken != 2 {
			t.Errorf("%d places are taken; want 2", p.taken)
		}
		p.resize(1)
		p.release()
		if p.try() {
			t.Error("a place is taken that there is not any more")
		}
		p.release()
		if !p.try() {
			t.Error("the one place that there is cannot be taken")
		}
	})
}

// pairIn writes a certificate and its key.
func pairIn(t *testing.T, dir, name string) (certificate, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// greet shakes hands and asks something, so that a refusal of TLS 1.3 is noticed.
func greet(t *testing.T, s *Server, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	cfg = cfg.Clone()
	cfg.InsecureSkipVerify = true //nolint:gosec // the certificates are of the test
	cfg.ServerName, cfg.NextProtos = "live.test", []string{"http/1.1"}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err = io.ReadAll(conn)
	return conn.(*tls.Conn).ConnectionState(), err //nolint:errcheck // tls.Dialer returns no other
}

// The version, the certificate and what is asked of clients hold for every handshake from then on, with a session of before as well (threat C17);
// over QUIC likewise.
func TestApplyChangesHandshakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := pairIn(t, dir, "first.test")
	s := live(t, Config{TLS: &TLS{Cert: certificate, Key: key}, Protocols: []string{HTTP1, HTTP2, HTTP3}})
	session := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	old := &tls.Config{MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)} //nolint:gosec // it is what is refused
	for range 2 {
		for _, c := range []*tls.Config{session, old} {
			if _, err := greet(t, s, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if state, err := greet(t, s, session); err != nil || !state.DidResume {
		t.Fatalf("sessions are not taken up again: %v", err)
	}
	next := s.Config()
	second, secondKey := pairIn(t, dir, "second.test")
	next.TLS = &TLS{Cert: second, Key: secondKey, MinVersion: "1.3"}
	if err := s.Apply(next); err != nil {
		t.Fatal(err)
	}
	if _, err := greet(t, s, old); err == nil {
		t.Error("TLS 1.2 is spoken with a session of before; the lowest version is 1.3")
	}
	state, err := greet(t, s, &tls.Config{})
	if err != nil || state.PeerCertificates[0].DNSNames[0] != "second.test" {
		t.Errorf("a handshake shows another certificate: %v", err)
	}
	next.TLS = &TLS{Cert: second, Key: secondKey, ClientCertificates: RequireCertificates}
	if err := s.Apply(next); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*tls.Config{"a new client": {}, "one with a session": session} {
		if _, err := greet(t, s, c); err == nil {
			t.Errorf("%s without a certificate is served", name)
		}
	}
	own, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := greet(t, s, &tls.Config{Certificates: []tls.Certificate{own}}); err != nil {
		t.Errorf("a client with a certificate: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := quic.DialAddr(ctx, s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}, Certificates: []tls.Certificate{own}}, nil) //nolint:gosec // as above
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().TLS.PeerCertificates[0].DNSNames[0]; got != "second.test" {
		t.Errorf("over QUIC the certificate of %s is shown", got)
	}
	_ = conn.CloseWithError(0, "")
	next.TLS = &TLS{Cert: certificate, Key: filepath.Join(dir, "none")}
	if err := s.Apply(next); err == nil {
		t.Error("a key that is not there is in force")
	}
	if shown := s.Certificates(); len(shown) != 1 || shown[0].Leaf.DNSNames[0] != "second.test" {
		t.Errorf("what is shown is %+v; want the certificate of before", shown)
	}
}

// What the configuration says of TCP holds for connections that come then.
func TestApplyChangesKeepalive(t *testing.T) {
	t.Parallel()
	s := live(t, Config{})
	next := s.Config()
	next.PingAfter, next.PingTimeout, next.WriteStall = time.Hour, time.Minute, time.Minute
	if err := s.Apply(next); err != nil {
		t.Fatal(err)
	}
	near, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.Close() }()
	s.adapt(near) // as it is for those that are accepted
	if got := userTimeout(t, near); runtime.GOOS == "linux" && got != (time.Hour+time.Minute).Milliseconds() {
		t.Errorf("a silent client is given up after %d ms; want %s", got, time.Hour+time.Minute)
	}
	if got := held(t, clientOf(t, false, nil), "http://"+s.Addr().String()+"/"); got == "" {
		t.Error("a connection that came then is not served")
	}
}
