// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of authorisation.
const (
	allowCode      = "DG1306" // an expression that does not fit a method
	unusedRuleCode = "DG2006" // a rule that is for no method
)

// openAuthorization makes the rules, which outlive snapshots with the counts of what they refused.
func (a *Assembly) openAuthorization() error {
	from := &a.config.Authorization
	cfg := authz.Config{Deny: from.Deny, DryRun: from.DryRun, Log: a.parts.Log}
	var errs []error
	for i := range from.Rules {
		rule, err := from.Rules[i].Rule()
		if err != nil {
			errs = append(errs, fmt.Errorf("authorization.rules[%d].allow: %w", i, err))
		}
		cfg.Rules = append(cfg.Rules, rule)
	}
	if err := errors.Join(errs...); err != nil {
		return &schema.LoadError{Diagnostics: each(err)}
	}
	var err error
	if a.authz, err = authz.New(cfg); err != nil {
		return &schema.LoadError{Diagnostics: each(fmt.Errorf("authorization: %w", err))}
	}
	return nil
}

// Authorization tells how the rules of authorisation fare, in their order. It is safe for concurrent use.
func (a *Assembly) Authorization() []authz.State { return a.authz.States() }

// badAllow is the diagnostic of an expression that does not fit a method, with its place in the configuration.
func (a *Assembly) badAllow(e *authz.FieldError) schema.Diagnostic {
	if own := a.declared.rules[e.Name]; e.Rule < 0 && own != nil {
		err := fmt.Errorf("authorization does not fit %s, whose request is %s: %w", e.Method, e.Request, e.Err)
		return (&optionError{of: own, path: "authorization.allow", err: err}).diagnostic()
	}
	path := fmt.Sprintf("authorization.rules[%d].allow", e.Rule)
	d := schema.Diagnostic{
		Level: schema.Error, Code: allowCode, Message: fmt.Sprintf("%s does not fit %s, whose request is %s: %s", path, e.Method, e.Request, e.Err),
		Help: []string{"let match name the methods that it fits"},
	}
	if e.Err.Hint != "" {
		d.Help = append([]string{e.Err.Hint}, d.Help...)
	}
	if span := configSpan(a.config, path, ""); span.Line > 0 {
		d.Spans = append(d.Spans, span)
	}
	return d
}

// unusedRules tells which rules of authorisation are for no method: what they should guard is open.
func (a *Assembly) unusedRules(mux *transcoder.Mux) []schema.Diagnostic {
	var all []schema.Diagnostic
	for _, i := range a.authz.Unused(mux.Methods()) {
		rule := &a.config.Authorization.Rules[i]
		d := schema.Diagnostic{
			Level: schema.Warning, Code: unusedRuleCode,
			Message: fmt.Sprintf("no method that can be called is one of %s: the rule %s of authorization is for none", rule.Match, rule.Name),
		}
		if span := configSpan(a.config, fmt.Sprintf("authorization.rules[%d].match", i), rule.Match.String()); span.Line > 0 {
			d.Spans = append(d.Spans, span)
		}
		all = append(all, d)
	}
	return all
}
