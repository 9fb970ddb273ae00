// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package filewatch

import (
	"io/fs"
	"syscall"
)

// identity tells which file it is: the device, and its number there.
func identity(info fs.FileInfo) (device, number uint64) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Dev), uint64(stat.Ino) //nolint:gosec,unconvert,nolintlint // their types differ between systems
	}
	return 0, 0
}
