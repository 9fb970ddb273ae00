// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

// The name that tls.server_name says is the one that the certificate of each server must have, whatever the server's own address and name are.
func TestServerNameOfTLS(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeCertificate(t, ca, 1)
	data, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	secure := tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	s := newServer(t, echo, grpc.Creds(credentials.NewServerTLSFromCert(&secure)))
	listed := func(name string) backend.Config {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{s.address}, ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		return backend.Config{Endpoints: []endpoint.Endpoint{e}}
	}
	file := filepath.Join(t.TempDir(), "servers.yaml")
	if err := os.WriteFile(file, []byte("- {address: \""+s.address+"\", server_name: localhost}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		reason string
		config backend.Config
	}{
		{"an address", backend.Config{Target: s.address}},
		{"a name that is resolved", backend.Config{Target: "dns:///" + strings.Replace(s.address, "127.0.0.1", "localhost", 1)}},
		{"a list", listed("")},
		{"a list whose server has a name", listed("localhost")},
		{"a file whose server has a name", backend.Config{File: file}},
	} {
		for _, row := range []struct {
			name  string
			ready bool
		}{{"", true}, {certified, true}, {"others.internal", false}} {
			cfg := of.config
			cfg.Name, cfg.TLS = "users", &backend.TLS{CA: ca, ServerName: row.name}
			b, err := backend.New(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			var o backend.Overview
			eventually(t, of.reason+" as "+row.name+" is tried", func() bool {
				o = b.Overview()
				return b.Ready() || len(o.Endpoints) == 1 && o.Endpoints[0].Error != ""
			})
			if e := &o.Endpoints[0]; b.Ready() != row.ready || e.WrongName == row.ready || !row.ready && !strings.Contains(e.Reason, "certificate is for localhost, "+certified+", 127.0.0.1, expected others.internal") {
				t.Errorf("%s as %q: ready %t, %+v", of.reason, row.name, b.Ready(), e)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
