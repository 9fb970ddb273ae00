// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package xds

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	xdscreds "google.golang.org/grpc/credentials/xds"
	_ "google.golang.org/grpc/xds" // it announces its resolver and policies itself
)

// Scheme begins the targets that Open takes.
const Scheme = "xds"

// Config describes a channel. Target and Credentials are required.
type Config struct {
	// Target is "xds:///service". Where the control plane is, says the bootstrap file that the environment variable
	// GRPC_XDS_BOOTSTRAP names.
	Target string
	// Credentials secure the connections where the control plane does not say how: credentials.NewTLS, or
	// insecure.NewCredentials for plain text.
	Credentials credentials.TransportCredentials
	// DialOptions are added after our own.
	DialOptions []grpc.DialOption
}

// Open opens a channel. It does not wait for a connection.
func Open(cfg Config) (*grpc.ClientConn, error) {
	var errs []error
	if !strings.HasPrefix(cfg.Target, Scheme+":///") || cfg.Target == Scheme+":///" {
		errs = append(errs, fmt.Errorf(`xds: target is %q; it must be as "xds:///service"`, cfg.Target))
	}
	if cfg.Credentials == nil {
		errs = append(errs, errors.New("xds: credentials is nil; it must be credentials.NewTLS, or insecure.NewCredentials for plain text"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	creds, err := xdscreds.NewClientCredentials(xdscreds.ClientOptions{FallbackCreds: cfg.Credentials})
	if err != nil {
		return nil, fmt.Errorf("xds: %w", err)
	}
	conn, err := grpc.NewClient(cfg.Target, append([]grpc.DialOption{grpc.WithTransportCredentials(creds)}, cfg.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("xds: %w", err)
	}
	return conn, nil
}
