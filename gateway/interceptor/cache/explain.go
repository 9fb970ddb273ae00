// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// KeyParts are what an answer is stored under, in words; Vary follows as it is written.
func (cfg *PolicyConfig) KeyParts() []string {
	return slices.Concat([]string{"method and its schema", "policy", "backend", "request message", "host and scheme"}, cfg.Vary)
}

// Never tells why no answer of a method is ever stored, whatever the calls; nil for a method of which some are. anybody tells that there are calls
// by nobody in particular.
func (cfg *PolicyConfig) Never(m *transcoder.Method, anybody bool) error {
	if err := cfg.Fits(m); err != nil {
		return err
	}
	if cfg.Shared || cfg.Personal() || anybody {
		return nil
	}
	return errors.New("all calls are by somebody in particular, and nothing says whether others may have their answers")
}

// Notes tell what the fields of a request, as its client sends them, make of what the policy says.
func (cfg *PolicyConfig) Notes(h wire.Header) []string {
	var notes []string
	if !cfg.IgnoreClient {
		switch d := directivesOf(h); {
		case d.noStore:
			notes = append(notes, "cache-control of the request says no-store: no stored answer is used, and none is stored")
		case d.onlyIfCached:
			notes = append(notes, "cache-control of the request says only-if-cached: the backend is not asked")
		case d.noCache:
			notes = append(notes, "cache-control of the request says no-cache: the backend is asked, and its answer stored")
		}
	}
	if cfg.Shared || cfg.Personal() {
		return notes
	}
	for i := range h {
		if isCredential(h[i].Name) {
			return append(notes, fmt.Sprintf("the request has %s: where that says who calls, or reaches the backend, no stored answer is used, and none is stored", h[i].Name))
		}
	}
	return notes
}
