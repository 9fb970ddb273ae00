// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redis provides a store of limits that several gateways share, in Redis. A call costs one atomic script.
package redis

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

//go:embed take.lua
var source string

var script = goredis.NewScript(source) //nolint:gochecknoglobals // a constant

// Store is a store in Redis.
type Store struct{ client *redis.Client }

var _ ratelimit.Store = (*Store)(nil)

// New returns the store of a configuration. Nothing is connected to before Run.
func New(cfg redis.Config) (*Store, error) {
	client, err := redis.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Store{client: client}, nil
}

// Up tells whether Redis is asked.
func (s *Store) Up() bool { return s.client.Up() }

// State tells how Redis fares.
func (s *Store) State() circuit.State { return s.client.State() }

// Take takes tokens.
func (s *Store) Take(ctx context.Context, q *ratelimit.Query) (out ratelimit.Outcome, err error) {
	err = s.client.Ask(ctx, func(ctx context.Context, conn redis.Conn) error {
		out, err = run(ctx, conn, s.client.Prefix()+q.Rule+":"+string(q.Key), q)
		return err
	})
	return out, err
}

// run runs the script once.
func run(ctx context.Context, conn redis.Conn, key string, q *ratelimit.Query) (ratelimit.Outcome, error) {
	const micro = float64(time.Microsecond)
	answer, err := script.Run(ctx, conn, []string{key}, float64(q.Interval)/micro, float64(q.Capacity)/micro, q.Least, q.Most).Slice()
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
	// What a call does, with a bucket of its own: it finds out whether scripts can write.
	s.client.Run(ctx, ratelimit.Tell(s.client.Log(), "redis"), func(ctx context.Context, conn redis.Conn) error {
		_, err := run(ctx, conn, s.client.Prefix()+"probe", &ratelimit.Query{Interval: time.Millisecond, Capacity: time.Second, Least: 1, Most: 1})
		return err
	})
}
