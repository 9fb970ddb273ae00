// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redis provides a store of answers that several gateways share, in Redis.
//
// A call that misses in memory asks once, for a few milliseconds at most. What is stored and purged goes through a queue, which no call waits
// for.
package redis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

const (
	// queueBytes is how much may wait to be stored. What is more is not stored.
	queueBytes = 8 << 20
	// mostPurges is how many purges may wait, for Redis to be back, say. Where there are more, all is purged.
	mostPurges = 1000
	// mostBatch is how many answers are stored at a time.
	mostBatch = 64
	// area is what the names of all answers begin with, behind the prefix of the configuration.
	area = "cache:"
	// probeInterval is how often a purge is tried again that could not be made.
	probeInterval = 100 * time.Millisecond
)

// Store is a store in Redis.
type Store struct {
	client *redis.Client
	more   chan struct{} // has an element when there is something to do

	mu     sync.Mutex
	puts   []put         // guarded by mu; those that came before all purges
	bytes  int           // of puts; guarded by mu
	purges []cache.Purge // guarded by mu
}

// put is an answer that is to be stored.
type put struct {
	name string
	data []byte
	ends time.Time
}

var _ cache.Shared = (*Store)(nil)

// New returns the store of a configuration. Nothing is connected to before Run.
func New(cfg redis.Config) (*Store, error) {
	client, err := redis.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Store{client: client, more: make(chan struct{}, 1)}, nil
}

// Up tells whether Redis is asked. It is not while there is something to purge: what it has may be just that.
func (s *Store) Up() bool { return s.client.Up() && !s.purging() }

func (s *Store) purging() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.purges) > 0
}

// name is what an answer is stored under. The method is in it so that it can be purged.
func (s *Store) name(method string, key cache.Key) string {
	return s.client.Prefix() + area + method + ":" + key.String()
}

// Get returns an answer; nil for none.
func (s *Store) Get(ctx context.Context, method string, key cache.Key) ([]byte, error) {
	var data []byte
	err := s.client.Ask(ctx, func(ctx context.Context, conn redis.Conn) error {
		var err error
		data, err = conn.Get(ctx, s.name(method, key)).Bytes()
		if errors.Is(err, goredis.Nil) {
			data, err = nil, nil
		}
		return err
	})
	return data, err
}

// Set has an answer stored.
func (s *Store) Set(method string, key cache.Key, data []byte, ttl time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.purges) > 0 || s.bytes+len(data) > queueBytes {
		return false
	}
	s.puts = append(s.puts, put{name: s.name(method, key), data: data, ends: time.Now().Add(ttl)})
	s.bytes += len(data)
	s.wake()
	return true
}

// Purge has answers dropped. Those that wait to be stored are not stored.
func (s *Store) Purge(p cache.Purge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts, s.bytes = nil, 0
	if len(s.purges) >= mostPurges {
		s.purges = s.purges[:0]
		p = cache.Purge{All: true}
	}
	s.purges = append(s.purges, p)
	s.wake()
}

func (s *Store) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Run stores and purges until ctx ends. It returns when all is quiet.
func (s *Store) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { s.work(ctx) })
	s.client.Run(ctx, tell(s.client.Log()), func(ctx context.Context, conn redis.Conn) error {
		// It finds out whether Redis can be written to.
		return conn.Set(ctx, s.client.Prefix()+"cache-probe", "1", time.Second).Err()
	})
	running.Wait()
}

func tell(log *slog.Logger) func(circuit.Event, error) {
	store := slog.String("store", "redis")
	return func(e circuit.Event, cause error) {
		switch e {
		case circuit.Silent:
			log.Warn("the store of answers does not answer", store, slog.Any("error", cause))
		case circuit.Lost:
			log.Warn("the store of answers cannot be asked; each gateway has its own", store, slog.Any("error", cause))
		case circuit.Back:
			log.Info("the store of answers is asked", store)
		}
	}
}

// work does what waits.
func (s *Store) work(ctx context.Context) {
	again := time.NewTicker(probeInterval)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.more:
		case <-again.C: // what could not be done before
		}
		for s.step(ctx) {
		}
	}
}

// step does one thing that waits; it is false where there is nothing more, or it cannot be done now.
func (s *Store) step(ctx context.Context) bool {
	s.mu.Lock()
	if len(s.purges) > 0 {
		p := s.purges[0]
		s.mu.Unlock()
		return s.purged(ctx, p)
	}
	n := min(len(s.puts), mostBatch)
	batch := s.puts[:n:n]
	s.puts = s.puts[n:]
	for i := range batch {
		s.bytes -= len(batch[i].data)
	}
	s.mu.Unlock()
	if n == 0 {
		return false
	}
	_ = s.client.Aside(ctx, func(ctx context.Context, conn redis.Conn) error { return store(ctx, conn, batch) }) // the circuit is told
	return true
}

// store stores a batch.
func store(ctx context.Context, conn redis.Conn, batch []put) error {
	now := time.Now()
	_, err := conn.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i := range batch {
			if left := batch[i].ends.Sub(now).Truncate(time.Millisecond); left > 0 {
				p.Set(ctx, batch[i].name, batch[i].data, left)
			}
		}
		return nil
	})
	return err
}

// purged makes a purge, and takes it out of those that wait.
func (s *Store) purged(ctx context.Context, p cache.Purge) bool {
	if !s.client.Up() || s.purge(ctx, p) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.purges) > 0 && s.purges[0] == p { // else all are to be purged by now
		s.purges = s.purges[1:]
	}
	return true
}
