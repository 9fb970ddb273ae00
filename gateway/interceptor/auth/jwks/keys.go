// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults and bounds of Config (spec/security.md section 3).
const (
	DefaultRefresh  = 5 * time.Minute
	DefaultMaxStale = 24 * time.Hour
	// MissInterval is the least time between two fetches that one client causes by keys that are not known, and between two that all strangers together
	// do: clients of which no good token was seen (threat C6).
	MissInterval = 10 * time.Second
	// Spacing is the least time between two fetches that anybody causes. It is what clients with a good token of before wait at most for a new key,
	// while others make up keys from as many addresses as they like: of the second that fault 27 gives, half is for the fetch.
	Spacing = 500 * time.Millisecond
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
	get     func(context.Context) ([]byte, error)
	current atomic.Pointer[state]
	failing atomic.Bool
	fault   atomic.Pointer[error] // why the set could not be read last; nil when it could
	loaded  string                // the state of the file that was read first

	asked chan struct{} // has an element when a fetch has been asked for

	mu       sync.Mutex
	pending  *fetch    // what is asked for and has not begun; nil for nothing. Guarded by mu
	underWay *fetch    // what has begun; nil for nothing. Guarded by mu
	askers   askers    // who has asked lately; guarded by mu
	known    known     // whose tokens were good; guarded by mu
	stranger time.Time // when one that is not known made it fetch last; guarded by mu
	running  bool      // Run has begun and not ended; guarded by mu
}

// fetch is one fetch of the set. One that has begun may bring a set from before a key was put in.
type fetch struct{ done chan struct{} }

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
		k.get = f.fetch
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

// Missing asks for a fetch, because a client's token names a key that is not known or none are, and tells whether it may help to wait for it: not
// where the client has asked in vain lately, where a set is not to be had yet, or where the last fetch failed, which would hold up calls for nothing
// (fault 26).
//
// A made-up name of a key looks like that of a new one, so whoever makes them up must not use up what new keys need, nor make the gateway a nuisance
// to the issuer. Each client whose tokens were good has its own turn, and between the turns of all there is half a second. Strangers have one turn
// together; who comes between takes part in what is fetched anyway.
func (k *Keys) Missing(client netip.Addr) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.running || k.config.File != "" || k.failing.Load() {
		return false
	}
	now := time.Now()
	if last := k.askers.of(client, now); last != nil {
		return last == k.pending || last == k.underWay
	}
	f := k.pending
	switch {
	case f != nil:
	case k.underWay != nil && k.current.Load() == nil: // whatever it brings is more than there is
		f = k.underWay
	case k.known.has(client):
		f = k.askLocked()
	case now.Sub(k.stranger) >= MissInterval:
		k.stranger = now
		f = k.askLocked()
	case k.underWay != nil:
		f = k.underWay
	default:
		return false
	}
	k.askers.note(client, f, now)
	return true
}

// Verified is told of a client whose token was good. It is called once for each token and not for each call.
func (k *Keys) Verified(client netip.Addr) {
	if k.config.File != "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.note(client)
}

func (k *Keys) askLocked() *fetch {
	k.pending = &fetch{done: make(chan struct{})}
	select {
	case k.asked <- struct{}{}:
	default: // Run has not taken the last one yet
	}
	return k.pending
}

// Wait waits for the fetch that a client has asked for, for MaxWait at most.
func (k *Keys) Wait(ctx context.Context, client netip.Addr) {
	k.mu.Lock()
	f := k.askers.of(client, time.Now())
	k.mu.Unlock()
	if f == nil {
		return
	}
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	select {
	case <-f.done:
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
	k.mu.Unlock()
	defer k.stopped()
	due, begun := time.Now(), time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.asked:
			if soon := begun.Add(Spacing); soon.Before(due) {
				due = soon
				timer.Reset(time.Until(due))
			}
			continue
		case <-timer.C:
		}
		begun = time.Now()
		k.begin()
		next := k.config.Refresh
		if err := k.load(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			k.fault.Store(&err)
			next = min(retry, next)
			if !k.failing.Swap(true) { // once, and not every two seconds
				k.config.Log.Warn("keys for tokens could not be fetched; it is tried again and again", slog.String("from", k.from()), slog.Any("error", err))
			}
		} else {
			k.failing.Store(false)
			k.fault.Store(nil)
		}
		k.done()
		due = time.Now().Add(next)
		timer.Reset(next)
	}
}

func (k *Keys) from() string { return k.config.URL + k.config.Issuer + k.config.File }

// begin is called before a fetch, whoever asked for it.
func (k *Keys) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.underWay = k.pending; k.underWay == nil {
		k.underWay = &fetch{done: make(chan struct{})}
	}
	k.pending = nil
}

// done lets those go on that wait.
func (k *Keys) done() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.underWay != nil {
		close(k.underWay.done)
		k.underWay = nil
	}
}

func (k *Keys) stopped() {
	k.done()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running = false; k.pending != nil {
		close(k.pending.done)
		k.pending = nil
	}
}

// load fetches the set.
func (k *Keys) load(ctx context.Context) error {
	data, err := k.get(ctx)
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
