// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package split provides the choice among several backends for one call: by host, header or expression, else by weight.
package split

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Backend forwards calls. It is safe for concurrent use.
type Backend interface {
	// Forward moves a call's messages until the backend has answered, and returns the outcome.
	Forward(c *transcoder.Call, s transcoder.Stream) error
}

// Split sends each call to one of several backends. It is a Backend itself, looks at the head of a call alone, and is safe for
// concurrent use.
type Split struct {
	conditions []condition
	shares     shares
	key        Key
	backend    Backend // where calls go that nothing above takes; nil refuses them
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
