// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"github.com/dragoman-gateway/dragoman/gateway/circuit"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
)

// ProviderState is how a provider of authentication fares.
type ProviderState struct {
	// Config is what it is made of.
	Config *config.AuthProvider
	// Figures count what became of calls with its credentials, also before the last reload, if it was configured in the same words.
	Figures *auth.Figures
	// Report is what it tells of itself.
	Report auth.Report
}

// Providers tells how the providers of authentication fare, in the order of the configuration. It is safe for concurrent use.
func (a *Assembly) Providers() []ProviderState {
	var all []ProviderState
	for i := range a.config.Auth.Providers {
		cfg := &a.config.Auth.Providers[i]
		own := a.auth.providers[cfg.Name]
		state := ProviderState{Config: cfg, Figures: own.Figures}
		if r, ok := own.Provider.(auth.Reporter); ok {
			state.Report = r.Report()
		}
		all = append(all, state)
	}
	return all
}

// Limits tells how the limits fare: those of the configuration in their order, then those that the schemas in force say. It is safe for concurrent use.
func (a *Assembly) Limits() []ratelimit.State {
	declared := map[string]bool{}
	if d := a.documents.Load(); d != nil {
		for _, m := range d.mux.Methods() {
			for _, r := range d.policies.declared.limits(m) {
				declared[r.Name] = true
			}
		}
	}
	var all []ratelimit.State
	for _, s := range a.limits.States() {
		if s.Index >= 0 || declared[s.Rule.Name] {
			all = append(all, s)
		}
	}
	return all
}

// LimitCounts tells what limits have counted, in short. It is safe for concurrent use.
func (a *Assembly) LimitCounts() []ratelimit.Count { return a.limits.Counts() }

// LimitStore tells how the store fares that gateways share limits by; false where there is none. It is safe for concurrent use.
func (a *Assembly) LimitStore() (circuit.State, bool) {
	if a.limitStore == nil {
		return circuit.State{}, false
	}
	return a.limitStore.State(), true
}
