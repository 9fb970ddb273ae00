// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Check tells what is wrong with the files of a backend's TLS, and with those of the registry that knows its endpoints, by the
// settings that name them, without connecting to anything.
func (c Config) Check() map[string]error {
	problems := map[string]error{}
	add := func(path string, t *TLS) {
		if t == nil {
			return
		}
		if _, err := t.config(path); err != nil {
			problems[path] = err
		}
	}
	add("tls", c.TLS)
	if c.Etcd != nil {
		add("etcd.tls", c.Etcd.TLS)
	}
	if c.Consul != nil {
		add("consul.tls", c.Consul.TLS)
	}
	return problems
}

// credentials reads the files; a nil TLS is clear text. The error joins all problems.
func (t *TLS) credentials() (credentials.TransportCredentials, error) {
	if t == nil {
		return insecure.NewCredentials(), nil
	}
	cfg, err := t.config("tls")
	if err != nil {
		return nil, err
	}
	secure := credentials.NewTLS(cfg)
	if t.ServerName != "" {
		return expecting{secure, t.ServerName}, nil
	}
	return secure, nil
}

// expecting are credentials with a name that every server's certificate must have. Those of gRPC take the name that an endpoint has, if it has one.
type expecting struct {
	credentials.TransportCredentials

	name string
}

// ClientHandshake implements credentials.TransportCredentials.
func (e expecting) ClientHandshake(ctx context.Context, _ string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return e.TransportCredentials.ClientHandshake(ctx, e.name, raw)
}

// Clone implements credentials.TransportCredentials.
func (e expecting) Clone() credentials.TransportCredentials {
	return expecting{e.TransportCredentials.Clone(), e.name}
}

// config reads the files. path is what the settings stand below, for the error, which joins all problems.
func (t *TLS) config(path string) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // the setting has the word insecure in its name
	}
	var errs []error
	if t.CA != "" {
		roots, err := readRoots(path, t.CA)
		cfg.RootCAs = roots
		errs = append(errs, err)
	}
	switch {
	case (t.Cert == "") != (t.Key == ""):
		errs = append(errs, fmt.Errorf("%s has one of cert and key; it needs both or neither", path))
	case t.Cert != "":
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			err = fmt.Errorf("%s.cert and %s.key: %w", path, path, err)
		}
		cfg.Certificates = []tls.Certificate{own}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cfg, nil
}

// readRoots reads the certificates to trust. A file without any is refused: it would trust nobody, or, read as "not set", everybody
// (threat C16).
func readRoots(path, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s.ca: %w", path, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s.ca: %s has no certificate in PEM form", path, file)
	}
	return roots, nil
}
