// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http2

import (
	"errors"
	"os"
	"syscall"

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

// writeOnce writes what there is room for, without waiting. It is the system call of the standard library, which tells the race detector that what was
// written before happens before what is read of it elsewhere.
func writeOnce(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p) //nolint:gosec // a file's number is small
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

// free tells how much a socket holds more for its peer, at least: it is writable when that is a third of what it holds at all.
func free(fd uintptr) int {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // a file's number is small
	if n, err := unix.Poll(p[:], 0); n != 1 || err != nil || p[0].Revents != unix.POLLOUT {
		return 0
	}
	size, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) //nolint:gosec // likewise
	if err != nil {
		return 0
	}
	return size / 3
}
