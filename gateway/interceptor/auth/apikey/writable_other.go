// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package apikey

import "os"

// folderWritable says why this process cannot make files in a folder: where the system cannot be asked, the folder has to be there.
func folderWritable(folder string) error {
	_, err := os.Stat(folder)
	return err
}
