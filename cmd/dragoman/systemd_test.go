// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemd is told that the gateway is ready, reloads, is ready again, and stops.
func TestSystemdIsTold(t *testing.T) {
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", strings.ReplaceAll(completeConfig, "${BOOKS}", "127.0.0.1:1"))
	writeCertificate(t, dir, 1)
	folder, err := os.MkdirTemp("", "notify") //nolint:usetesting // names of sockets are short, and those of the test's folder long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	listener, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	t.Setenv("NOTIFY_SOCKET", socket)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	told := func(want string) {
		t.Helper()
		const most = 4096
		data := make([]byte, most)
		if err := listener.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, _, err := listener.ReadFrom(data)
		if err != nil || string(data[:n]) != want {
			t.Fatalf("told %q, %v; want %q", data[:n], err, want)
		}
	}
	told("READY=1")
	p.signal(syscall.SIGHUP)
	told("RELOADING=1")
	told("READY=1")
	p.signal(syscall.SIGTERM)
	told("STOPPING=1")
	p.exits(exitDone)
}
