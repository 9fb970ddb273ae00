// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"errors"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// deny is the word for a default that refuses.
const deny = "deny"

// authorization compiles the rules of authorisation. It comes after auth, whose providers expressions may need.
func (k *compiler) authorization(m *configv1.Authorization) {
	const path = "authorization"
	k.cfg.Authorization = Authorization{Deny: m.GetDefault() == deny, DryRun: m.GetDryRun()}
	names := map[string]string{}
	for i, from := range m.GetRules() {
		at := item(path+".rules", i)
		unique(k.collector, names, from.GetName(), at+".name", "give one of them another name")
		r := AuthorizationRule{
			Name: cmp.Or(from.GetName(), item("rules", i)), Match: AllMethods(), Allow: from.GetAllow(), Message: from.GetMessage(), DryRun: from.GetDryRun(),
		}
		if from.GetMatch() != "" {
			r.Match = k.methods(from.GetMatch(), at+".match")
		}
		if r.Allow != "" && !k.isRefused(at+".allow") {
			rule, err := r.Rule()
			k.expression(rule.Allow, err, at+".allow")
		}
		k.cfg.Authorization.Rules = append(k.cfg.Authorization.Rules, r)
	}
	if k.cfg.Authorization.Deny && len(m.GetRules()) == 0 && !k.uncertain[path] && !k.isRefused(path) {
		k.warn(path+".default", "add rules for what is permitted", "every call is refused: no rule permits any")
	}
}

// expression says what is wrong with an expression, as far as that can be told without a schema.
func (k *compiler) expression(e *expression.Expression, err error, path string) {
	if err != nil {
		wrong, hint := err, ""
		if own, ok := errors.AsType[*expression.Error](err); ok && k.place(path).raw == "" {
			hint = own.Hint
		}
		k.on(path, hint, "%s", k.detail(path, wrong))
		return
	}
	if e.ReadsIdentity() && len(k.cfg.Auth.Providers) == 0 && !k.uncertain["auth"] && !k.refused["auth"] {
		k.warn(path, "add auth.providers, and auth to the policies of the methods", "nobody is ever known to call, which this asks for: auth has no providers")
	}
}
