// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// MaxSockets is how many sockets the process may be given: one of TCP and one of UDP for each listener that there can be.
const MaxSockets = 128

// firstSocket is the descriptor of the first one; the others follow it.
//
// https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
const firstSocket = 3

// Variables by which the process learns of its sockets.
const (
	listenPID   = "LISTEN_PID"
	listenFDs   = "LISTEN_FDS"
	listenNames = "LISTEN_FDNAMES"
	listenPIDFD = "LISTEN_PIDFDID"
)

// Socket is what the process was given for one listener: at least one of the two is there.
type Socket struct {
	// Name is that of the listener, FileDescriptorName= in the unit of the socket.
	Name string
	// TCP accepts connections; UDP takes the packets of HTTP/3. Either may be nil.
	TCP *net.TCPListener
	UDP *net.UDPConn
}

// Close closes what is open.
func (s Socket) Close() error {
	var errs []error
	if s.TCP != nil {
		errs = append(errs, s.TCP.Close())
	}
	if s.UDP != nil {
		errs = append(errs, s.UDP.Close())
	}
	return errors.Join(errs...)
}

// Sockets takes the sockets that the process was given open, in the order in which they came; none where it was started without. It
// removes the variables that tell of them, so that no other process believes that they are its own. The error names everything
// that is wrong with them, and then all are closed.
func Sockets() ([]Socket, error) {
	pid, count, names := os.Getenv(listenPID), os.Getenv(listenFDs), os.Getenv(listenNames)
	for _, name := range []string{listenPID, listenFDs, listenNames, listenPIDFD} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // there are none, or they are for the process that started this one
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > MaxSockets {
		return nil, fmt.Errorf("%s is %q; it must be a number from 0 to %d", listenFDs, count, MaxSockets)
	}
	if n == 0 {
		return nil, nil
	}
	called := strings.Split(names, ":")
	if len(called) != n {
		return nil, fmt.Errorf("%s is %q; it must have %d names, one for each socket", listenNames, names, n)
	}
	return take(called)
}

// take makes sockets of the descriptors that follow firstSocket.
func take(names []string) ([]Socket, error) {
	var (
		all  []Socket
		errs []error
	)
	for i, name := range names {
		one, err := open(firstSocket+i, name)
		if err == nil {
			all, err = add(all, one)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("socket %q: %w", name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, s := range all {
			err = errors.Join(err, s.Close())
		}
		return nil, err
	}
	return all, nil
}

// add puts a socket beside those of the same name.
func add(all []Socket, one Socket) ([]Socket, error) {
	for i := range all {
		s := &all[i]
		switch {
		case s.Name != one.Name:
			continue
		case s.TCP != nil && one.TCP != nil:
			return all, errors.Join(fmt.Errorf("there are two of TCP, at %s and %s; a listener has one", s.TCP.Addr(), one.TCP.Addr()), one.Close())
		case s.UDP != nil && one.UDP != nil:
			return all, errors.Join(fmt.Errorf("there are two of UDP, at %s and %s; a listener has one", s.UDP.LocalAddr(), one.UDP.LocalAddr()), one.Close())
		case one.TCP != nil:
			s.TCP = one.TCP
		default:
			s.UDP = one.UDP
		}
		return all, nil
	}
	return append(all, one), nil
}
