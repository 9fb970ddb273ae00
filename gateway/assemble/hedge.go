// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"strings"

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
func (p *policies) checkHedge(m *transcoder.Method) error {
	policy := p.of(m)
	if policy.Hedge == nil || policy.Hedge.Attempts == 1 || m.NoSideEffects && m.Unary() {
		return nil
	}
	_, own := p.declared.of(m)
	origin := p.origins[policy]["hedge"]
	inSchema := own != nil && origin.InSchema() && strings.HasPrefix(string(origin), own.Name)
	if !inSchema && !strings.Contains(string(origin), "].methods[") {
		return nil
	}
	why := "calls of a method that may have side effects are not made twice at a time"
	if !m.Unary() {
		why = "streams are not hedged"
	}
	e := &hedgeError{method: m.Path, path: string(origin), why: why}
	if inSchema {
		return &optionError{of: own, path: "hedge", err: e}
	}
	return e
}
