// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	quichttp3 "github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// givenTCP opens a socket as systemd does, which uses MPTCP only where it is told to.
func givenTCP(t *testing.T) *net.TCPListener {
	t.Helper()
	var open net.ListenConfig
	open.SetMultipathTCP(false)
	l, err := open.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		t.Fatalf("a listener of TCP is a %T", l)
	}
	return tcp
}

func givenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A listener serves on the sockets that it was given, and opens those that are missing; its address is not used.
func TestGivenSocketsAreServed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given Sockets
	}{
		{"TCP and UDP, whose ports differ", Sockets{TCP: givenTCP(t), UDP: givenUDP(t)}},
		{"TCP alone: UDP is opened beside it", Sockets{TCP: givenTCP(t)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := Config{Name: "a", Address: "192.0.2.1:1", Protocols: []string{HTTP1, HTTP2, HTTP3}, TLS: &TLS{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key")}}
			certify(t, cfg.TLS, 1)
			s, err := ListenOn(t.Context(), cfg, tt.given, func(ex transcoder.Exchange) {
				_ = ex.Write(&transcoder.Out{Status: http.StatusNoContent, End: transcoder.EndClean})
			}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			s.Start(func(err error) { t.Error(err) })
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			if got, want := s.Addr().String(), tt.given.TCP.Addr().String(); got != want {
				t.Errorf("it listens at %s; want %s", got, want)
			}
			tcp := &http.Transport{TLSClientConfig: insecure(), DisableKeepAlives: true}
			tcp.TLSClientConfig.NextProtos = nil
			status, major, altSvc := get(t, tcp, s)
			port := portOf(s.quic.socket.LocalAddr())
			if tt.given.UDP != nil && port != portOf(tt.given.UDP.LocalAddr()) || tt.given.UDP == nil && port != portOf(s.Addr()) {
				t.Errorf("HTTP/3 is at port %d", port)
			}
			if want := fmt.Sprintf(`h3=":%d"; ma=86400`, port); status != http.StatusNoContent || major != 1 || altSvc != want {
				t.Errorf("over TCP: %d, HTTP/%d, Alt-Svc %q; want 204, HTTP/1, %q", status, major, altSvc, want)
			}
			overQUIC := &quichttp3.Transport{TLSClientConfig: insecure()}
			defer func() { _ = overQUIC.Close() }()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/", port), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := overQUIC.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusNoContent || response.ProtoMajor != 3 {
				t.Errorf("over UDP: %d, HTTP/%d; want 204, HTTP/3", response.StatusCode, response.ProtoMajor)
			}
		})
	}
}

// Sockets that a listener cannot use are refused, and closed.
func TestGivenSocketsThatAreOfNoUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secure := Config{Name: "a", Address: ":0", Protocols: []string{HTTP1, HTTP3}, TLS: &TLS{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key")}}
	certify(t, secure.TLS, 1)
	for _, tt := range []struct {
		name  string
		cfg   Config
		given Sockets
		want  string
	}{
		{"UDP without HTTP/3", Config{Name: "a", Address: ":0"}, Sockets{TCP: givenTCP(t), UDP: givenUDP(t)}, "and protocols does not have http3"},
		{"UDP without TCP", secure, Sockets{UDP: givenUDP(t)}, "and none of TCP"},
		{"a configuration that is wrong", Config{Name: "a", Address: "nowhere"}, Sockets{TCP: givenTCP(t)}, `address is "nowhere"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := ListenOn(t.Context(), tt.cfg, tt.given, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want %q", err, tt.want)
			}
			if tt.given.TCP != nil && tt.given.TCP.Close() == nil {
				t.Error("the socket of TCP is still open")
			}
			if tt.given.UDP != nil && tt.given.UDP.Close() == nil {
				t.Error("the socket of UDP is still open")
			}
		})
	}
}
