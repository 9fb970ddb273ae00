// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// identity is the certificate of the gateways of these tests, in PEM.
var identity = sync.OnceValues(func() (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
})

// trusting is what clients of such a gateway need.
func trusting() *tls.Config {
	cert, _ := identity()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// identityFiles writes the certificate and its key into a folder.
func identityFiles(t testing.TB) *transport.TLS {
	t.Helper()
	dir := t.TempDir()
	cert, key := identity()
	files := &transport.TLS{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	for name, data := range map[string][]byte{files.Cert: cert, files.Key: key} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// secured adds a listener with TLS and HTTP/3 beside each in clear text, with the same settings but for headers of balancers.
func secured(t testing.TB, cfg *config.Config) {
	t.Helper()
	files := identityFiles(t)
	for _, l := range cfg.Listeners {
		if l.TLS != nil {
			continue
		}
		if local, ok := cfg.Local[l.Name]; ok {
			cfg.Local[secureName(l.Name)] = local
		}
		l.Name, l.Address, l.TLS = secureName(l.Name), "127.0.0.1:0", files
		l.Protocols, l.ProxyProtocol = []string{transport.HTTP1, transport.HTTP2, transport.HTTP3}, nil // which HTTP/3 does not have
		cfg.Listeners = append(cfg.Listeners, l)
	}
}

func secureName(listener string) string { return listener + "-secure" }

// secureOf returns where the listener with TLS is that stands beside another.
func (d *dragoman) secureOf(listener string) string {
	for _, l := range d.started.Listeners {
		if l.Name == secureName(listener) {
			return l.Addr.String()
		}
	}
	return ""
}

// h3 returns a client that speaks HTTP/3.
func (d *dragoman) h3(t testing.TB) *client {
	t.Helper()
	// A reset that comes behind what was written before it, as in HTTP/2, is what most tests of broken answers look at.
	return d.h3By(t, &quic.Config{EnableStreamResetPartialDelivery: true})
}

// h3By is h3 with settings of QUIC.
func (d *dragoman) h3By(t testing.TB, q *quic.Config) *client {
	t.Helper()
	transport := &http3.Transport{TLSClientConfig: trusting(), DisableCompression: true, QUICConfig: q}
	t.Cleanup(func() { _ = transport.Close() })
	return &client{name: "HTTP/3", base: "https://" + d.secure, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}
