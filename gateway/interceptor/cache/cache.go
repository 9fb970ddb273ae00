// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package cache provides answers that were given before, for methods without side effects.
//
// A [Cache] keeps answers and outlives snapshots. A [Generation] is what one snapshot has of it: the methods that are cached, each by a
// [Policy]. It stands behind the chain and before a backend, so that a call is authenticated, authorised, limited and validated whether or
// not there is an answer for it. What is stored are the protobuf bytes of the backend, for clients of every protocol.
//
// Directives are those of RFC 9111, https://www.rfc-editor.org/rfc/rfc9111.html; decision 18 says where it is stricter.
package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Defaults and bounds of a Config.
const (
	DefaultMemory  = 64 << 20
	DefaultLargest = 1 << 20
	// LeastMemory and MostMemory bound Memory.
	LeastMemory = 64 << 10
	MostMemory  = 1 << 40
	// LeastLargest bounds Largest, which can be a quarter of Memory at most.
	LeastLargest = 1 << 10
	// DefaultTagField is the metadata in which backends say the tags of an answer.
	DefaultTagField = "cache-tag"
	// DefaultMaxWait is how long a call waits for the answer that another one of the same key fetches.
	DefaultMaxWait = 5 * time.Second
	// MostWait bounds MaxWait.
	MostWait = time.Minute
	// DefaultMaxRefreshes is how many answers are fetched at a time while stale ones are used.
	DefaultMaxRefreshes = 64
	// passTime is how long it is remembered that answers of a key are not stored, so that calls do not wait for each other in vain.
	passTime = 10 * time.Second
)

// Config is what a Cache is made of. Zero fields mean their default.
type Config struct {
	// Memory is how many bytes are kept; 0 means DefaultMemory.
	Memory int
	// Largest is how many bytes of them the largest answer may have; 0 means DefaultLargest.
	Largest int
	// TagField is the metadata in which backends say the tags of an answer, with commas between; "" means DefaultTagField.
	TagField string
	// MaxWait is how long a call waits for the answer that another one fetches; 0 means DefaultMaxWait.
	MaxWait time.Duration
	// MaxRefreshes is how many answers are fetched at a time while stale ones are used; 0 means DefaultMaxRefreshes.
	MaxRefreshes int
	// Shared is a store that several gateways have in common; nil for none.
	Shared Shared
	// Log is told of what goes wrong beside calls.
	Log *slog.Logger
}

// withDefaults fills in what is zero.
func (cfg Config) withDefaults() Config {
	if cfg.Memory == 0 {
		cfg.Memory = DefaultMemory
	}
	if cfg.Largest == 0 {
		cfg.Largest = min(DefaultLargest, cfg.Memory/largestPerShard)
	}
	if cfg.TagField == "" {
		cfg.TagField = DefaultTagField
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = DefaultMaxWait
	}
	if cfg.MaxRefreshes == 0 {
		cfg.MaxRefreshes = DefaultMaxRefreshes
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Problems returns everything that is wrong with the configuration.
func (cfg Config) Problems() []*Problem {
	var all []*Problem
	add := func(setting, format string, args ...any) {
		all = append(all, &Problem{Setting: setting, Message: fmt.Sprintf(format, args...)})
	}
	cfg = cfg.withDefaults()
	if cfg.Memory < LeastMemory || cfg.Memory > MostMemory {
		add("memory", "is %d bytes; it must be %d to %d", cfg.Memory, LeastMemory, MostMemory)
	} else if cfg.Largest < LeastLargest || cfg.Largest > cfg.Memory/largestPerShard {
		add("largest_entry", "is %d bytes; it must be %d to a quarter of memory, %d", cfg.Largest, LeastLargest, cfg.Memory/largestPerShard)
	}
	if !wire.ValidName(cfg.TagField) || wire.Reserved(cfg.TagField) {
		add("tag_field", "is %.64q, which is no name of metadata in lower case", cfg.TagField)
	}
	if cfg.MaxWait < 0 || cfg.MaxWait > MostWait {
		add("max_wait", "is %s; it must be at most %s", cfg.MaxWait, MostWait)
	}
	if cfg.MaxRefreshes < 0 {
		add("max_refreshes", "is %d; it must not be negative", cfg.MaxRefreshes)
	}
	return all
}

// Cache keeps answers. It is safe for concurrent use.
type Cache struct {
	config     Config
	memory     *memory
	refreshing chan struct{} // has an element for each answer that is fetched while a stale one is used
	counters   counters
}

// New returns the cache of a configuration. The error joins all problems.
func New(cfg Config) (*Cache, error) {
	var errs []error
	for _, p := range cfg.Problems() {
		errs = append(errs, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Cache{config: cfg, memory: newMemory(cfg.Memory, cfg.Largest), refreshing: make(chan struct{}, cfg.MaxRefreshes)}, nil
}
