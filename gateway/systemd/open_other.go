// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package systemd

import "errors"

// open refuses: systemd is of Linux.
func open(int, string) (Socket, error) {
	return Socket{}, errors.New("sockets are taken on Linux only")
}

// monotonic is for systemd, which is not here.
func monotonic() int64 { return 0 }
