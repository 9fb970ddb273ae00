// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Sockets are those of a listener that are open already, by whoever started the process. What is nil is opened at the listener's address.
type Sockets struct {
	TCP *net.TCPListener
	UDP *net.UDPConn
}

// close closes what is there.
func (s Sockets) close() error {
	var errs []error
	if s.TCP != nil {
		errs = append(errs, s.TCP.Close())
	}
	if s.UDP != nil {
		errs = append(errs, s.UDP.Close())
	}
	return errors.Join(errs...)
}

// sockets returns the sockets of a listener: those that it was given, and new ones for the rest. That of UDP is nil without HTTP/3.
func (c *Config) sockets(ctx context.Context, given Sockets) (net.Listener, net.PacketConn, error) {
	open := &net.ListenConfig{KeepAliveConfig: c.keepAlive(), Control: control(c.deadAfter())}
	switch {
	case given.UDP != nil && !c.speaks(HTTP3):
		return nil, nil, errors.Join(fmt.Errorf("it was given a socket of UDP, at %s, and protocols does not have http3", given.UDP.LocalAddr()), given.close())
	case given.UDP != nil && given.TCP == nil:
		return nil, nil, errors.Join(fmt.Errorf("it was given a socket of UDP, at %s, and none of TCP", given.UDP.LocalAddr()), given.close())
	case given.TCP == nil && c.speaks(HTTP3):
		return listenBoth(ctx, open, c.Address)
	case given.TCP == nil:
		tcp, err := open.Listen(ctx, "tcp", c.Address)
		return tcp, nil, err
	}
	tcp, err := c.prepare(given.TCP)
	if err != nil {
		return nil, nil, errors.Join(err, given.close())
	}
	if !c.speaks(HTTP3) || given.UDP != nil {
		return tcp, orNothing(given.UDP), nil
	}
	udp, err := open.ListenPacket(ctx, "udp", tcp.Addr().String())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("http3: %w", err), given.close())
	}
	return tcp, udp, nil
}

// orNothing is a socket, or an interface that is nil.
func orNothing(udp *net.UDPConn) net.PacketConn {
	if udp == nil {
		return nil
	}
	return udp
}

// prepare sets on a socket that was opened elsewhere what is set on our own.
func (c *Config) prepare(l *net.TCPListener) (net.Listener, error) {
	if set := control(c.deadAfter()); set != nil {
		raw, err := l.SyscallConn()
		if err != nil {
			return nil, err
		}
		if err := set("tcp", l.Addr().String(), raw); err != nil {
			return nil, fmt.Errorf("it was given a socket, at %s, on which TCP_USER_TIMEOUT cannot be set, as on one of MPTCP: %w", l.Addr(), err)
		}
	}
	return &kept{TCPListener: l, keepAlive: c.keepAlive()}, nil
}

// kept sets on each connection what net.ListenConfig would, had it opened the listener.
type kept struct {
	*net.TCPListener

	keepAlive net.KeepAliveConfig
}

func (l *kept) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	// A connection that has ended meanwhile cannot be set; whoever serves it finds out.
	_ = c.SetKeepAliveConfig(l.keepAlive)
	return c, nil
}
