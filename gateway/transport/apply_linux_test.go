// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package transport

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// userTimeout is the time in milliseconds after which the kernel gives up a connection.
func userTimeout(t *testing.T, c net.Conn) int64 {
	t.Helper()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	if raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }) != nil || err != nil {
		t.Fatal(err)
	}
	return int64(got)
}
