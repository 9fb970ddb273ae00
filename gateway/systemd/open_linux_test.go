// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// descriptor is a copy of what a file holds, which nobody else closes.
func descriptor(t *testing.T, file *os.File) int {
	t.Helper()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return fd
}

// filer is what can give its descriptor away.
type filer interface{ File() (*os.File, error) }

// descriptorOf is a copy of the descriptor of a socket.
func descriptorOf(t *testing.T, socket any) int {
	t.Helper()
	own, ok := socket.(filer)
	if !ok {
		t.Fatalf("%T has no descriptor", socket)
	}
	file, err := own.File()
	if err != nil {
		t.Fatal(err)
	}
	return descriptor(t, file)
}

func listenOn(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func listenPackets(t *testing.T, network, address string) net.PacketConn {
	t.Helper()
	c, err := (&net.ListenConfig{}).ListenPacket(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Sockets of TCP that listen and sockets of UDP are taken; nothing else is.
func TestOpen(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "open") //nolint:usetesting // names of sockets are short, and those of the test's folder long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	tcp := listenOn(t, "tcp", "127.0.0.1:0")
	for _, tt := range []struct {
		name, want string
		fd         func(t *testing.T) int
	}{
		{"TCP", "", func(t *testing.T) int { t.Helper(); return descriptorOf(t, tcp) }},
		{"UDP", "", func(t *testing.T) int { t.Helper(); return descriptorOf(t, listenPackets(t, "udp", "127.0.0.1:0")) }},
		{"a connection, of Accept=yes", "it does not listen; its unit must have Accept=no", func(t *testing.T) int {
			t.Helper()
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", tcp.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return descriptorOf(t, c)
		}},
		{"a stream with a name of a file", `it is of "unix"; a listener takes TCP and UDP`, func(t *testing.T) int {
			t.Helper()
			return descriptorOf(t, listenOn(t, "unix", filepath.Join(folder, "s")))
		}},
		{"packets with a name of a file", `it is of "unixgram"; a listener takes TCP and UDP`, func(t *testing.T) int {
			t.Helper()
			return descriptorOf(t, listenPackets(t, "unixgram", filepath.Join(folder, "p")))
		}},
		{"messages with a name of a file", "it is of type 5; a listener takes TCP (ListenStream=) and UDP (ListenDatagram=)", func(t *testing.T) int {
			t.Helper()
			return descriptorOf(t, listenOn(t, "unixpacket", filepath.Join(folder, "m")))
		}},
		{"a file", " is no socket: socket operation on non-socket", func(t *testing.T) int {
			t.Helper()
			file, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			return descriptor(t, file)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := open(tt.fd(t), "public")
			if tt.want == "" {
				if err != nil || got.Name != "public" || (got.TCP == nil) == (got.UDP == nil) {
					t.Errorf("got %+v, %v; want one socket", got, err)
				}
				if err := got.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %+v, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// A name has one socket of TCP and one of UDP.
func TestSocketsOfOneName(t *testing.T) {
	t.Parallel()
	one := func(network string) Socket {
		t.Helper()
		var fd int
		if network == "tcp" {
			fd = descriptorOf(t, listenOn(t, network, "127.0.0.1:0"))
		} else {
			fd = descriptorOf(t, listenPackets(t, network, "127.0.0.1:0"))
		}
		s, err := open(fd, "public")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	all, err := add(nil, one("udp"))
	if err == nil {
		all, err = add(all, one("tcp"))
	}
	if err != nil || len(all) != 1 || all[0].TCP == nil || all[0].UDP == nil {
		t.Fatalf("got %+v, %v; want both in one", all, err)
	}
	for network, want := range map[string]string{"tcp": "there are two of TCP, at ", "udp": "there are two of UDP, at "} {
		if _, err := add(all, one(network)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s twice: %v; want %q", network, err, want)
		}
	}
}
