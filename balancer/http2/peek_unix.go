// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http2

import (
	"errors"

	"golang.org/x/sys/unix"
)

// peek looks at what is there to be read, without waiting: nothing, something, or the end.
func peek(fd uintptr) sight {
	var b [1]byte
	for {
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT) //nolint:gosec // a file's number is small
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return nothing
		case err != nil || n == 0:
			return end
		default:
			return something
		}
	}
}
