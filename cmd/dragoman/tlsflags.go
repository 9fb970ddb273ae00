// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// tlsFlags say how a server is known, and what is shown to it.
type tlsFlags struct {
	ca, cert, key, serverName string
	insecure                  bool
}

func (f *tlsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.ca, "cacert", "", "a file with the certificates that are trusted; by default those of the system")
	cmd.Flags().StringVar(&f.cert, "cert", "", "a file with the certificate of the client")
	cmd.Flags().StringVar(&f.key, "key", "", "a file with the key of the client's certificate")
	cmd.Flags().StringVar(&f.serverName, "server-name", "", "the name that the certificate of the server must have; by default that of the address")
	cmd.Flags().BoolVar(&f.insecure, "insecure", false, "take any certificate of the server, whoever it is")
}

// config reads the files.
func (f *tlsFlags) config() (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: f.serverName,
		InsecureSkipVerify: f.insecure, //nolint:gosec // the flag has the word insecure as its name
	}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--cacert: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--cacert: %s has no certificate", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("--cert and --key go together")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("--cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
