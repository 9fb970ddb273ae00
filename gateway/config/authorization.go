// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
)

// Authorization says which calls are permitted.
type Authorization struct {
	// Deny refuses the calls of methods that no rule is for.
	Deny bool
	// Rules are in the order of the file.
	Rules []AuthorizationRule
	// DryRun makes a trial of all of it.
	DryRun bool
}

// AuthorizationRule permits some calls of some methods.
type AuthorizationRule struct {
	// Name is what logs call it.
	Name string
	// Match names the methods.
	Match MethodGlob
	// Allow is the expression, as of expression.New.
	Allow string
	// Message is what clients are told whose call the rule refuses; "" for the default.
	Message string
	// DryRun counts and logs what the rule would refuse.
	DryRun bool
}

// Rule returns the rule as its package wants it. The error is about the expression.
func (r *AuthorizationRule) Rule() (authz.Rule, error) {
	allow, err := expression.New(r.Allow, expression.Request)
	return authz.Rule{Name: r.Name, Match: r.Match.Match, Allow: allow, Message: r.Message, DryRun: r.DryRun}, err
}
