// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package transport

import (
	"net"
	"testing"
)

// userTimeout is 0 where there is no such time.
func userTimeout(*testing.T, net.Conn) int64 { return 0 }
