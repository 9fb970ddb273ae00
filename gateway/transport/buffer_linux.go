// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// receiveBuffer returns how much of what comes on a socket the kernel holds.
func receiveBuffer(socket net.PacketConn) (size int, ok bool) {
	udp, ok := socket.(*net.UDPConn)
	if !ok {
		return 0, false
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return 0, false
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		size, optErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) //nolint:gosec // a descriptor
	})
	return size, err == nil && optErr == nil
}
