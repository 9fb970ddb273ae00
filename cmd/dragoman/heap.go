// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/heapfloor"
)

// keepHeap has the heap grow to the floor before it is collected, unless the environment says how it is to be.
func keepHeap(floor *size) (stop func()) {
	if floor == nil {
		standard := size(heapfloor.Default)
		floor = &standard
	}
	if *floor == 0 || os.Getenv("GOGC") != "" {
		return func() {}
	}
	return heapfloor.Keep(uint64(*floor)) //nolint:gosec // a size is never negative
}

// size is a flag that is a size, in bytes.
type size int64

// String writes the size.
func (s *size) String() string { return config.FormatSize(int64(*s)) }

// Set reads the size.
func (s *size) Set(text string) error {
	n, err := config.ParseSize(text)
	if err != nil {
		return err
	}
	*s = size(n)
	return nil
}

// Type names the flag's kind in the help.
func (s *size) Type() string { return "SIZE" }
