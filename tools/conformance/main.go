// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Conformance is the server that connectconformance tests: it starts the suite's own gRPC server and the gateway in front of it, and
// says where the gateway listens. connectconformance starts it once for each way of serving, and ends it with SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run() error {
	backend := flag.String("backend", "", "the suite's gRPC server, a program")
	protos := flag.String("protos", "", "the folder with the suite's .proto files")
	flag.Parse()
	if *backend == "" || *protos == "" {
		return errors.New("both -backend and -protos are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

	wanted, err := readRequest(os.Stdin)
	if err != nil {
		return err
	}
	b, err := startBackend(ctx, *backend)
	if err != nil {
		return err
	}
	defer b.stop()
	g, err := startGateway(ctx, wanted, *protos, b.address, log)
	if err != nil {
		return err
	}
	defer func() { _ = g.stop(ctx) }()
	if err := writeResponse(os.Stdout, g.port, wanted.certificate); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // nothing more comes: its end is the end of the suite
	<-ctx.Done()
	return err
}
