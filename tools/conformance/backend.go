// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// server is the suite's gRPC server, a process of its own.
type server struct {
	address string
	command *exec.Cmd
}

// startBackend starts the suite's gRPC server and waits until it listens.
func startBackend(ctx context.Context, program string) (*server, error) {
	cmd := exec.CommandContext(ctx, program, "-port", "0")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{command: cmd}
	err = writeBackendRequest(in)
	if err == nil {
		var host string
		var port uint64
		host, port, err = readBackendResponse(out)
		s.address = net.JoinHostPort(host, strconv.FormatUint(port, 10))
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	return s, nil
}

// stop ends the process.
func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait() // it ends by the signal
}
