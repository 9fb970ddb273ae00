// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// open makes a socket of a descriptor, which it closes: what net has is another one.
func open(fd int, name string) (Socket, error) {
	file := os.NewFile(uintptr(fd), name)
	if file == nil {
		return Socket{}, fmt.Errorf("descriptor %d cannot be one", fd)
	}
	defer func() { _ = file.Close() }()
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return Socket{}, fmt.Errorf("descriptor %d is no socket: %w", fd, err)
	}
	switch kind {
	case unix.SOCK_STREAM:
		return openTCP(fd, file, name)
	case unix.SOCK_DGRAM:
		c, err := net.FilePacketConn(file)
		if err != nil {
			return Socket{}, err
		}
		if udp, ok := c.(*net.UDPConn); ok {
			return Socket{Name: name, UDP: udp}, nil
		}
		return Socket{}, errors.Join(fmt.Errorf("it is of %q; a listener takes TCP and UDP", c.LocalAddr().Network()), c.Close())
	default:
		return Socket{}, fmt.Errorf("it is of type %d; a listener takes TCP (ListenStream=) and UDP (ListenDatagram=)", kind)
	}
}

func openTCP(fd int, file *os.File, name string) (Socket, error) {
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return Socket{}, errors.Join(errors.New("it does not listen; its unit must have Accept=no"), err)
	}
	l, err := net.FileListener(file)
	if err != nil {
		return Socket{}, err
	}
	if tcp, ok := l.(*net.TCPListener); ok {
		return Socket{Name: name, TCP: tcp}, nil
	}
	return Socket{}, errors.Join(fmt.Errorf("it is of %q; a listener takes TCP and UDP", l.Addr().Network()), l.Close())
}

// monotonic is the time in microseconds of the clock that systemd compares reloads by.
func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0 // every Linux has this clock
	}
	const perSecond, nanos = 1_000_000, 1000
	return now.Sec*perSecond + now.Nsec/nanos //nolint:unconvert // some architectures have 32 bits here
}
