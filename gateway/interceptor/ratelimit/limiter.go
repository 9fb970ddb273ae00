// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package ratelimit provides limits on how often and how many at a time calls may be, counted by who calls, from where, or for what.
//
// A [Limiter] holds the rules and what keys have taken, and outlives snapshots; a [Policy] is its admitter for the methods of one. Buckets
// are kept in memory, or in a [Store] that several gateways share. While a store cannot tell, each gateway counts its own share.
package ratelimit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// OnError says what happens to a call while the store that it is to be counted in cannot tell.
type OnError string

// What happens to a call while a store cannot tell.
const (
	// CountLocally admits the gateway's own share. It is the default.
	CountLocally OnError = "local"
	// Allow admits all calls.
	Allow OnError = "allow"
	// Refuse refuses them, with UNAVAILABLE.
	Refuse OnError = "refuse"
)

// Bounds and defaults of rules.
const (
	// MaxRules is how many rules there may be: all that match a method are asked for each of its calls.
	MaxRules = 256
	// DefaultGateways is how many gateways are taken to share a store.
	DefaultGateways = 2
)

// Rule limits some methods.
type Rule struct {
	// Name is what answers and logs call it; unique.
	Name string
	// Match tells which methods it is for.
	Match func(service, method string) bool
	// Key says what has a bucket of its own.
	Key Key
	// Rate is how often; the zero value is no limit.
	Rate Rate
	// Burst is how many at once, if nothing was taken before; 0 means Rate.Count.
	Burst uint32
	// MaxInFlight is how many calls of a key may be under way in this gateway; 0 for no limit.
	MaxInFlight uint32
	// Messages counts the messages of requests instead of calls.
	Messages bool
	// Weights are how much a call, or a message, of some methods counts; those that none is for count 1. The first that matches is taken.
	Weights []Weight
	// Shared keeps the buckets in the store.
	Shared bool
	// Lease is how many tokens are taken from the store at a time; 0 asks it for every call.
	Lease uint32
	// OnError is for calls that the store cannot tell of; "" means CountLocally.
	OnError OnError
}

// Weight is how much a call of some methods counts.
type Weight struct {
	Match  func(service, method string) bool
	Weight uint32
}

// Config is what a Limiter is made of.
type Config struct {
	// Rules are asked in this order.
	Rules []Rule
	// MaxKeys is how many keys are remembered; 0 means DefaultMaxKeys.
	MaxKeys int
	// Announce tells clients in every answer what is left, and not in refusals alone.
	Announce bool
	// Store keeps the buckets of shared rules; nil where there are none.
	Store Store
	// Gateways is how many share the store, for the share of each while it cannot tell; 0 means DefaultGateways.
	Gateways uint32
}

// Problem is something that is wrong with a rule.
type Problem struct {
	// Setting is the field of the configuration; "" for the rule as a whole.
	Setting string
	// Message is what is wrong with it.
	Message string
}

// Problems returns everything that is wrong with a rule by itself.
func (r *Rule) Problems() []Problem {
	var all []Problem
	add := func(setting, format string, args ...any) {
		all = append(all, Problem{Setting: setting, Message: fmt.Sprintf(format, args...)})
	}
	if r.Rate == (Rate{}) {
		if r.MaxInFlight == 0 {
			add("", "limits nothing: it has neither limit nor max_in_flight")
		}
		if r.Burst != 0 || len(r.Weights) > 0 || r.Messages || r.Shared || r.Lease != 0 {
			add("", "has settings of a limit, such as burst or weights, and no limit")
		}
	} else if err := r.Rate.Check(); err != nil {
		add("limit", "%s", err)
	} else {
		if full := time.Duration(r.burst()) * time.Duration(r.Rate.interval()); full > maxRefill {
			add("burst", "is %d, which at %s takes more than a year to come", r.burst(), r.Rate)
		}
		for i, w := range r.Weights {
			if w.Weight > r.burst() {
				add(fmt.Sprintf("weights[%d].weight", i), "is %d, more than the burst, %d: no such call could ever pass", w.Weight, r.burst())
			}
		}
		if r.Lease > r.burst() {
			add("lease", "is %d, more than the burst, %d, so that it could never be taken", r.Lease, r.burst())
		}
	}
	if r.Lease != 0 && !r.Shared {
		add("lease", "is set, and the rule is not shared")
	}
	if r.MaxInFlight != 0 && r.Key.NeedsMessage() {
		add("max_in_flight", "is decided before the request is read, and key names a field of the request")
	}
	if r.MaxInFlight != 0 && r.Messages {
		add("max_in_flight", "is about calls, and messages are counted; write two rules")
	}
	return all
}

// maxRefill is how long a bucket may take to be full.
const maxRefill = 365 * 24 * time.Hour

// burst is how many at once.
func (r *Rule) burst() uint32 {
	if r.Burst == 0 {
		return r.Rate.Count
	}
	return r.Burst
}

// rule is a Rule as calls want it.
type rule struct {
	Rule

	id     []byte // what its keys begin with
	index  int    // in the configuration; -1 for one of a schema
	bucket bucket // the limit
	share  bucket // of this gateway, of what is shared
	texts  texts

	figures *figures
}

// Limiter holds rules and what keys have taken. It is safe for concurrent use.
type Limiter struct {
	rules    []*rule
	table    *Table
	store    Store
	announce bool
	gateways uint32

	mu       sync.Mutex
	declared map[string]*rule // those of schemas as they were made last, by name; guarded by mu
}

// New returns the limiter of a configuration. The error joins all problems.
func New(cfg Config) (*Limiter, error) {
	l := &Limiter{store: cfg.Store, announce: cfg.Announce}
	keys := cfg.MaxKeys
	if keys == 0 {
		keys = DefaultMaxKeys
	}
	if l.gateways = cfg.Gateways; l.gateways == 0 {
		l.gateways = DefaultGateways
	}
	l.table = NewTable(keys)
	var errs []error
	if len(cfg.Rules) > MaxRules {
		errs = append(errs, fmt.Errorf("there are %d rules; there may be %d", len(cfg.Rules), MaxRules))
	}
	names := map[string]bool{}
	for i := range cfg.Rules {
		r, err := l.newRule(cfg.Rules[i], []byte{byte(i)}, i)
		errs = append(errs, err)
		if r == nil {
			continue
		}
		if names[r.Name] {
			errs = append(errs, fmt.Errorf("rule %q is there twice", r.Name))
		}
		names[r.Name] = true
		l.rules = append(l.rules, r)
	}
	return l, errors.Join(errs...)
}

// newRule makes a rule; nil where something is wrong with it by itself.
func (l *Limiter) newRule(of Rule, id []byte, index int) (*rule, error) {
	r := &rule{Rule: of, id: id, index: index, figures: &figures{}}
	var errs []error
	problems := r.Problems()
	for _, p := range problems {
		errs = append(errs, fmt.Errorf("rule %q: %s %s", r.Name, p.Setting, p.Message))
	}
	if len(problems) > 0 {
		return nil, errors.Join(errs...)
	}
	if r.Shared && l.store == nil {
		errs = append(errs, fmt.Errorf("rule %q is shared; there is no store", r.Name))
	}
	if r.Rate != (Rate{}) {
		r.bucket = newBucket(r.Rate, r.burst())
		r.share = r.bucket
		if r.Shared {
			r.share = bucket{interval: r.bucket.interval * int64(l.gateways), capacity: max(r.bucket.capacity, r.bucket.interval*int64(l.gateways)*r.dearest())}
		}
	}
	r.texts = newTexts(r)
	return r, errors.Join(errs...)
}

// declare makes the rule of a schema. Its keys are its own by its name, so that a schema that is loaded again forgets nothing.
func (l *Limiter) declare(of Rule) (*rule, error) {
	sum := sha256.Sum256([]byte(of.Name))
	r, err := l.newRule(of, append([]byte{declaredID, declaredID - 1}, sum[:declaredBytes]...), -1)
	if r == nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before := l.declared[of.Name]; before != nil {
		r.figures = before.figures
	}
	if l.declared == nil {
		l.declared = map[string]*rule{}
	}
	l.declared[of.Name] = r
	return r, err
}

// Keys of rules of schemas begin with two bytes with which no others do: the second would be the number of an alternative, or the mark
// of a hash. Behind them comes a hash of the name.
const (
	declaredID    = 0xff
	declaredBytes = 16
)

// dearest is the most that one call counts: the share of a gateway must have room for it.
func (r *Rule) dearest() int64 {
	most := uint32(1)
	for _, w := range r.Weights {
		most = max(most, w.Weight)
	}
	return int64(most)
}

// weight is how much a call of a method counts.
func (r *Rule) weight(m *transcoder.Method) int64 {
	for _, w := range r.Weights {
		if w.Match(m.Service, m.Name) {
			return int64(w.Weight)
		}
	}
	return 1
}
