// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"
)

// shaking are credentials that say of a connection what a test wants.
type shaking struct {
	credentials.TransportCredentials

	info credentials.AuthInfo
}

func (s shaking) ClientHandshake(_ context.Context, _ string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return raw, s.info, nil
}

func (s shaking) Clone() credentials.TransportCredentials { return s }

// silent says nothing of names.
type silent struct {
	credentials.CommonAuthInfo
}

func (silent) AuthType() string { return "silent" }

// validating says of names what a test wants.
type validating struct {
	credentials.CommonAuthInfo

	wrong bool
}

func (validating) AuthType() string { return "validating" }

func (v validating) ValidateAuthority(name string) error {
	if v.wrong {
		return fmt.Errorf("it is not %s", name)
	}
	return nil
}
