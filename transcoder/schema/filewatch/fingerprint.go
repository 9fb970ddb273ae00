// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
)

// Fingerprint collects what a look at files found. It is not safe for concurrent use.
type Fingerprint struct{ hash hash.Hash }

// NewFingerprint returns the fingerprint of no files.
func NewFingerprint() *Fingerprint { return &Fingerprint{sha256.New()} }

// Add adds a file: its name, size and time, and which file it is, where the system tells. Two versions that were written within one tick of
// the file system's clock are of one time, and often of one size.
func (f *Fingerprint) Add(path string, info fs.FileInfo) {
	device, number := identity(info)
	fmt.Fprintf(f.hash, "%s\x00%d\x00%d\x00%d\x00%d\x00", path, info.Size(), info.ModTime().UnixNano(), device, number)
}

// Miss adds that a file is not there.
func (f *Fingerprint) Miss(path string) { fmt.Fprintf(f.hash, "%s\x00-\x00", path) }

// Sum returns the fingerprint of all files so far; the order counts.
func (f *Fingerprint) Sum() string { return hex.EncodeToString(f.hash.Sum(nil)) }
