// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/quic-go/quic-go/http3"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// Threats C11, C20: keys through every protocol; one that is revoked counts no more, without a restart; none is in a log.
func TestThreatC20APIKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	id, key, err := apikey.Create(file, apikey.Key{Subject: "acme", Tenant: "t1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, old, err := apikey.Create(file, apikey.Key{Subject: "old", Expires: time.Now().Add(-time.Minute)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, config.AuthProvider{Name: "partner", APIKey: &apikey.Config{Name: "partner", File: file, Forward: map[string]string{"sub": "x-user-id", "tenant": "x-tenant-id"}}})
	})
	n := 0
	for _, row := range []struct {
		fields []string
		want   decision
	}{
		{[]string{"x-api-key", key}, decision{Code: "OK", Reason: "ok", RPC: "Echo", Auth: "partner", Subject: "acme", Tenant: "t1", Arrived: 1, UserID: []string{"acme"}, TenantID: []string{"t1"}}},
		{[]string{"x-api-key", key + "x"}, decision{Code: "UNAUTHENTICATED", Reason: "key_invalid", RPC: "Echo", Auth: "partner"}},
		{[]string{"x-api-key", old}, decision{Code: "UNAUTHENTICATED", Reason: "key_expired", RPC: "Echo", Auth: "partner"}},
		{nil, decision{Code: "UNAUTHENTICATED", Reason: "unauthenticated", RPC: "Echo"}},
	} {
		for _, w := range ways {
			n++
			got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("key-%d", n), row.fields...)
			if made && fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("%s: got %+v\nwant %+v", w.name, got, row.want)
			}
		}
	}
	c := d.h1(t)
	if a := c.call(t, "GET", "/canary/v1/echo?x-api-key="+key+"&api_key="+key, ""); a.status != 401 {
		t.Errorf("a key in the query: %d", a.status)
	}
	if seen := d.backend.Last(canaryEcho); len(metadataOf(seen, "x-api-key")) > 0 {
		t.Error("the backend was given the key")
	}
	if err := apikey.Revoke(file, id); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if a := c.call(t, "GET", "/canary/v1/echo", "", "x-api-key", key); a.status != 401 {
			return fmt.Errorf("a key that is revoked: %d", a.status)
		}
		return nil
	})
	if strings.Contains(d.access.String()+d.log.String(), key[len(key)-20:]) {
		t.Error("a key is in a log")
	}
}

// A name and a password, which have to be hashed while the call waits.
func TestBasicThroughTheGateway(t *testing.T) {
	t.Parallel()
	hash, err := basic.Hash("pass:word", basic.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(file, []byte("users: [{name: alice, password: "+hash+"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, config.AuthProvider{Name: "small", Basic: &basic.Config{Name: "small", File: file, Forward: map[string]string{"sub": "x-user-id"}}})
	})
	with := func(s string) []string {
		return []string{"authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(s))}
	}
	n := 0
	for _, w := range ways {
		for range 2 { // hashed, and remembered
			n++
			got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("basic-%d", n), with("alice:pass:word")...)
			if made && (got.Code != "OK" || got.Subject != "alice" || fmt.Sprint(got.UserID) != "[alice]" || len(got.Credentials) > 0) {
				t.Errorf("%s: %+v", w.name, got)
			}
		}
		n++
		if got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("basic-%d", n), with("alice:password")...); made && (got.Code != "UNAUTHENTICATED" || got.Reason != "password_invalid" || got.Arrived != 0) {
			t.Errorf("%s: %+v", w.name, got)
		}
	}
	c := d.h1(t)
	a := c.call(t, "GET", "/canary/v1/echo", "")
	if want := `Basic realm="small", charset="UTF-8"`; a.status != 401 || a.header.Get("Www-Authenticate") != want {
		t.Errorf("%d %v; want %s", a.status, a.header, want)
	}
	// F3: browsers send passwords by themselves, for any page.
	if a := c.call(t, "POST", "/canary/v1/echo", "{}", append(with("alice:pass:word"), "sec-fetch-site", "cross-site")...); a.status != 403 || a.header.Get("X-Dragoman-Reason") != "cross_site" {
		t.Errorf("from another site: %d %v", a.status, a.header)
	}
}

// signer signs certificates of tests.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{key: key}
	s.cert = s.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return s
}

// sign completes and signs a certificate of the signer's own key; the first is its own.
func (s *signer) sign(t testing.TB, template *x509.Certificate) *x509.Certificate {
	t.Helper()
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	by := s.cert
	if by == nil {
		by = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, s.key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (s *signer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
}

// client is a certificate of a client of that name.
func (s *signer) client(t testing.TB, name string) tls.Certificate {
	t.Helper()
	cert := s.sign(t, &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: s.key}
}

// files writes the certificate and the key of a server.
func (s *signer) files(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	cert := s.sign(t, &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert.Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// shown returns a client that shows a certificate, if it has one, and keeps sessions to resume.
func (d *dragoman) shown(t testing.TB, server *signer, version uint16, sessions tls.ClientSessionCache, certs ...tls.Certificate) *client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(server.cert)
	c := d.h1(t)
	own := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "localhost", MaxVersion: version, ClientSessionCache: sessions,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certs[0], nil
		},
	}}
	t.Cleanup(own.CloseIdleConnections)
	c.base, c.http.Transport = "https://"+d.address, own
	return c
}

// Threats C16, C17: who a certificate is of, and that taking its signer out counts at once: on a connection that is open, and on a session that
// is resumed.
func TestThreatC17CertificatesOfClients(t *testing.T) {
	t.Parallel()
	server, first, second := newSigner(t), newSigner(t), newSigner(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write := func(data []byte) {
		if err := os.WriteFile(ca+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(ca+".new", ca); err != nil {
			t.Fatal(err)
		}
	}
	write(append(first.pem(), second.pem()...))
	certFile, keyFile := server.files(t)
	d := start(t, func(c *config.Config) {
		c.Listeners[0].Protocols = []string{transport.HTTP1, transport.HTTP2, transport.HTTP3}
		c.Listeners[0].TLS = &transport.TLS{Cert: certFile, Key: keyFile, ClientCertificates: transport.RequestCertificates}
		canaryAuth(t, c, config.AuthProvider{Name: "mesh", MTLS: &mtls.Config{Name: "mesh", CA: ca, Allow: []string{"dns:*.clients.example"}, Forward: map[string]string{"sub": "x-user-id"}}})
	})
	const path = "/canary/v1/echo"
	if a := d.shown(t, server, 0, nil).call(t, "GET", path, "", "x-forwarded-client-cert", "Subject=admin"); a.status != 401 { // B12
		t.Errorf("without a certificate: %d", a.status)
	}
	if a := d.shown(t, server, 0, nil).call(t, "GET", "/canary/v1/public", "", "x-forwarded-client-cert", "Subject=admin"); a.status != 200 || len(metadataOf(d.backend.Last(canaryPublic), "x-forwarded-client-cert")) > 0 {
		t.Errorf("without a certificate, where none is needed: %d", a.status)
	}
	if a := d.shown(t, server, 0, nil, newSigner(t).client(t, "a.clients.example")).call(t, "GET", path, ""); a.status != 401 || a.header.Get("X-Dragoman-Reason") != "certificate_invalid" {
		t.Errorf("of a stranger: %d %v", a.status, a.header)
	}
	if a := d.shown(t, server, 0, nil, first.client(t, "a.example")).call(t, "GET", path, ""); a.status != 401 {
		t.Errorf("another name: %d", a.status)
	}
	for name, want := range map[string]int{"a.clients.example": 200, "a.example": 401} { // over QUIC as well
		roots := x509.NewCertPool()
		roots.AddCert(server.cert)
		quic := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{first.client(t, name)}}}
		c := d.h1(t)
		c.base, c.http.Transport = "https://"+d.address, quic
		if a := c.call(t, "GET", path, ""); a.status != want {
			t.Errorf("%s over HTTP/3: %d; want %d", name, a.status, want)
		}
		if err := quic.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		write(append(first.pem(), second.pem()...))
		sessions := tls.NewLRUClientSessionCache(8)
		mine := first.client(t, "a.clients.example")
		open := d.shown(t, server, version, sessions, mine)
		eventually(t, func() error { // the file has just been written
			if a := open.call(t, "GET", path, ""); a.status != 200 || fmt.Sprint(metadataOf(d.backend.Last(canaryEcho), "x-user-id")) != "[a.clients.example]" {
				return fmt.Errorf("%d %s", a.status, a.body)
			}
			return nil
		})
		write(second.pem())
		eventually(t, func() error {
			if a := open.call(t, "GET", path, ""); a.status != 401 {
				return fmt.Errorf("on a connection that is open: %d", a.status)
			}
			return nil
		})
		resumed := false
		again := d.shown(t, server, version, sessions, mine)
		if own, ok := again.http.Transport.(*http.Transport); ok {
			own.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
				resumed = s.DidResume
				return nil
			}
		}
		if a := again.call(t, "GET", path, ""); a.status != 401 || !resumed {
			t.Errorf("version %x, on a session that is resumed (%t): %d", version, resumed, a.status)
		}
	}
	// C16: a file without certificates changes nothing, and starts nothing.
	if err := os.WriteFile(ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := d.shown(t, server, 0, nil, first.client(t, "a.clients.example")).call(t, "GET", path, ""); a.status != 401 {
		t.Errorf("with an empty file: %d", a.status)
	}
	if a := d.shown(t, server, 0, nil, second.client(t, "b.clients.example")).call(t, "GET", path, ""); a.status != 200 {
		t.Errorf("of who is still trusted, with an empty file: %d", a.status)
	}
}

// decider is an ext_authz service, as a backend of the gateway.
type decider struct {
	authv3.UnimplementedAuthorizationServer
	mu   sync.Mutex
	seen map[string]string // context_extensions of the last question, and the path; guarded by mu
	slow atomic.Bool
}

func (d *decider) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	if d.slow.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	http := r.GetAttributes().GetRequest().GetHttp()
	d.mu.Lock()
	d.seen = maps.Clone(r.GetAttributes().GetContextExtensions())
	d.seen["path"] = http.GetPath()
	d.mu.Unlock()
	if http.GetHeaders()["x-token"] != "good" || r.GetAttributes().GetContextExtensions()["dragoman.method"] == canaryAdmin {
		return &authv3.CheckResponse{Status: &spb.Status{Code: int32(codes.PermissionDenied)}}, nil
	}
	metadata, err := structpb.NewStruct(map[string]any{"sub": "alice"})
	return &authv3.CheckResponse{
		Status: &spb.Status{}, DynamicMetadata: metadata,
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{
			{Header: &corev3.HeaderValue{Key: "x-user-id", Value: "alice"}}, {Header: &corev3.HeaderValue{Key: "x-admin", Value: "1"}},
		}}},
	}, err
}

// Threats C13, C14, C15 and fault 28: a service decides, on the method that is called and not on how that is written; where it does not answer, nothing
// arrives.
func TestThreatC14ExtAuthzThroughTheGateway(t *testing.T) {
	t.Parallel()
	service := &decider{}
	server := grpc.NewServer()
	authv3.RegisterAuthorizationServer(server, service)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		server.Stop()
		running.Wait()
	})
	d := start(t, func(c *config.Config) {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{l.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		c.Backends = append(c.Backends, backend.Config{Name: "authz", Endpoints: []endpoint.Endpoint{e}})
		canaryAuth(t, c, config.AuthProvider{Name: "legacy", ExtAuthz: &extauthz.Config{Name: "legacy", Backend: "authz", Timeout: patience / 4, Forward: []string{"x-user-id"}}})
	})
	n := 0
	for _, w := range ways {
		for _, method := range []string{canaryEcho, canaryUser, canaryAdmin} {
			for _, token := range []string{"good", "bad"} {
				n++
				got, made := d.decide(t, w, method, fmt.Sprintf("ext-%d", n), "x-token", token, "x-user-id", "forged", "x-admin", "0")
				if !made {
					continue
				}
				want := decision{Code: "PERMISSION_DENIED", Reason: "auth_denied", Auth: "legacy"}
				if token == "good" && method != canaryAdmin {
					want = decision{Code: "OK", Reason: "ok", Auth: "legacy", Subject: "alice", Arrived: 1, UserID: []string{"alice"}}
				}
				want.RPC = method[strings.LastIndexByte(method, '/')+1:]
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s to %s with a %s token:\n got %+v\nwant %+v", w.name, method, token, got, want)
				}
				service.mu.Lock()
				if service.seen["dragoman.method"] != method {
					t.Errorf("%s to %s: the service was told %v", w.name, method, service.seen)
				}
				service.mu.Unlock()
				if got.Arrived > 0 && fmt.Sprint(metadataOf(d.backend.Last(method), "x-admin")) != "[0]" {
					t.Errorf("the backend was told x-admin %v", metadataOf(d.backend.Last(method), "x-admin"))
				}
			}
		}
	}
	service.slow.Store(true)
	server.Stop()
	none(t, d.arrivals(func() {
		c := d.h1(t)
		for range 10 {
			if a := c.call(t, "GET", "/canary/v1/echo", "", "x-token", "good"); a.status != 503 || a.header.Get("X-Dragoman-Reason") != "auth_unavailable" || strings.Contains(a.body, l.Addr().String()) {
				t.Errorf("without the service: %d %v %s", a.status, a.header, a.body)
			}
		}
	}))
}
