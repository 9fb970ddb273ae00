// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"
)

// Defaults of Config.
const (
	// DefaultTimeout is how long a call waits for Redis: threat G6 leaves it no longer.
	DefaultTimeout = 5 * time.Millisecond
	DefaultPrefix  = "dragoman:"
)

// Config says where Redis is.
type Config struct {
	// Addresses are "host:port": of the server, of some of a cluster, or of sentinels.
	Addresses []string
	// Cluster says that they are of a cluster.
	Cluster bool
	// Sentinel is the name of the master that the sentinels at the addresses watch; "" where they are none.
	Sentinel string
	// Username and Password log in.
	Username, Password string
	// Database is the number of the database.
	Database int
	// TLS connects by TLS; nil in clear text.
	TLS *TLS
	// Timeout is how long a call waits for an answer; 0 means DefaultTimeout.
	Timeout time.Duration
	// Prefix is what keys begin with; "" means DefaultPrefix.
	Prefix string
	// Log is told when Redis cannot be asked, and when it can again.
	Log *slog.Logger
}

// TLS is how to connect by TLS.
type TLS struct {
	// CA is a file with the certificates that are trusted; "" for those of the system.
	CA string
	// ServerName is the name that the certificate must have; "" for the host of the address.
	ServerName string
}

// Check tells everything that is wrong with the configuration.
func (c *Config) Check() error {
	var errs []error
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("addresses is empty"))
	}
	for _, address := range c.Addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("addresses has %.128q, which is no host:port", address))
		}
	}
	if c.Cluster && c.Sentinel != "" {
		errs = append(errs, errors.New("it is a cluster, and watched by sentinels; it can be one of them"))
	}
	if c.Cluster && c.Database != 0 {
		errs = append(errs, fmt.Errorf("database is %d; a cluster has none but 0", c.Database))
	}
	if !c.Cluster && c.Sentinel == "" && len(c.Addresses) > 1 {
		errs = append(errs, errors.New("addresses has several, and it is neither a cluster nor watched by sentinels"))
	}
	return errors.Join(errs...)
}

// config is what crypto/tls wants. A file that is not there, or has no certificate, is an error: nobody is trusted by mistake.
func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // clear text
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA == "" {
		return cfg, nil
	}
	data, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s has no certificate", t.CA)
	}
	return cfg, nil
}

func (c *Config) clone() Config {
	own := *c
	own.Addresses = slices.Clone(c.Addresses)
	return own
}
