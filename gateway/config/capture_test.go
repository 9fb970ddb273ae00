// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// completeCapture is what complete.good.yaml has.
func completeCapture(t testing.TB) *config.Capture {
	t.Helper()
	return &config.Capture{
		OnDemand: true, Bodies: true, Errors: true, Match: []config.MethodGlob{methodGlob(t, "acme.orders.v1.OrderService/Create")}, Redact: []string{"password"},
		Requests: 100, MaxBytes: 2 << 20, MaxCall: 64 << 10,
	}
}

// What is configured is what captures calls.
func TestCaptureConfig(t *testing.T) {
	t.Parallel()
	cfg := completeCapture(t).Config([]string{"x-key"})
	if err := cfg.Check(); err != nil {
		t.Error(err)
	}
	r := &cfg.Rule
	if cfg.Calls != 100 || cfg.Bytes != 2<<20 || cfg.Call != 64<<10 || len(cfg.Fields) != 1 || len(cfg.Credentials) != 1 || r.On || !r.Bodies || !r.Errors ||
		!r.Match("acme.orders.v1.OrderService", "Create") || r.Match("acme.orders.v1.OrderService", "Get") || len(r.Globs) != 1 {
		t.Errorf("got %+v", cfg)
	}
	all := (&config.Capture{}).Config(nil)
	if !all.Rule.On || all.Rule.Match != nil || all.Calls != 0 {
		t.Errorf("an empty section is %+v", all)
	}
	if _, err := capture.New(all); err != nil {
		t.Error(err)
	}
}
