// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http1

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// canReadDirectly tells that readSocket works.
const canReadDirectly = true

// readSocket reads what a socket has. It reports again when that is nothing.
func readSocket(fd uintptr, p []byte) (n int, err error, again bool) {
	for {
		n, err = unix.Read(int(fd), p) //nolint:gosec // a descriptor
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, nil, true
		case err != nil:
			return 0, os.NewSyscallError("read", err), false
		default:
			return n, nil, false
		}
	}
}
