// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package authz provides authorisation: rules in CEL that say which calls are permitted, by who calls, from where, and what the request says.
//
// An [Authorizer] holds the rules and what they have refused, and outlives snapshots; a [Policy] is its admitter for the methods of one.
// All rules that are for a method must permit a call. What cannot be told is refused.
package authz

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of rules.
const (
	// MaxRules is how many rules there may be: all that match a method are asked for each of its calls.
	MaxRules = 256
	// MaxMessage is the length of the longest message of a rule, in bytes.
	MaxMessage = 1024
)

// What clients are told where a rule has no message of its own, and where no rule is for a method and that refuses the call.
const (
	defaultMessage = "the call is not permitted"
	defaultRule    = "default"
)

// Rule permits some calls of some methods.
type Rule struct {
	// Name is what logs call it, and the ErrorInfo of answers.
	Name string
	// Match tells which methods it is for.
	Match func(service, method string) bool
	// Allow is true of the calls that it permits.
	Allow *expression.Expression
	// Message is what clients are told whose call it refuses; "" says just that.
	Message string
	// DryRun counts and logs what the rule would refuse, and refuses nothing.
	DryRun bool
}

// Check tells what is wrong with a rule.
func (r *Rule) Check() error {
	switch {
	case r.Match == nil:
		return errors.New("it is for no methods")
	case r.Allow == nil:
		return errors.New("it has no expression")
	}
	if err := r.CheckText(); err != nil {
		return fmt.Errorf("its message %w", err)
	}
	return nil
}

// CheckText tells what is wrong with what clients are told.
func (r *Rule) CheckText() error {
	switch {
	case len(r.Message) > MaxMessage:
		return fmt.Errorf("has %d bytes; it may have %d", len(r.Message), MaxMessage)
	case !utf8.ValidString(r.Message):
		return errors.New("is not UTF-8")
	}
	return nil
}

// Config is what an Authorizer is made of.
type Config struct {
	// Rules are asked in this order; of those that refuse a call the client is told of the first.
	Rules []Rule
	// Deny refuses the calls of methods that no rule is for.
	Deny bool
	// DryRun makes a trial of all of it.
	DryRun bool
	// Log is told, now and then, of calls that would be refused by what is on trial, and of expressions that cannot be evaluated.
	Log *slog.Logger
}

// Authorizer holds rules and what they have refused. It is safe for concurrent use.
type Authorizer struct {
	rules []*rule
	deny  *rule // what refuses the calls of methods that no rule is for; nil where nothing does
	log   *slog.Logger

	dryRun bool

	mu       sync.Mutex
	declared map[string]*rule // by name, those of the schemas in force; guarded by mu
}

// InForce is called when a snapshot is put in force, with its policy; nil where it has none. States tells of the rules of its schemas from then on.
func (a *Authorizer) InForce(p *Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.declared = nil
	if p != nil {
		a.declared = p.declared
	}
}

// find returns a rule of the schemas in force; nil where there is none.
func (a *Authorizer) find(name string) *rule {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.declared[name]
}

// New returns the Authorizer of a configuration. The error joins all that is wrong.
func New(cfg Config) (*Authorizer, error) {
	a := &Authorizer{log: cfg.Log, dryRun: cfg.DryRun}
	var errs []error
	if len(cfg.Rules) > MaxRules {
		errs = append(errs, fmt.Errorf("there are %d rules; there may be %d", len(cfg.Rules), MaxRules))
	}
	for i := range cfg.Rules {
		r := cfg.Rules[i]
		if err := r.Check(); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", r.Name, err))
		}
		r.DryRun = r.DryRun || cfg.DryRun
		a.rules = append(a.rules, newRule(r, i))
	}
	if cfg.Deny {
		a.deny = newRule(Rule{Name: defaultRule, DryRun: cfg.DryRun}, -1)
	}
	return a, errors.Join(errs...)
}

// State is what a rule has done since the gateway began.
type State struct {
	// Rule is its name; "default" is for methods that no rule is for.
	Rule string
	// DryRun tells that it refuses nothing.
	DryRun bool
	// Refused is how many calls it has refused, or would have; Unknown is how many of these for want of an answer.
	Refused, Unknown int64
}

// States tells how the rules fare, in their order, those of schemas behind them by name. It is safe for concurrent use.
func (a *Authorizer) States() []State {
	all := make([]State, 0, len(a.rules)+1)
	for _, r := range a.rules {
		all = append(all, r.state())
	}
	a.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(a.declared)) {
		all = append(all, a.declared[name].state())
	}
	a.mu.Unlock()
	if a.deny != nil {
		all = append(all, a.deny.state())
	}
	return all
}

// Unused returns the indexes of the rules that match none of some methods.
func (a *Authorizer) Unused(methods []*transcoder.Method) []int {
	var unused []int
	for i, r := range a.rules {
		used := false
		for _, m := range methods {
			used = used || r.Match(m.Service, m.Name)
		}
		if !used {
			unused = append(unused, i)
		}
	}
	return unused
}

// refusal is the answer to calls that a rule refuses.
func (r *Rule) refusal() *status.Error {
	message := r.Message
	if message == "" {
		message = defaultMessage
	}
	return &status.Error{
		Code: codes.PermissionDenied, Reason: status.ReasonPermissionDenied, Message: message, Metadata: map[string]string{"rule": r.Name},
	}
}

// unidentified is the answer to calls of nobody that a rule could permit to somebody.
func (r *Rule) unidentified(challenge string) *status.Error {
	return &status.Error{
		Code: codes.Unauthenticated, Reason: status.ReasonUnauthenticated, Challenge: challenge, Metadata: map[string]string{"rule": r.Name},
		Message: "who may call depends on who calls, and the call has no credentials",
	}
}
