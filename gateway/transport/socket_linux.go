// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package transport

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// control returns what is set on the socket that listens, and with it on those that it accepts: TCP_USER_TIMEOUT, the time after which the kernel
// gives up a connection whose client acknowledges nothing. Without it that takes a quarter of an hour where something is being sent,
// for then TCP does not ask whether the client is there (fault 39).
func control(deadAfter time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return nil // HTTP/3 has timers of its own
		}
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadAfter.Milliseconds()))
		})
		return errors.Join(err, failed)
	}
}
