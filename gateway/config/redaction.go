// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/redact"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Redaction says which fields are taken out of answers, and for whom not.
type Redaction struct {
	// DebugRedact takes out the fields whose option debug_redact is true.
	DebugRedact bool
	// Fields are more of them: paths, or full names behind a dot.
	Fields []string
	// Unless is the expression, as of expression.New, under which nothing is taken out; "" is never.
	Unless string
}

// Config returns the configuration as its package wants it. The error is about the expression.
func (r *Redaction) Config() (*redact.Config, error) {
	cfg := &redact.Config{Marked: r.DebugRedact, Fields: r.Fields}
	if r.Unless == "" {
		return cfg, nil
	}
	var err error
	cfg.Unless, err = expression.New(r.Unless, expression.Head)
	return cfg, err
}

// redaction compiles what is taken out of answers; nil where nothing is said.
func (k *compiler) redaction(m *configv1.Redaction, path string) *Redaction {
	if m == nil {
		return nil
	}
	r := &Redaction{DebugRedact: m.GetDebugRedact(), Fields: m.GetFields(), Unless: m.GetUnless()}
	k.distinct(r.Fields, path+".fields")
	if r.Unless == "" || k.isRefused(path+".unless") {
		return r
	}
	cfg, err := r.Config()
	k.expression(cfg.Unless, err, path+".unless")
	if !r.DebugRedact && len(r.Fields) == 0 && !k.isRefused(path) && !k.holders[path] {
		k.on(path+".unless", "add debug_redact or fields", "is set, and nothing is taken out")
	}
	return r
}
