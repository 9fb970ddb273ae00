// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redis provides a store of limits that several gateways share, in Redis: one server, a cluster, or one that sentinels watch.
//
// A call costs one atomic script. It waits a few milliseconds for it and no longer; after three that waited in vain, and at once where Redis
// says that it cannot, no call asks until a probe, ten times a second, was answered.
package redis

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
)

const (
	// dialTimeout is how long connecting may take; calls do not wait for it.
	dialTimeout = 500 * time.Millisecond
	// poolSize is how many connections there may be to each server. A script takes some ten microseconds there.
	poolSize = 32
)

//go:embed take.lua
var source string

var script = goredis.NewScript(source) //nolint:gochecknoglobals // a constant

// errDown is what Take returns while Redis is not asked.
var errDown = errors.New("redis is not asked: it did not answer")

// Store is a store in Redis.
type Store struct {
	config  Config
	options goredis.UniversalOptions

	client  atomic.Pointer[goredis.UniversalClient] // nil before Run
	circuit *ratelimit.Circuit
}

var _ ratelimit.Store = (*Store)(nil)

// silence keeps go-redis from writing to standard error what Store tells in its own words.
var silence = sync.OnceFunc(func() { goredis.SetLogger(silent{}) }) //nolint:gochecknoglobals // go-redis has one logger for the process

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// New returns the store of a configuration. Nothing is connected to before Run.
func New(cfg Config) (*Store, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	silence()
	s := &Store{config: cfg.clone(), circuit: ratelimit.NewCircuit()}
	if s.config.Timeout == 0 {
		s.config.Timeout = DefaultTimeout
	}
	if s.config.Prefix == "" {
		s.config.Prefix = DefaultPrefix
	}
	if s.config.Log == nil {
		s.config.Log = slog.New(slog.DiscardHandler)
	}
	secure, err := cfg.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	s.options = goredis.UniversalOptions{
		Addrs: s.config.Addresses, MasterName: cfg.Sentinel, IsClusterMode: cfg.Cluster, DB: cfg.Database, TLSConfig: secure,
		Username: cfg.Username, Password: cfg.Password, Protocol: 2,
		// A call asks once, and gives up by its own context: what comes late is of no use to it.
		MaxRetries: -1, DialerRetries: 1, DialTimeout: dialTimeout, ReadTimeout: dialTimeout, WriteTimeout: dialTimeout, PoolTimeout: s.config.Timeout,
		ContextTimeoutEnabled: true, PoolSize: poolSize, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	return s, nil
}

// Up tells whether Redis is asked.
func (s *Store) Up() bool { return s.circuit.Up() }

// Take takes tokens.
func (s *Store) Take(ctx context.Context, q *ratelimit.Query) (ratelimit.Outcome, error) {
	client := s.client.Load()
	if client == nil || !s.circuit.Up() {
		return ratelimit.Outcome{}, errDown
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	out, err := s.run(own, *client, s.config.Prefix+q.Rule+":"+string(q.Key), q)
	switch {
	case err == nil:
		s.circuit.Answered()
	case ctx.Err() == nil: // else the client has gone
		s.circuit.Failed(err, isAnswer(err))
	}
	return out, err
}

// isAnswer tells whether Redis itself says that it cannot: it is read-only, out of memory, loading.
func isAnswer(err error) bool {
	_, ok := errors.AsType[goredis.Error](err)
	return ok && !errors.Is(err, goredis.Nil)
}

// run runs the script once.
func (s *Store) run(ctx context.Context, client goredis.UniversalClient, key string, q *ratelimit.Query) (ratelimit.Outcome, error) {
	const micro = float64(time.Microsecond)
	answer, err := script.Run(ctx, client, []string{key}, float64(q.Interval)/micro, float64(q.Capacity)/micro, q.Least, q.Most).Slice()
	if err != nil {
		return ratelimit.Outcome{}, err
	}
	return outcomeOf(answer, key, q)
}

// outcomeOf reads an answer of the script, which must be to the question that was asked (threat G7).
func outcomeOf(answer []any, key string, q *ratelimit.Query) (ratelimit.Outcome, error) {
	const fields = 5
	if len(answer) != fields || answer[fields-1] != key {
		return ratelimit.Outcome{}, errors.New("the answer of redis is to another question")
	}
	var numbers [fields - 1]int64
	for i := range numbers {
		n, ok := answer[i].(int64)
		if !ok || n < 0 {
			return ratelimit.Outcome{}, fmt.Errorf("the answer of redis has %T where a number has to be", answer[i])
		}
		numbers[i] = n
	}
	taken := numbers[0]
	if taken > q.Most || taken > 0 && taken < q.Least {
		return ratelimit.Outcome{}, fmt.Errorf("redis has granted %d; %d to %d were asked for", taken, q.Least, q.Most)
	}
	return ratelimit.Outcome{
		Granted: taken, Left: numbers[1], Full: time.Duration(numbers[2]) * time.Microsecond, Wait: time.Duration(numbers[3]) * time.Microsecond,
	}, nil
}

// Run connects to Redis, and tries it while it does not answer, until ctx ends. It returns when all is quiet.
func (s *Store) Run(ctx context.Context) {
	options := s.options
	client := goredis.NewUniversalClient(&options)
	s.client.Store(&client)
	s.circuit.Run(ctx, s.config.Log, "redis", func(ctx context.Context) error { return s.probe(ctx, client) })
	_ = client.Close() // nothing is kept in it
}

// probe is what a call does, with a bucket of its own: it finds out whether scripts can write. The connection may have to be made first, and that
// may take longer than a call may.
func (s *Store) probe(ctx context.Context, client goredis.UniversalClient) error {
	own, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := client.Ping(own).Err(); err != nil {
		return err
	}
	timely, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	_, err := s.run(timely, client, s.config.Prefix+"probe", &ratelimit.Query{Interval: time.Millisecond, Capacity: time.Second, Least: 1, Most: 1})
	return err
}
