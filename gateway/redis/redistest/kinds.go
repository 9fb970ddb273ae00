// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Sentinel runs a sentinel that watches a master under a name.
func Sentinel(t testing.TB, name string, master *Server) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	write(t, file, []byte(fmt.Sprintf("sentinel monitor %s %s %s 1\n", name, host, port)))
	return start(t, []string{file, "--sentinel"})
}

// StartTLS runs a server that speaks TLS, with a certificate for redis.internal; it returns the address, and the file with the certificate of
// who signed it.
func StartTLS(t testing.TB) (address, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, DNSNames: []string{"redis.internal"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ca = filepath.Join(dir, "redis.crt")
	write(t, ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, filepath.Join(dir, "redis.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	address = free(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	Start(t, "--tls-port", port, "--tls-cert-file", ca, "--tls-key-file", filepath.Join(dir, "redis.key"), "--tls-ca-cert-file", ca, "--tls-auth-clients", "no")
	return address, ca
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	const mode = 0o600
	if err := os.WriteFile(file, data, mode); err != nil {
		t.Fatal(err)
	}
}
