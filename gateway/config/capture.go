// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/capture"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Capture says what is kept of calls, and how much.
type Capture struct {
	// OnDemand keeps nothing until the admin API says so.
	OnDemand bool
	// Bodies keeps messages too; Errors keeps those calls alone that do not end with OK.
	Bodies, Errors bool
	// Match are the methods whose calls are kept; empty for all calls.
	Match []MethodGlob
	// Redact names fields whose values are not kept.
	Redact []string
	// Requests, MaxBytes and MaxCall bound it; 0 means the defaults.
	Requests          int
	MaxBytes, MaxCall int64
}

// Config is what captures calls so; credentials are further names of header fields that have them.
func (c *Capture) Config(credentials []string) capture.Config {
	return capture.Config{
		Calls: c.Requests, Bytes: c.MaxBytes, Call: c.MaxCall, Fields: c.Redact, Credentials: credentials,
		Rule: CaptureRule(!c.OnDemand, c.Bodies, c.Errors, c.Match),
	}
}

// CaptureRule returns the rule of which calls are captured.
func CaptureRule(on, bodies, onlyErrors bool, match []MethodGlob) capture.Rule {
	rule := capture.Rule{On: on, Bodies: bodies, Errors: onlyErrors}
	if len(match) == 0 {
		return rule
	}
	rule.Match = func(service, method string) bool {
		return slices.ContainsFunc(match, func(g MethodGlob) bool { return g.Match(service, method) })
	}
	for _, g := range match {
		rule.Globs = append(rule.Globs, g.String())
	}
	return rule
}

// capture compiles what is kept of calls.
func (k *compiler) capture(m *configv1.Capture, path string) {
	if m == nil {
		return
	}
	own := &Capture{
		OnDemand: m.GetOnDemand(), Bodies: m.GetBodies(), Errors: m.GetErrors(), Redact: m.GetRedact(), Requests: int(m.GetRequests()),
		MaxBytes: k.size(m.GetMaxBytes(), path+".max_bytes", capture.LeastBytes, capture.MostBytes),
		MaxCall:  k.size(m.GetMaxCall(), path+".max_call", capture.LeastCall, capture.MostCall),
	}
	for i, glob := range m.GetMatch() {
		own.Match = append(own.Match, k.methods(glob, item(path+".match", i)))
	}
	k.distinct(m.GetMatch(), path+".match")
	k.distinct(m.GetRedact(), path+".redact")
	most := own.MaxBytes
	if most == 0 {
		most = capture.DefaultBytes
	}
	if own.MaxCall > most/2 && own.MaxCall <= capture.MostCall {
		k.on(path+".max_call", "", "is %s; it must be at most half of max_bytes, %s", FormatSize(own.MaxCall), FormatSize(most/2)) //nolint:mnd // see capture.Config
	}
	k.cfg.Admin.Capture = own
}
