// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Writable says why this process cannot make and revoke keys in a file; nil when it can. It asks the system, which knows of file systems that are
// read-only and of lists of access as well, and changes nothing: files are replaced as a whole, so that it is the folder that has to be writable, and a
// file that somebody has made read-only is to be left alone.
func Writable(path string) error {
	if really, err := filepath.EvalSymlinks(path); err == nil {
		path = really
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case err == nil:
		if err := f.Close(); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist): // the first key makes the file
		return err
	}
	return folderWritable(filepath.Dir(path))
}
