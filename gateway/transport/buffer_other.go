// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package transport

import "net"

// receiveBuffer is known on Linux alone.
func receiveBuffer(net.PacketConn) (size int, ok bool) { return 0, false }
