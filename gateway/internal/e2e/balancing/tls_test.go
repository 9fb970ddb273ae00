// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
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

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         ed25519.PrivateKey
	file        string // its certificate, in PEM
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	var public ed25519.PublicKey
	var err error
	if public, a.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// of returns the credentials of a server that only one address is certified for.
func (a *authority) of(t testing.TB, ip string) grpc.ServerOption {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(ip)},
	}, a.certificate, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return grpc.Creds(credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}))
}

// Threat C16: each of several servers that are listed must have a certificate for its own address, and not for that of another.
func TestThreatC16_ListedServersAnswerByTheirOwnNames(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	one := testbackend.Run(t, testbackend.Config{Name: "one", Options: []grpc.ServerOption{ca.of(t, "127.0.0.1")}})
	two := testbackend.Run(t, testbackend.Config{Name: "two", Address: "127.0.0.2:0", Options: []grpc.ServerOption{ca.of(t, "127.0.0.2")}})
	other := testbackend.Run(t, testbackend.Config{Name: "other", Address: "127.0.0.3:0", Options: []grpc.ServerOption{ca.of(t, "127.0.0.1")}})
	d := start(t, "endpoints: "+listed([]*testbackend.Backend{one, two, other})+"\ntls: {ca: "+ca.file+"}\nload_balancing: {policy: round_robin}")
	d.ready(t, one, two)
	used := map[string]bool{}
	for range 10 {
		server, err := echo(within(t), d.client, &testv1.CanaryRequest{})
		if err != nil {
			t.Fatal(err)
		}
		used[server] = true
	}
	if len(used) != 2 || used["other"] {
		t.Errorf("the calls went to %v", used)
	}
	eventually(t, func() error {
		if s := d.states()[other.Address()]; s.State != "transient failure" || s.Error == "" {
			return fmt.Errorf("a server with the certificate of another is %+v", s)
		}
		return nil
	})
}
