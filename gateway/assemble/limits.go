// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/circuit"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/redis"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/rls"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/websockets"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of limits.
const (
	limitKeyCode    = "DG1305" // a key that does not fit a method
	unusedLimitCode = "DG2005" // a rule that is for no method
)

// limitRules are the limits.
func limitRules() *matched {
	return &matched{setting: "rate_limits.rules", field: "key", called: "the limit %s", unused: unusedLimitCode}
}

// openLimits makes the limiter, which outlives snapshots, and assemblies with the same rules: a reload forgets nothing of what was counted.
func (a *Assembly) openLimits() error {
	limits := &a.config.RateLimits
	// WebSockets outlive every reload, whatever it changes, and what is said of them is counted with them.
	open, err := keep(a, "websockets", nil, nil, func() (*websockets.Open, error) { return websockets.NewOpen(), nil })
	if err != nil {
		return err
	}
	if a.webSockets, err = websockets.New(limits.MaxWebSockets, open); err != nil {
		return &schema.LoadError{Diagnostics: each(fmt.Errorf("rate_limits: %w", err))}
	}
	var on []any
	if limits.RLS != nil {
		on = append(on, a.channel(limits.RLS.Backend))
	}
	l, err := keep(a, "limits", *limits, on, a.newLimiter)
	if err != nil {
		return err
	}
	a.limits, a.limitStore = l.Limiter, l.store
	return nil
}

// keptLimiter is a limiter with its store.
type keptLimiter struct {
	*ratelimit.Limiter

	store limitStore // nil where limits are not shared
}

// Run does what the store has to do beside calls.
func (l *keptLimiter) Run(ctx context.Context) {
	if l.store != nil {
		l.store.Run(ctx)
	}
}

// newLimiter makes the limiter of the rules.
func (a *Assembly) newLimiter() (*keptLimiter, error) {
	limits := &a.config.RateLimits
	cfg := ratelimit.Config{MaxKeys: limits.MaxKeys, Announce: limits.Announce, Gateways: limits.Gateways}
	var errs []error
	store, err := a.openStore()
	switch {
	case err != nil:
		errs = append(errs, err)
	case store != nil:
		cfg.Store = store
	}
	if cfg.Rules, err = compileRules(limitRules(), limits.Rules, (*config.LimitRule).Rule); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &schema.LoadError{Diagnostics: each(err)}
	}
	l, err := ratelimit.New(cfg)
	if err != nil {
		return nil, &schema.LoadError{Diagnostics: each(fmt.Errorf("rate_limits: %w", err))}
	}
	return &keptLimiter{Limiter: l, store: store}, nil
}

// limitStore is a store with work to do beside calls.
type limitStore interface {
	ratelimit.Store
	runner
	// State tells how it fares.
	State() circuit.State
}

// openStore is the table of the kinds of stores; nil where limits are not shared.
func (a *Assembly) openStore() (limitStore, error) {
	limits := &a.config.RateLimits
	switch {
	case limits.Redis != nil:
		own := *limits.Redis
		own.Log = a.parts.Log
		s, err := redis.New(own)
		if err != nil {
			return nil, fmt.Errorf("rate_limits.store.redis: %w", err)
		}
		return s, nil
	case limits.RLS != nil:
		own := *limits.RLS
		own.Log = a.parts.Log
		if b := a.backends[own.Backend]; b != nil { // there is none where a configuration is only looked at
			own.Conn = b.Channel()
		}
		s, err := rls.New(own)
		if err != nil {
			return nil, fmt.Errorf("rate_limits.store.rls: %w", err)
		}
		return s, nil
	default:
		return nil, nil //nolint:nilnil // limits are not shared
	}
}

// limitPolicies are the admitters of the limits, nil where there is nothing to ask.
type limitPolicies struct{ before, after *ratelimit.Policy }

// newLimits makes the admitters for the methods of a Mux.
func (a *Assembly) newLimits(mux *transcoder.Mux, declared *options) (limitPolicies, error) {
	before, err := a.limits.Policy(mux.Methods(), ratelimit.BeforeAuth, declared.limits)
	if err != nil {
		return limitPolicies{}, err
	}
	after, err := a.limits.Policy(mux.Methods(), ratelimit.AfterAuth, declared.limits)
	return limitPolicies{before: before, after: after}, err
}

// badLimit is the diagnostic of a key that does not fit a method, with its place in the configuration.
func (a *Assembly) badLimit(e *ratelimit.FieldError) schema.Diagnostic {
	if own := a.declared.rules[e.Name]; e.Rule < 0 && own != nil {
		return (&optionError{of: own, path: "limits.key", err: fmt.Errorf("limits do not fit %s: %s", e.Method, e.Message)}).diagnostic()
	}
	path := fmt.Sprintf("rate_limits.rules[%d].key", e.Rule)
	d := schema.Diagnostic{
		Level: schema.Error, Code: limitKeyCode, Message: fmt.Sprintf("%s does not fit %s: %s", path, e.Method, e.Message),
		Help: []string{"let match name the methods that have the field"},
	}
	if span := configSpan(a.config, path, ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}

// unreachable tells of rules whose keys no call has, in the configuration and in schemas: those that are about who calls, for methods of which none
// asks. All their calls would be counted together.
func (a *Assembly) unreachable(mux *transcoder.Mux, policies *policies) error {
	if a.parts.Partial || len(mux.Passed()) > 0 { // what else there is is not known
		return nil
	}
	var all []schema.Diagnostic
	for i := range a.config.RateLimits.Rules {
		r := &a.config.RateLimits.Rules[i]
		rule, err := r.Rule()
		if err != nil || !policies.neverAsk(mux, rule, func(m *transcoder.Method) bool { return r.Match.Match(m.Service, m.Name) }) {
			continue
		}
		path := fmt.Sprintf("rate_limits.rules[%d].key", i)
		d := unreachableLimit(limitKeyCode, path, rule)
		if span := configSpan(a.config, path, ""); span.Line > 0 {
			d.Spans = append(d.Spans, span)
		}
		all = append(all, d)
	}
	told := map[*declared]bool{}
	for _, m := range mux.Methods() {
		service, method := policies.declared.of(m)
		for _, own := range []*declared{service, method} {
			if own == nil || told[own] {
				continue
			}
			told[own] = true
			for i, rule := range own.limits {
				if policies.neverAsk(mux, rule, func(m *transcoder.Method) bool { s, o := policies.declared.of(m); return s == own || o == own }) {
					path := fmt.Sprintf("limits[%d].key", i)
					all = append(all, own.at(unreachableLimit(optionCode, fmt.Sprintf("the option of %s: %s", own.of.FullName(), path), rule), path))
				}
			}
		}
	}
	if len(all) > 0 {
		return &schema.LoadError{Diagnostics: sorted(all)}
	}
	return nil
}

// neverAsk tells whether a rule counts by who calls, and is for methods of which none asks.
func (p *policies) neverAsk(mux *transcoder.Mux, rule ratelimit.Rule, isFor func(*transcoder.Method) bool) bool {
	if rule.Key.OfCallersAlone() == "" {
		return false
	}
	used := false
	for _, m := range mux.Methods() {
		if !isFor(m) {
			continue
		}
		if slices.ContainsFunc(p.of(m).Auth, func(alternative string) bool { return alternative != config.Everybody }) {
			return false
		}
		used = true
	}
	return used
}

func unreachableLimit(code, what string, rule ratelimit.Rule) schema.Diagnostic {
	return schema.Diagnostic{
		Level: schema.Error, Code: code,
		Message: fmt.Sprintf("%s has %s, which no call has: auth of none of the methods that it is for asks who calls", what, rule.Key.OfCallersAlone()),
		Help:    []string{"count by client.address, or let auth of the methods name providers"},
	}
}

// unusedLimits tells which rules are for no method.
func (a *Assembly) unusedLimits(mux *transcoder.Mux) []schema.Diagnostic {
	return a.unused(limitRules(), a.limits.Unused(mux.Methods()), func(i int) (config.MethodGlob, string) {
		r := &a.config.RateLimits.Rules[i]
		return r.Match, r.Name
	})
}
