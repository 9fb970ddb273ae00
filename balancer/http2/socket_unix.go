// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http2

import (
	"errors"
	"os"

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

// writeOnce writes what there is room for, without waiting.
func writeOnce(fd uintptr, p []byte) (int, error) {
	for {
		n, err := unix.Write(int(fd), p) //nolint:gosec // a file's number is small
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, nil
		case err != nil:
			return 0, os.NewSyscallError("write", err)
		default:
			return n, nil
		}
	}
}

// hasRoom tells whether a third of what a socket holds for its peer is free, and something can be written.
func hasRoom(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // a file's number is small
	n, err := unix.Poll(p[:], 0)
	return n == 1 && err == nil && p[0].Revents == unix.POLLOUT
}
