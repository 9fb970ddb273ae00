// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Check tells what is wrong with the files of a backend's TLS, without connecting to it.
func (c Config) Check() error {
	_, err := c.TLS.credentials()
	return err
}

// credentials reads the files; a nil TLS is clear text. The error joins all problems.
func (t *TLS) credentials() (credentials.TransportCredentials, error) {
	if t == nil {
		return insecure.NewCredentials(), nil
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // the setting has the word insecure in its name
	}
	var errs []error
	if t.CA != "" {
		roots, err := readRoots(t.CA)
		cfg.RootCAs = roots
		errs = append(errs, err)
	}
	switch {
	case (t.Cert == "") != (t.Key == ""):
		errs = append(errs, errors.New("tls has one of cert and key; it needs both or neither"))
	case t.Cert != "":
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			err = fmt.Errorf("tls.cert and tls.key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return credentials.NewTLS(cfg), nil
}

// readRoots reads the certificates to trust. A file without any is refused: it would trust nobody, or, read as "not set", everybody
// (threat C16).
func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tls.ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.ca: %s has no certificate in PEM form", path)
	}
	return roots, nil
}

// fingerprint tells two configurations apart, the content of their files included.
func (c Config) fingerprint() string {
	h := sha256.New()
	tlsConfig, endpoints := c.TLS, c.Endpoints
	c.TLS, c.Endpoints = nil, nil
	fmt.Fprintf(h, "%#v", c)
	for _, e := range endpoints {
		fmt.Fprintf(h, "|%q %d %q %d %q", e.Addresses(), e.Weight(), e.Zone(), e.Priority(), e.ServerName())
	}
	if tlsConfig != nil {
		fmt.Fprintf(h, "|%#v", *tlsConfig)
		for _, path := range []string{tlsConfig.CA, tlsConfig.Cert, tlsConfig.Key} {
			if path == "" {
				continue
			}
			data, err := os.ReadFile(path) // what cannot be read is told by credentials
			sum := sha256.Sum256(data)
			fmt.Fprintf(h, "|%x %v", sum, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
