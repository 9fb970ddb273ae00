// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import "errors"

// PolicyConfig says how calls are made to a backend. The zero value is the default.
type PolicyConfig struct {
	// Retry says when a call is tried again.
	Retry RetryConfig
	// Hedge says that a call which is not answered soon is made once more; nil says that it is not.
	Hedge *HedgeConfig
}

// Policy is a PolicyConfig that was checked. It is immutable, and serves any number of backends.
type Policy struct {
	retries retries
	hedge   *HedgeConfig // nil for none
}

// NewPolicy checks cfg and returns the policy. The error joins all problems.
func NewPolicy(cfg PolicyConfig) (*Policy, error) {
	var p Policy
	var err, hedgeErr error
	p.retries, err = cfg.Retry.compile()
	if cfg.Hedge != nil {
		hedge, checked := cfg.Hedge.check()
		hedgeErr = checked
		if hedge.Attempts > 1 {
			p.hedge = &hedge
		}
	}
	if err := errors.Join(err, hedgeErr); err != nil {
		return nil, err
	}
	return &p, nil
}
