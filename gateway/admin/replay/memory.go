// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/calling"
	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// headTime is how long the head of a request may take, in memory.
const headTime = 5 * time.Second

// send sends a call by a server of its own, which is there for it alone.
func (r *Replayer) send(ctx context.Context, c *capture.Call, call *calling.Call) (err error) {
	l := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	forced := capture.Forced(ctx)
	server := &http.Server{
		Handler:           nethttp.Handler(nethttp.Config{Listener: c.Listener, Limits: r.config.Limits(c.Listener), Probe: true}, r.config.Serve),
		Protocols:         protocols,
		ReadHeaderTimeout: headTime,
		BaseContext:       func(net.Listener) context.Context { return forced },
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // it ends because it is closed
	defer serving.Wait()
	defer func() { err = errors.Join(err, server.Close()) }()
	host := c.Authority
	if host == "" {
		host = "replay.invalid"
	}
	caller, err := calling.New(calling.Config{URL: "http://" + host, Via: Via(c), Dial: l.dial})
	if err != nil {
		return err
	}
	defer caller.Close()
	return caller.Do(ctx, call)
}

// memory is a listener whose connections are in memory.
type memory struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Addr implements net.Listener.
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "replay", Net: "unix"} }
