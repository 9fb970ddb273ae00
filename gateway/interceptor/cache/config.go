// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Bounds of a PolicyConfig.
const (
	// MaxTTL is how long an answer is fresh at most, whatever a policy or a backend says.
	MaxTTL = 24 * time.Hour
	// MaxStale is how long it is used at most after that.
	MaxStale = 24 * time.Hour
	// MaxVary is how many parts a key may have beside the request.
	MaxVary = 16
	// MaxMetadata is how many names of metadata may be stored with an answer.
	MaxMetadata = 32
)

// PolicyConfig says which answers of a method are stored, and for whom. What is not said is not stored.
type PolicyConfig struct {
	// TTL is how long an answer is fresh of which the backend does not say how long it is; 0 stores only those of which it does.
	TTL time.Duration
	// StaleWhileRevalidate is how long an answer is used, after it was fresh, while a new one is fetched. What the backend says counts.
	StaleWhileRevalidate time.Duration
	// StaleIfError is how long it is used when no new one can be had. What the backend says counts.
	StaleIfError time.Duration
	// Vary are the parts of a call, beside its message, of which each value has answers of its own: see ParseVary.
	Vary []string
	// Shared says that the answers are the same for all who may call. Without it, calls by somebody in particular are not cached,
	// unless Vary has auth.subject.
	Shared bool
	// TreatAsSafe caches a method whose schema does not say NO_SIDE_EFFECTS.
	TreatAsSafe bool
	// IgnoreClient leaves Cache-Control of requests unread, so that clients cannot make the backend work.
	IgnoreClient bool
	// Metadata are the names of the backend's metadata that are stored and sent with the answer, beside those of StoredAlways.
	Metadata []string
}

// StoredAlways are the names of metadata that are stored with every answer: they are about the answer and not about the call.
func StoredAlways() []string { return slices.Clone(storedAlways) }

var storedAlways = []string{"cache-control", "content-language", "etag", "expires", "last-modified", "vary"}

// neverStored are names that are about one call, one caller or one connection.
var neverStored = []string{
	"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate",
	"authentication-info", "x-request-id", "age", "date", "cache-status", "clear-site-data", "traceparent", "tracestate", "server-timing",
}

// Problem is something that is wrong with a policy.
type Problem struct {
	// Setting is the field of the configuration, such as vary[1]; "" for the policy as a whole.
	Setting string
	// Message is what is wrong with it.
	Message string
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Setting == "" {
		return p.Message
	}
	return p.Setting + " " + p.Message
}

// Problems returns everything that is wrong with a policy by itself.
func (cfg *PolicyConfig) Problems() []*Problem {
	var all []*Problem
	add := func(setting, format string, args ...any) {
		all = append(all, &Problem{Setting: setting, Message: fmt.Sprintf(format, args...)})
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		most  time.Duration
	}{{"ttl", cfg.TTL, MaxTTL}, {"stale_while_revalidate", cfg.StaleWhileRevalidate, MaxStale}, {"stale_if_error", cfg.StaleIfError, MaxStale}} {
		if d.value < 0 || d.value > d.most {
			add(d.name, "is %s; it must be at most %s", d.value, d.most)
		}
	}
	if len(cfg.Vary) > MaxVary {
		add("vary", "has %d parts; it may have %d", len(cfg.Vary), MaxVary)
	}
	for i, text := range cfg.Vary {
		at := fmt.Sprintf("vary[%d]", i)
		if _, err := parsePart(text); err != nil {
			add(at, "%s", err)
		} else if slices.Contains(cfg.Vary[:i], text) {
			add(at, "is %s again", text)
		}
	}
	if len(cfg.Metadata) > MaxMetadata {
		add("metadata", "has %d names; it may have %d", len(cfg.Metadata), MaxMetadata)
	}
	for i, name := range cfg.Metadata {
		if err := checkStored(name); err != nil {
			add(fmt.Sprintf("metadata[%d]", i), "%s", err)
		}
	}
	return all
}

func checkStored(name string) error {
	switch {
	case !wire.ValidName(name):
		return fmt.Errorf("is %.64q, which is no name of metadata in lower case", name)
	case slices.Contains(neverStored, name):
		return fmt.Errorf("is %s, which is about one call alone and never stored", name)
	case wire.Reserved(name):
		return fmt.Errorf("is %s, which is no metadata of the backend", name)
	}
	return nil
}

// Reason is what is wrong, without the setting.
func (p *Problem) Reason() error { return errors.New(p.Message) }

// Policy is a PolicyConfig as calls want it. It is immutable.
type Policy struct {
	config PolicyConfig
	vary   []part
	who    bool // who calls is part of the key
	stored []string
}

// NewPolicy returns the policy of a configuration. The error joins all problems.
func NewPolicy(cfg PolicyConfig) (*Policy, error) {
	var errs []error
	for _, p := range cfg.Problems() {
		errs = append(errs, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Policy{config: cfg, stored: slices.Concat(storedAlways, cfg.Metadata)}
	slices.Sort(p.stored)
	for _, text := range cfg.Vary {
		v, err := parsePart(text)
		if err != nil {
			return nil, err
		}
		if v.kind == partSubject {
			p.who = true
			continue
		}
		p.vary = append(p.vary, v)
	}
	slices.SortFunc(p.vary, comparePart) // the order in which they are written is nothing
	return p, nil
}

// Personal tells whether answers can be for one caller, so that calls by somebody are cached.
func (cfg *PolicyConfig) Personal() bool { return slices.Contains(cfg.Vary, subjectText) }

// NeedsIdentity returns a part of Vary that is about who calls; "" for none.
func (cfg *PolicyConfig) NeedsIdentity() string {
	for _, text := range cfg.Vary {
		if v, err := parsePart(text); err == nil && v.kind != partHeader {
			return text
		}
	}
	return ""
}

// Fits tells why the answers of a method cannot be cached; nil for one of which they can.
func (cfg *PolicyConfig) Fits(m *transcoder.Method) error {
	switch {
	case m.Rule != "" || m.Desc == nil:
		return errors.New("no schema has it")
	case !m.Unary():
		return errors.New("it streams, and only whole answers are stored")
	case !m.NoSideEffects && !cfg.TreatAsSafe:
		return errors.New("its schema does not say idempotency_level = NO_SIDE_EFFECTS, so that a call may do something")
	}
	return nil
}
