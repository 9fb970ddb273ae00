// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package reflection provides schemas that a running backend tells of itself, by gRPC server reflection.
//
// What a backend says is not trusted: it is counted against limits on the wire, before it is decoded, and whatever
// breaks a rule of protobuf is refused.
package reflection

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

const (
	// DefaultInterval is how often Watch asks, unless Config says otherwise.
	DefaultInterval = time.Minute
	// DefaultTimeout bounds how long asking takes, unless Config says otherwise.
	DefaultTimeout = 20 * time.Second
)

// DefaultLimits bound a load where Config does not.
func DefaultLimits() link.Limits {
	return link.Limits{Files: 10_000, Bytes: 64 << 20, Messages: 20_000, Elements: 300_000}
}

// Config says whom to ask. Conn and Name are required.
type Config struct {
	// Name is what people call the backend.
	Name string
	// Conn is a connection to it. The source does not close it.
	Conn grpc.ClientConnInterface
	// Interval is how often Watch asks whether something changed, give or take a tenth, so that many gateways do not
	// ask at once. Zero is [DefaultInterval].
	Interval time.Duration
	// Timeout bounds one load. Zero is [DefaultTimeout].
	Timeout time.Duration
	// Limits bound what a backend may say; what is zero has its value from [DefaultLimits].
	Limits link.Limits
}

// Source loads a schema from a backend. It implements [schema.Source] and [schema.Watcher].
type Source struct {
	config Config

	// Only Load uses what follows.
	store link.Store
	good  *schema.Schema // of the last load that succeeded

	mu  sync.Mutex
	sum string // hash of what was loaded last; guarded by mu
}

var (
	_ schema.Source  = (*Source)(nil)
	_ schema.Watcher = (*Source)(nil)
)

// New returns a source that asks this backend. It does not connect.
func New(config Config) (*Source, error) {
	var errs []error
	if config.Name == "" {
		errs = append(errs, errors.New("reflection: name is empty; it must name the backend"))
	}
	if config.Conn == nil {
		errs = append(errs, errors.New("reflection: conn is nil; it must be a connection to the backend"))
	}
	if config.Interval < 0 {
		errs = append(errs, fmt.Errorf("reflection: interval is %v; it must be 0, for %v, or more", config.Interval, DefaultInterval))
	}
	if config.Timeout < 0 {
		errs = append(errs, fmt.Errorf("reflection: timeout is %v; it must be 0, for %v, or more", config.Timeout, DefaultTimeout))
	}
	if err := config.Limits.Check(); err != nil {
		errs = append(errs, fmt.Errorf("reflection: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if config.Interval == 0 {
		config.Interval = DefaultInterval
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	config.Limits = config.Limits.Or(DefaultLimits())
	return &Source{config: config}, nil
}

// Name returns the name of the backend.
func (s *Source) Name() string { return s.config.Name }

// Load implements [schema.Source].
func (s *Source) Load(ctx context.Context) (*schema.Schema, error) {
	told, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	sum := told.sum()
	protos, err := told.decode()
	if err != nil {
		return nil, err
	}
	var own []string
	for name := range protos {
		if !wellknown.Has(name) {
			own = append(own, name)
		}
	}
	linked, _, err := s.store.Update(protos, "the backend must serve all imports of its files by reflection")
	if err != nil {
		return nil, err
	}
	if s.good == nil || sum != s.loaded() {
		config := schema.Config{Source: s.config.Name, Unserved: linked.Unserved, Hide: func(service protoreflect.FullName) bool {
			return !told.services[string(service)]
		}}
		for _, name := range own {
			config.Files = append(config.Files, linked.Files[name])
		}
		made, err := schema.New(config)
		if err != nil {
			return nil, err
		}
		s.good = made
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum = sum
	return s.good, nil
}

// Watch implements [schema.Watcher]. It asks the backend every so often and reports when what it says has another hash
// than what was loaded. When the backend cannot be asked any more, that is reported once: the Load that follows says
// why.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	var last string
	const failed = "failed"
	for {
		timer := time.NewTimer(jitter(s.config.Interval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		sum := failed
		if told, err := s.fetch(ctx); err == nil {
			sum = told.sum()
		}
		if ctx.Err() != nil {
			return nil
		}
		if sum != last && sum != s.loaded() {
			changed()
		}
		last = sum
	}
}

func (s *Source) loaded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// jitter spreads an interval by a tenth to both sides.
func jitter(interval time.Duration) time.Duration {
	tenth := int64(interval) / 10
	return interval + time.Duration(rand.Int64N(2*tenth+1)-tenth)
}
