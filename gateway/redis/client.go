// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redis provides connections to Redis that no call depends on: one server, a cluster, or one that sentinels watch.
//
// A call waits a few milliseconds for an answer and no longer; after three that waited in vain, and at once where Redis says that it cannot, no
// call asks until a probe, ten times a second, was answered.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
)

const (
	// DialTimeout is how long connecting may take, and anything that no call waits for.
	DialTimeout = 500 * time.Millisecond
	// poolSize is how many connections there may be to each server. A command takes some ten microseconds there.
	poolSize = 32
)

// errDown is what Ask returns while Redis is not asked.
var errDown = errors.New("redis is not asked: it did not answer")

// Conn is what commands are sent by.
type Conn = goredis.UniversalClient

// Client is connections to a Redis. It is safe for concurrent use.
type Client struct {
	config  Config
	options goredis.UniversalOptions

	conn    atomic.Pointer[Conn] // nil before Run
	circuit *circuit.Circuit
}

// silence keeps go-redis from writing to standard error what is told in words of ours.
var silence = sync.OnceFunc(func() { goredis.SetLogger(silent{}) }) //nolint:gochecknoglobals // go-redis has one logger for the process

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// New returns the client of a configuration. Nothing is connected to before Run.
func New(cfg Config) (*Client, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	silence()
	c := &Client{config: cfg.clone(), circuit: circuit.New()}
	if c.config.Timeout == 0 {
		c.config.Timeout = DefaultTimeout
	}
	if c.config.Prefix == "" {
		c.config.Prefix = DefaultPrefix
	}
	if c.config.Log == nil {
		c.config.Log = slog.New(slog.DiscardHandler)
	}
	secure, err := cfg.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c.options = goredis.UniversalOptions{
		Addrs: c.config.Addresses, MasterName: cfg.Sentinel, IsClusterMode: cfg.Cluster, DB: cfg.Database, TLSConfig: secure,
		Username: cfg.Username, Password: cfg.Password, Protocol: 2,
		// A call asks once, and gives up by its own context: what comes late is of no use to it.
		MaxRetries: -1, DialerRetries: 1, DialTimeout: DialTimeout, ReadTimeout: DialTimeout, WriteTimeout: DialTimeout, PoolTimeout: c.config.Timeout,
		ContextTimeoutEnabled: true, PoolSize: poolSize, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	return c, nil
}

// Prefix is what all keys begin with.
func (c *Client) Prefix() string { return c.config.Prefix }

// Log is that of the configuration.
func (c *Client) Log() *slog.Logger { return c.config.Log }

// Up tells whether Redis is asked.
func (c *Client) Up() bool { return c.circuit.Up() }

// State tells how Redis fares.
func (c *Client) State() circuit.State { return c.circuit.State() }

// Ask does something that a call waits for.
func (c *Client) Ask(ctx context.Context, do func(context.Context, Conn) error) error {
	return c.within(ctx, c.config.Timeout, do)
}

// Aside does something that no call waits for.
func (c *Client) Aside(ctx context.Context, do func(context.Context, Conn) error) error {
	return c.within(ctx, DialTimeout, do)
}

func (c *Client) within(ctx context.Context, limit time.Duration, do func(context.Context, Conn) error) error {
	conn := c.conn.Load()
	if conn == nil || !c.circuit.Up() {
		return errDown
	}
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	err := do(own, *conn)
	switch {
	case err == nil:
		c.circuit.Answered(time.Since(began))
	case ctx.Err() == nil: // else the client has gone
		c.circuit.Failed(err, isAnswer(err))
	}
	return err
}

// isAnswer tells whether Redis itself says that it cannot: it is read-only, out of memory, loading.
func isAnswer(err error) bool {
	_, ok := errors.AsType[goredis.Error](err)
	return ok && !errors.Is(err, goredis.Nil)
}

// Run connects to Redis, and tries it while it does not answer, until ctx ends. probe does what calls do. tell is told what becomes of Redis.
func (c *Client) Run(ctx context.Context, tell func(circuit.Event, error), probe func(context.Context, Conn) error) {
	options := c.options
	conn := goredis.NewUniversalClient(&options)
	c.conn.Store(&conn)
	c.circuit.Run(ctx, tell, func(ctx context.Context) error { return c.probe(ctx, conn, probe) })
	_ = conn.Close() // nothing is kept in it
}

// probe connects, which may take longer than a call may, and then does what calls do in their time.
func (c *Client) probe(ctx context.Context, conn Conn, probe func(context.Context, Conn) error) error {
	own, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	if err := conn.Ping(own).Err(); err != nil {
		return err
	}
	timely, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return probe(timely, conn)
}
