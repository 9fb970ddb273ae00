// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package serve has the servers of the benchmark that are Go: the backend, and the peers that stand between it and the clients. Each runs
// in a process of its own, prints its address, answers questions about its memory on its input, and ends when that does.
package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
)

// Serve runs the server that args name: "backend", "grpc-gateway BACKEND RULES [CERT KEY]", "grpc-proxy BACKEND" or "dragoman FILE".
func Serve(args []string) error {
	kind, rest := args[0], args[1:]
	serve, ok := map[string]func([]string) (*server, error){
		"backend": newBackend, "grpc-gateway": newGRPCGateway, "grpc-proxy": newGRPCProxy, "dragoman": newDragoman,
	}[kind]
	if !ok {
		return fmt.Errorf("serve: there is no %q", kind)
	}
	s, err := serve(rest)
	if err != nil {
		return fmt.Errorf("serve %s: %w", kind, err)
	}
	fmt.Println(s.address)
	answer(os.Stdin)
	return s.stop()
}

type server struct {
	address string
	stop    func() error
}

// answer answers each line of in with how many objects the process has allocated so far, and how many bytes, until in ends.
func answer(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Println(m.Mallocs, m.TotalAlloc)
	}
}

func listen() (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
}
