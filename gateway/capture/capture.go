// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package capture provides what calls have said, header fields and messages, to those who look for a fault: bounded, and without what is
// secret.
//
// Nothing secret is kept: fields whose schema says debug_redact, and those that the configuration names, are taken out of messages before these are
// kept, and of header fields with credentials only the names are. What it holds is bounded by two budgets: one for calls that are under way, and one
// for those that are over, of which the oldest go first.
package capture

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Defaults and bounds of Config.
const (
	DefaultCalls = 500
	MostCalls    = 10_000
	DefaultBytes = 16 << 20
	LeastBytes   = 1 << 20
	MostBytes    = 1 << 30
	// DefaultCall is how many bytes of messages are kept of one call.
	DefaultCall = 256 << 10
	LeastCall   = 1 << 10
	MostCall    = 16 << 20
	// MostNames is how many names can be redacted beside those that always are.
	MostNames = 256
	// DefaultTime and MostTime are how long captures last that an operator begins.
	DefaultTime = 10 * time.Minute
	MostTime    = 24 * time.Hour
)

// Rule says what is captured.
type Rule struct {
	// On captures at all; without it nothing else counts.
	On bool
	// Bodies captures messages too, and not header fields alone.
	Bodies bool
	// Errors captures those calls alone that do not end with OK.
	Errors bool
	// Match tells of which methods; nil of all, and of calls of what is no method.
	Match func(service, method string) bool
	// Globs are how Match is written.
	Globs []string
}

// Config bounds what is kept, and says what is secret.
type Config struct {
	// Calls is how many calls are kept; 0 means DefaultCalls.
	Calls int
	// Bytes is how many bytes all of it may have; 0 means DefaultBytes.
	Bytes int64
	// Call is how many bytes of messages are kept of one call; 0 means DefaultCall.
	Call int64
	// Fields are names of fields whose values are not kept: of header fields, and of messages wherever they stand, or behind a dot the full name of one
	// field of a message. Those of credentials need not be named.
	Fields []string
	// Credentials are further names of header fields with credentials.
	Credentials []string
	// Rule is what is captured while no operator says otherwise.
	Rule Rule
}

// Check tells everything that is wrong with a configuration.
func (cfg *Config) Check() error {
	var errs []error
	if cfg.Calls < 0 || cfg.Calls > MostCalls {
		errs = append(errs, fmt.Errorf("capture: %d calls are to be kept; it must be 1 to %d", cfg.Calls, MostCalls))
	}
	if n := cfg.Bytes; n != 0 && (n < LeastBytes || n > MostBytes) {
		errs = append(errs, fmt.Errorf("capture: %d bytes are to be kept; it must be %d to %d", n, LeastBytes, MostBytes))
	}
	if n := cfg.Call; n != 0 && (n < LeastCall || n > MostCall || n > cfg.bytes()/2) {
		errs = append(errs, fmt.Errorf("capture: %d bytes of a call are to be kept; it must be %d to %d, and at most half of the %d of all", n, LeastCall, MostCall, cfg.bytes()))
	}
	if len(cfg.Fields) > MostNames {
		errs = append(errs, fmt.Errorf("capture: %d fields are to be redacted; it may be %d", len(cfg.Fields), MostNames))
	}
	return errors.Join(errs...)
}

func (cfg *Config) bytes() int64 {
	if cfg.Bytes == 0 {
		return DefaultBytes
	}
	return cfg.Bytes
}

// Capture captures calls. It is a gateway.Capturer and a gateway.Observer, and safe for concurrent use.
type Capture struct {
	config Config
	secret *secrets
	order  atomic.Pointer[Order] // that of an operator; nil for none
	held   atomic.Int64          // bytes of calls under way
	store  store
}

// Order is what an operator wants captured for a while.
type Order struct {
	// Rule is what is captured until Until; then that of the configuration counts again.
	Rule  Rule
	Until time.Time
	// Who gave it, and Since when it holds.
	Who   string
	Since time.Time
}

// New returns a Capture.
func New(cfg Config) (*Capture, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Calls == 0 {
		cfg.Calls = DefaultCalls
	}
	cfg.Bytes = cfg.bytes()
	if cfg.Call == 0 {
		cfg.Call = min(DefaultCall, cfg.Bytes/2)
	}
	k := &Capture{config: cfg, secret: newSecrets(cfg.Fields, cfg.Credentials)}
	k.store.calls, k.store.bytes = cfg.Calls, cfg.Bytes/2
	return k, nil
}

// Say has captured what an order says; nil puts the configuration back in force.
func (k *Capture) Say(o *Order) { k.order.Store(o) }

// rule returns what is to be captured now.
func (k *Capture) rule() *Rule {
	if o := k.ordered(); o != nil {
		return &o.Rule
	}
	return &k.config.Rule
}

// ordered is the order that holds; nil for none.
func (k *Capture) ordered() *Order {
	if o := k.order.Load(); o != nil && time.Now().Before(o.Until) {
		return o
	}
	return nil
}

// State is how a Capture stands.
type State struct {
	// Rule is what is captured now, and Order the order of an operator by which it is; nil where the configuration says it.
	Rule  Rule
	Order *Order
	// Calls is how many are kept, and Bytes how many bytes of them; MaxCalls and MaxBytes is what there may be.
	Calls, MaxCalls int
	Bytes, MaxBytes int64
	// Held is how many bytes are kept of calls under way.
	Held int64
	// LeftOut is how many messages were not kept because there was no room.
	LeftOut uint64
}

// State tells how it stands.
func (k *Capture) State() State {
	s := State{Rule: k.config.Rule, Order: k.ordered(), MaxCalls: k.config.Calls, MaxBytes: k.config.Bytes, Held: k.held.Load()}
	if s.Order != nil {
		s.Rule = s.Order.Rule // of the very order that is told: it may end meanwhile
	}
	s.Calls, s.Bytes, s.LeftOut = k.store.state()
	return s
}

// Find returns what was captured of a request; of several of one id the latest.
func (k *Capture) Find(requestID string) (*Call, bool) { return k.store.find(requestID) }

// Clear forgets all that is kept.
func (k *Capture) Clear() { k.store.clear() }
