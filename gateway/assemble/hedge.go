// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// hedgeError is a method that was told to be hedged, and must not be.
type hedgeError struct {
	method string
	path   string // of the setting
	why    string
}

// Error implements error.
func (e *hedgeError) Error() string { return fmt.Sprintf("hedge does not fit %s: %s", e.method, e.why) }

// hedgeHelp is what to do about it.
const hedgeHelp = "say option idempotency_level = NO_SIDE_EFFECTS in the schema if it has none, or remove the setting"

// checkHedge refuses hedging a method that has side effects, or streams, where the setting names that very method. In defaults and at services
// it is for the methods that it fits.
func (a *Assembly) checkHedge(m *transcoder.Method, p *config.Policy) error {
	if p.Hedge == nil || p.Hedge.Attempts == 1 || m.NoSideEffects && m.Unary() {
		return nil
	}
	_, origins := a.config.PolicyFor(m.Service, m.Name)
	path := string(origins["hedge"])
	if !strings.Contains(path, "].methods[") {
		return nil
	}
	why := "calls of a method that may have side effects are not made twice at a time"
	if !m.Unary() {
		why = "streams are not hedged"
	}
	return &hedgeError{method: m.Path, path: path, why: why}
}
