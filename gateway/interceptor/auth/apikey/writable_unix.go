// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package apikey

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// folderWritable says why this process cannot make files in a folder.
func folderWritable(folder string) error {
	// Who the process acts as counts, and not who started it.
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "write", Path: folder, Err: err}
	}
	return nil
}
