// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !xds

package backend

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/balancer"
)

// WithXDS says whether this build has xDS.
const WithXDS = false

// openXDS refuses a target of xDS.
func openXDS(cfg *Config, _ credentials.TransportCredentials, _ []grpc.DialOption) (*balancer.Channel, error) {
	return nil, fmt.Errorf("backend %q: target is %q, and %s", cfg.Name, cfg.Target, NoXDS)
}
