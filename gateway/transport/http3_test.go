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
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	quichttp3 "github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// patience is how long what must come is waited for.
const patience = 20 * time.Second

// eventually polls until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !ok(); <-ticker.C {
		if time.Now().After(end) {
			t.Fatalf("it did not come to be in %s: %s", patience, what)
		}
	}
}

// certify writes a certificate with a serial number, and its key, into the files of a listener.
func certify(t *testing.T, files *TLS, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// listen starts a listener with HTTP/3 that answers every request with 204.
func listen(t *testing.T, edit func(*Config)) *Server {
	t.Helper()
	return listenServing(t, edit, func(ex transcoder.Exchange) {
		_ = ex.Write(&transcoder.Out{Status: http.StatusNoContent, End: transcoder.EndClean})
	})
}

func listenServing(t *testing.T, edit func(*Config), serve func(transcoder.Exchange)) *Server {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{Name: "a", Address: "127.0.0.1:0", Protocols: []string{HTTP1, HTTP2, HTTP3}, TLS: &TLS{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key")}}
	certify(t, cfg.TLS, 1)
	if edit != nil {
		edit(&cfg)
	}
	s, err := Listen(t.Context(), cfg, serve, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Start(func(err error) { t.Error(err) })
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}} //nolint:gosec // what is shown is looked at, and nothing is secret
}

// dial makes a connection of QUIC to a listener.
func dial(t *testing.T, s *Server, tlsConfig *tls.Config) (*quic.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, s.Addr().String(), tlsConfig, nil)
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseWithError(0x100, "") })
	}
	return conn, err
}

// get makes a request; it returns the status, the version of HTTP and Alt-Svc.
func get(t *testing.T, client http.RoundTripper, s *Server) (status, major int, altSvc string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String()+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode, response.ProtoMajor, response.Header.Get("Alt-Svc")
}

// HTTP/1.1 and HTTP/2 say where HTTP/3 is, and it is there: on the port of UDP with the number of that of TCP.
func TestAltSvc(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		altSvc AltSvc
		want   func(port int) string
	}{
		{"by default", AltSvc{}, func(port int) string { return fmt.Sprintf(`h3=":%d"; ma=86400`, port) }},
		{"behind something", AltSvc{MaxAge: time.Minute, Port: 443}, func(int) string { return `h3=":443"; ma=60` }},
		{"not at all", AltSvc{Off: true}, func(int) string { return "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, func(c *Config) { c.AltSvc = tt.altSvc })
			want := tt.want(portOf(s.Addr()))
			for _, h2 := range []bool{false, true} {
				client := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2} //nolint:gosec // nothing is secret
				status, major, altSvc := get(t, client, s)
				if status != http.StatusNoContent || altSvc != want || (major == 2) != h2 {
					t.Errorf("HTTP/%d: %d, %s; want %s", major, status, altSvc, want)
				}
				client.CloseIdleConnections()
			}
			client := &quichttp3.Transport{TLSClientConfig: insecure()}
			defer func() { _ = client.Close() }()
			if status, major, altSvc := get(t, client, s); status != http.StatusNoContent || major != 3 || altSvc != "" {
				t.Errorf("HTTP/%d: %d, %s", major, status, altSvc)
			}
		})
	}
}

// Both ports have one number, also when it is chosen; and one that is taken is told.
func TestPortsOfTCPAndUDP(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	if udp := s.quic.socket.LocalAddr().String(); udp != s.Addr().String() {
		t.Errorf("UDP is at %s, TCP at %s", udp, s.Addr())
	}
	// A port that is free for TCP and taken for UDP: whatever else runs on this machine may have it for TCP.
	eventually(t, "a port that is taken is told", func() bool {
		taken, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		cfg := s.Config()
		cfg.Address = taken.LocalAddr().String()
		_, err = Listen(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
		if err == nil {
			t.Fatal("a port that is taken is opened")
		}
		return strings.Contains(err.Error(), "http3") && strings.Contains(err.Error(), cfg.Address)
	})
}

// A new certificate is shown to the next connection over UDP, as to that over TCP.
func TestHTTP3ShowsTheNewCertificate(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	serial := func() int64 {
		t.Helper()
		conn, err := dial(t, s, insecure())
		if err != nil {
			t.Fatal(err)
		}
		state := conn.ConnectionState().TLS
		if state.Version != tls.VersionTLS13 {
			t.Errorf("TLS %x", state.Version)
		}
		return state.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("the first certificate is number %d", n)
	}
	certify(t, s.config.TLS, 2)
	eventually(t, "the new certificate", func() bool { return serial() == 2 })
}

// tickets tells when one has come.
type tickets struct {
	tls.ClientSessionCache
	got chan struct{}
}

func (c *tickets) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	c.got <- struct{}{}
}

// A client that comes again may resume its session; what it sends before the handshake is over is not taken, because it could be a copy.
func TestHTTP3TakesNoEarlyData(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	cache := &tickets{ClientSessionCache: tls.NewLRUClientSessionCache(10), got: make(chan struct{}, 10)}
	config := insecure()
	config.ClientSessionCache = cache
	if _, err := dial(t, s, config); err != nil {
		t.Fatal(err)
	}
	<-cache.got
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := quic.DialAddrEarly(ctx, s.Addr().String(), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0x100, "") }()
	<-conn.HandshakeComplete()
	if state := conn.ConnectionState(); state.Used0RTT || !state.TLS.DidResume {
		t.Errorf("early data was used: %v; resumed: %v", state.Used0RTT, state.TLS.DidResume)
	}
}

// D10: connections over UDP have the places of those over TCP. There is no queue to wait in: one too many is refused.
func TestD10_PlacesOfHTTP3(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c *Config) { c.MaxConnections = 2 })
	tcp, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", s.Addr().String()) //nolint:gosec // nothing is secret
	if err != nil {
		t.Fatal(err)
	}
	first, err := dial(t, s, insecure())
	if err != nil {
		t.Fatal(err)
	}
	taken := func() bool {
		t.Helper()
		_, err := dial(t, s, insecure())
		e, ok := errors.AsType[*quic.TransportError](err)
		if err != nil && (!ok || e.ErrorCode != quic.ConnectionRefused) {
			t.Fatalf("another is not refused, but %v", err)
		}
		return err == nil
	}
	if taken() {
		t.Error("there are more connections than may be")
	}
	_ = tcp.Close()
	eventually(t, "the place of a connection over TCP is free", taken)
	_ = first.CloseWithError(0x100, "")
	eventually(t, "the place of a connection over UDP is free", taken)
	eventually(t, "no handshake is under way", func() bool { return s.quic.handshakes.Load() == 0 })
}

// retries counts the packets of type Retry that a client gets (RFC 9000 section 17.2.5).
type retries struct {
	net.PacketConn
	count atomic.Int32
}

func (r *retries) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := r.PacketConn.ReadFrom(p)
	if n > 0 && p[0]&0xf0 == 0xf0 {
		r.count.Add(1)
	}
	return n, from, err
}

// deaf is a client that begins and hears nothing.
type deaf struct{ net.PacketConn }

func (d *deaf) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		if _, _, err := d.PacketConn.ReadFrom(p); err != nil {
			return 0, nil, err
		}
	}
}

// over returns a socket of UDP, and QUIC on what wrap makes of it.
func over(t *testing.T, wrap func(net.PacketConn) net.PacketConn) (*quic.Transport, func()) {
	t.Helper()
	socket, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: wrap(socket)}
	return transport, func() { _ = transport.Close(); _ = socket.Close() }
}

// While many handshakes are under way, a client must show that it is where it says (threat D10).
func TestD10_ManyHandshakes(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	connect := func() int32 {
		t.Helper()
		var counted *retries
		client, end := over(t, func(c net.PacketConn) net.PacketConn { counted = &retries{PacketConn: c}; return counted })
		defer end()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		conn, err := client.Dial(ctx, s.quic.socket.LocalAddr(), insecure(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.CloseWithError(0x100, "")
		return counted.count.Load()
	}
	if n := connect(); n != 0 {
		t.Errorf("%d retries while all is quiet", n)
	}
	s.quic.handshakes.Add(retryFrom)
	if n := connect(); n == 0 {
		t.Error("no retry under attack")
	}
	s.quic.handshakes.Add(-retryFrom)
}

// A handshake that nobody finishes has its place for so long, and no longer (threat D10).
func TestD10_HandshakeThatNobodyFinishes(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c *Config) { c.HeaderTimeout, c.MaxConnections = time.Second, 1 })
	attacker, end := over(t, func(c net.PacketConn) net.PacketConn { return &deaf{c} })
	defer end()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = attacker.Dial(ctx, s.quic.socket.LocalAddr(), insecure(), nil)
	}()
	eventually(t, "a handshake is under way", func() bool { return s.quic.handshakes.Load() == 1 })
	cancel()
	<-ended
	eventually(t, "it has its place no longer", func() bool {
		_, err := dial(t, s, insecure())
		return err == nil
	})
}

// What a client can make the gateway hold is bounded by the windows, for a stream and for a connection, and they do not grow.
func TestWindowsOfHTTP3(t *testing.T) {
	t.Parallel()
	const (
		stream, connection, streams = 64 << 10, 256 << 10, 8
		gathered                    = 2 << 10 // what QUIC gathers for its next packet counts as written
	)
	s := listenServing(t, func(c *Config) { c.StreamWindow, c.ConnectionWindow = stream, connection }, func(ex transcoder.Exchange) { <-ex.Context().Done() })
	conn, err := dial(t, s, insecure())
	if err != nil {
		t.Fatal(err)
	}
	// A POST of "/" with https and "test": its path and its method stand in the table.
	head := append([]byte{0x01, 0x0b, 0, 0, 0xd4, 0xd7, 0xc1, 0x50, 0x04}, "test"...)
	request := append(append(head, 0x00, 0x80, 0x10, 0, 0), make([]byte, 1<<20)...) // and a frame of data
	sent := make(chan int, streams)
	end := time.Now().Add(time.Second)
	for range streams {
		str, err := conn.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		_ = str.SetWriteDeadline(end)
		go func() {
			n, _ := str.Write(request)
			sent <- n
		}()
	}
	total := 0
	for range streams {
		n := <-sent
		if n > stream+gathered {
			t.Errorf("%d bytes of a stream were taken; want %d", n, stream)
		}
		total += n
	}
	if total < connection || total > connection+streams*gathered {
		t.Errorf("%d bytes of a connection were taken; want %d", total, connection)
	}
}

func TestHTTP3NeedsCompany(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Protocols: []string{HTTP1, HTTP3}}, "http3, which needs tls"},
		{Config{Protocols: []string{HTTP3}, TLS: &TLS{Cert: "a", Key: "b"}}, "http3 alone"},
		{Config{AltSvc: AltSvc{Port: 1}}, "alt_svc is about http3"},
		{Config{AltSvc: AltSvc{Port: 65536}}, "alt_svc.port is 65536"},
		{Config{AltSvc: AltSvc{MaxAge: -1}}, "alt_svc.max_age is -1ns"},
	} {
		tt.cfg.Name, tt.cfg.Address = "a", ":0"
		if err := tt.cfg.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v; want %q", tt.cfg, err, tt.want)
		}
	}
}

// The kernel's buffer is looked at, and a small one told.
func TestSmallBufferIsTold(t *testing.T) {
	t.Parallel()
	socket, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	udp, ok := socket.(*net.UDPConn)
	if !ok {
		t.Fatalf("the socket is a %T", socket)
	}
	if err := udp.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	warnOfBuffer(socket, slog.New(slog.NewTextHandler(&out, nil)))
	if size, ok := receiveBuffer(socket); ok && (size > 1<<20 || !strings.Contains(out.String(), "net.core.rmem_max")) {
		t.Errorf("a buffer of %d bytes: %q", size, out.String())
	}
}
