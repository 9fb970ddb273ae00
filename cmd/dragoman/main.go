// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Command dragoman provides a gRPC-native API gateway: it serves gRPC services as REST and as gRPC on one port, from
// nothing but their .proto files.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Exit codes. `dragoman call` adds gRPC codes, shifted left by three.
const (
	exitDone    = 0
	exitFailed  = 1 // failed at run time
	exitUsage   = 2 // wrong usage
	exitInvalid = 3 // configuration or schema invalid
	exitForced  = 4 // drained by force: a second signal, or the drain time was over

	exitUnreachable = 5   // the admin listener does not answer
	exitBreaking    = 100 // schema diff found changes that break clients
)

// exitError is an error with the code to exit with. An empty text is not printed: the reader has been told.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr *os.File) int {
	cmd := newRoot(&terminal{out: stdout, err: stderr}) //nolint:contextcheck // commands get ctx from ExecuteContextC
	cmd.SetArgs(args)
	ran, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	code := exitUsage // what cobra itself finds is about the command line
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(stderr, "error: %s\n", text)
		if code == exitUsage {
			for _, note := range variablesIn(ran, text) {
				fmt.Fprintf(stderr, "   = note: %s\n", note)
			}
			fmt.Fprintf(stderr, "   = help: dragoman --help\n")
		}
	}
	return code
}
