// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of authorisation.
const (
	allowCode      = "DG1306" // an expression that does not fit a method
	unusedRuleCode = "DG2006" // a rule that is for no method
)

// permissions are the rules of authorisation.
func permissions() *matched {
	return &matched{setting: "authorization.rules", field: "allow:", called: "the rule %s of authorization", unused: unusedRuleCode}
}

// openAuthorization makes the rules, which outlive snapshots, and assemblies with the same rules: a reload forgets nothing of what was refused.
func (a *Assembly) openAuthorization() (err error) {
	a.authz, err = keep(a, "authorization", a.config.Authorization, nil, a.newAuthorizer)
	return err
}

// newAuthorizer makes the rules of the configuration.
func (a *Assembly) newAuthorizer() (*authz.Authorizer, error) {
	from := &a.config.Authorization
	rules, err := compileRules(permissions(), from.Rules, (*config.AuthorizationRule).Rule)
	if err != nil {
		return nil, &schema.LoadError{Diagnostics: each(err)}
	}
	made, err := authz.New(authz.Config{Rules: rules, Deny: from.Deny, DryRun: from.DryRun, Log: a.parts.Log})
	if err != nil {
		return nil, &schema.LoadError{Diagnostics: each(fmt.Errorf("authorization: %w", err))}
	}
	return made, nil
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
	return a.unused(permissions(), a.authz.Unused(mux.Methods()), func(i int) (config.MethodGlob, string) {
		r := &a.config.Authorization.Rules[i]
		return r.Match, r.Name
	})
}
