// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults and bounds of Config (spec/security.md section 3).
const (
	DefaultRefresh  = 5 * time.Minute
	DefaultMaxStale = 24 * time.Hour
	// MissInterval is the least time between two fetches because of a key that is not known (threat C6).
	MissInterval = 10 * time.Second
	// MaxWait is how long a call waits at most for a fetch.
	MaxWait = 2 * time.Second
	// retry is how soon a fetch that failed is tried again.
	retry = 2 * time.Second
)

// Config says where keys come from: exactly one of URL, File and Issuer.
type Config struct {
	// URL is that of a key set.
	URL string
	// File is a key set on disk; it is read again when it changes.
	File string
	// Issuer is a URL below which /.well-known/openid-configuration says where the key set is.
	Issuer string
	// Refresh is how often the set is fetched; 0 means DefaultRefresh.
	Refresh time.Duration
	// MaxStale is how long keys are used that could not be fetched again; 0 means DefaultMaxStale.
	MaxStale time.Duration
	// InsecureHTTP permits URLs of http beside those of the machine itself: whoever is on the way can put in keys.
	InsecureHTTP bool
	// Log is told of fetches that failed and keys that changed; nil for nobody.
	Log *slog.Logger
}

// Keys are the keys of one issuer, as they are now. They are safe for concurrent use.
type Keys struct {
	config  Config
	fetch   func(context.Context) ([]byte, error)
	current atomic.Pointer[state]
	failing atomic.Bool
	loaded  string // the state of the file that was read first

	mu       sync.Mutex
	pending  chan struct{} // closed when the fetch that is asked for is done; nil when none is. Guarded by mu
	lastMiss time.Time     // when a missing key asked for a fetch; guarded by mu
	running  bool          // Run has begun and not ended; guarded by mu
	asked    chan struct{}
}

// state is a set and when it was fetched.
type state struct {
	set     *Set
	fetched time.Time
}

// ErrUnavailable says that no keys are there: none were ever had, or the last ones are too old.
var ErrUnavailable = errors.New("no keys are known")

// New returns the keys of a configuration. Those of a file are there at once; others begin to be fetched in Run.
func New(cfg Config) (*Keys, error) {
	if cfg.Refresh < 0 || cfg.MaxStale < 0 {
		return nil, fmt.Errorf("refresh is %s and max_stale %s; neither may be negative", cfg.Refresh, cfg.MaxStale)
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = DefaultRefresh
	}
	if cfg.MaxStale == 0 {
		cfg.MaxStale = DefaultMaxStale
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keys{config: cfg, asked: make(chan struct{}, 1)}
	switch {
	case cfg.File != "" && cfg.URL == "" && cfg.Issuer == "":
		k.loaded = k.file().State()
		if err := k.read(); err != nil {
			return nil, err
		}
	case cfg.URL != "" && cfg.File == "" && cfg.Issuer == "", cfg.Issuer != "" && cfg.File == "" && cfg.URL == "":
		f, err := newFetcher(cfg)
		if err != nil {
			return nil, err
		}
		k.fetch = f.fetch
	default:
		return nil, errors.New("exactly one of url, file and issuer says where keys are")
	}
	return k, nil
}

// Current returns the keys. The error is ErrUnavailable.
func (k *Keys) Current() (*Set, error) {
	s := k.current.Load()
	if s == nil || k.config.File == "" && time.Since(s.fetched) > k.config.MaxStale {
		return nil, ErrUnavailable
	}
	return s.set, nil
}

// Missing asks for a fetch, because a key is not known or none are, and tells whether it may help to wait for it: not where one
// is not to be had yet, or where the last one failed, which would hold up calls for nothing (fault 26).
func (k *Keys) Missing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.running || k.config.File != "":
		return false
	case k.pending != nil:
	case !k.lastMiss.IsZero() && time.Since(k.lastMiss) < MissInterval:
		return false
	default:
		k.lastMiss = time.Now()
		k.askLocked()
	}
	return !k.failing.Load()
}

func (k *Keys) askLocked() {
	k.pending = make(chan struct{})
	select {
	case k.asked <- struct{}{}:
	default: // Run has not taken the last one yet
	}
}

// Wait waits for a fetch that is under way, for MaxWait at most.
func (k *Keys) Wait(ctx context.Context) {
	k.mu.Lock()
	pending := k.pending
	k.mu.Unlock()
	if pending == nil {
		return
	}
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	select {
	case <-pending:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Run keeps the keys fresh until ctx ends.
func (k *Keys) Run(ctx context.Context) {
	if k.config.File != "" {
		k.watchFile(ctx)
		return
	}
	k.mu.Lock()
	k.running = true
	if k.pending == nil {
		k.askLocked()
	}
	k.mu.Unlock()
	defer k.stopped()
	timer := time.NewTimer(k.config.Refresh)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.asked:
		case <-timer.C:
		}
		next := k.config.Refresh
		if err := k.load(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			next = min(retry, next)
			if !k.failing.Swap(true) { // once, and not every two seconds
				k.config.Log.Warn("keys for tokens could not be fetched; it is tried again and again", slog.String("from", k.from()), slog.Any("error", err))
			}
		} else {
			k.failing.Store(false)
		}
		k.done()
		timer.Reset(next)
	}
}

func (k *Keys) from() string { return k.config.URL + k.config.Issuer + k.config.File }

// done lets those go on that wait.
func (k *Keys) done() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending != nil {
		close(k.pending)
		k.pending = nil
	}
}

func (k *Keys) stopped() {
	k.mu.Lock()
	k.running = false
	k.mu.Unlock()
	k.done()
}

// load fetches the set.
func (k *Keys) load(ctx context.Context) error {
	data, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	return k.adopt(data)
}

// read loads the file.
func (k *Keys) read() error {
	data, err := k.file().Read()
	if err != nil {
		return err
	}
	return k.adopt(data)
}

// adopt replaces the set: what is in it no more is gone, and what is in it still stays the same key, so that what was verified by it
// need not be again.
func (k *Keys) adopt(data []byte) error {
	next, err := Parse(data)
	if err != nil {
		return err
	}
	before := k.current.Load()
	if before != nil {
		known := make(map[string]*Key, len(before.set.keys))
		for _, key := range before.set.keys {
			known[key.raw] = key
		}
		for i, key := range next.keys {
			if same := known[key.raw]; same != nil {
				next.keys[i] = same
				delete(known, key.raw)
			}
		}
		k.current.Store(&state{set: next, fetched: time.Now()})
		for _, key := range known {
			key.gone.Store(true)
			k.config.Log.Info("a key for tokens is gone", slog.String("from", k.from()), slog.String("kid", key.ID))
		}
		return nil
	}
	k.current.Store(&state{set: next, fetched: time.Now()})
	return nil
}
