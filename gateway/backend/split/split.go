// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package split provides the choice among several backends for one call: by host, header or expression, else by weight.
package split

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Backend forwards calls. It is safe for concurrent use.
type Backend interface {
	// Forward moves a call's messages until the backend has answered, and returns the outcome.
	Forward(c *transcoder.Call, s transcoder.Stream) error
	// Ready tells whether a call would find an endpoint that takes it.
	Ready() bool
	// Changes returns channels of which one is closed when Ready may have changed.
	Changes() []<-chan struct{}
}

// Split sends each call to one of several backends. It is a Backend itself, looks at the head of a call alone, and is safe for
// concurrent use.
type Split struct {
	conditions []condition
	shares     shares
	key        Key
	backend    Backend // where calls go that nothing above takes; nil refuses them
	all        []Backend
}

// New returns the Split of a configuration over backends by their names. The error joins all that is wrong. log is told, now and
// then, of expressions that cannot be evaluated.
func New(cfg Config, backends map[string]Backend, log *slog.Logger) (*Split, error) {
	var errs []error
	for _, p := range cfg.Check() {
		errs = append(errs, p)
	}
	named := func(name string) Backend {
		b := backends[name]
		if b == nil {
			errs = append(errs, fmt.Errorf("backend %q is not there", name))
		}
		return b
	}
	s := &Split{key: cfg.Key}
	for _, name := range slices.Sorted(maps.Keys(backends)) {
		s.all = append(s.all, backends[name])
	}
	for i := range cfg.Rules {
		r := &cfg.Rules[i]
		if r.Weight != nil {
			s.shares.add(share{to: named(r.Backend), label: r.Label, weight: uint64(*r.Weight), seed: hashOf(r.Backend)})
			continue
		}
		c, err := newCondition(r, log)
		if err != nil {
			continue // Check has told of it
		}
		c.to = named(r.Backend)
		s.conditions = append(s.conditions, c)
	}
	if cfg.Backend != "" {
		s.backend = named(cfg.Backend)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Forward sends a call to its backend. The call's Split says which rule chose it.
func (s *Split) Forward(c *transcoder.Call, stream transcoder.Stream) error {
	to := s.choose(c)
	if to == nil {
		// What a method answers that is not there.
		return &status.Error{Code: codes.Unimplemented, Reason: status.ReasonNoRoute, HTTP: http.StatusNotFound, Message: "unknown method"}
	}
	return to.Forward(c, stream)
}

// Ready tells whether one of the backends takes calls: that a canary is down does not make a service unready.
func (s *Split) Ready() bool { return slices.ContainsFunc(s.all, Backend.Ready) }

// Changes returns what is closed when Ready may have changed.
func (s *Split) Changes() []<-chan struct{} {
	var all []<-chan struct{}
	for _, b := range s.all {
		all = append(all, b.Changes()...)
	}
	return all
}

// choose returns the backend of a call; nil where no rule takes it.
func (s *Split) choose(c *transcoder.Call) Backend {
	for i := range s.conditions {
		if rule := &s.conditions[i]; rule.holds(c) {
			c.Split = rule.label
			return rule.to
		}
	}
	if chosen := s.shares.choose(c, &s.key); chosen != nil {
		c.Split = chosen.label
		return chosen.to
	}
	return s.backend
}
