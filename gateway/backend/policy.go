// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

// PolicyConfig says how calls are made to a backend. The zero value is the default.
type PolicyConfig struct {
	// Retry says when a call is tried again.
	Retry RetryConfig
}

// Policy is a PolicyConfig that was checked. It is immutable, and serves any number of backends.
type Policy struct {
	retries retries
}

// NewPolicy checks cfg and returns the policy. The error joins all problems.
func NewPolicy(cfg PolicyConfig) (*Policy, error) {
	r, err := cfg.Retry.compile()
	if err != nil {
		return nil, err
	}
	return &Policy{retries: r}, nil
}
