// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e_test provides the tests of the gateway from end to end: the whole process, started as the command starts it, between
// real clients on sockets and a real gRPC server. The numbers in names and comments are those of the statements of what is
// correct (T for transcoding) and of the threats (letters).
package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

func TestMain(m *testing.M) {
	processtest.Play(map[string]processtest.Role{gatewayRole: serveGateway})
	before, err := openFiles()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := filesAgain(before); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// openFiles tells what the process has open, how often: sockets all together, the rest by name. What belongs to Go's runtime is left out: what it
// waits with, the pipes that it keeps for splice, and this folder.
func openFiles() (map[string]int, error) {
	const self = "/proc/self/fd/"
	entries, err := os.ReadDir(self)
	if err != nil {
		return nil, err
	}
	open := map[string]int{}
	for _, e := range entries {
		name, err := os.Readlink(self + e.Name())
		if err != nil {
			continue // it is the one that the folder was read by
		}
		if kind, _, ok := strings.Cut(name, ":["); ok {
			name = kind
		}
		if name != "pipe" && name != "anon_inode" && !strings.HasPrefix(name, "/proc/") {
			open[name]++
		}
	}
	return open, nil
}

// moreFiles tells what is open more often than before.
func moreFiles(before, now map[string]int) error {
	for name, n := range now {
		if n > before[name] {
			return fmt.Errorf("%s is open %d times, and was %d times", name, n, before[name])
		}
	}
	return nil
}

// filesAgain waits until no more is open than before; closing takes a moment.
func filesAgain(before map[string]int) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		now, err := openFiles()
		if err == nil {
			err = moreFiles(before, now)
		}
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
