// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// policies are the policies of all methods. Methods that are held to the same share one.
type policies struct {
	defaults *config.Policy   // of what belongs to no method
	byMethod []*config.Policy // the index is the method's ID
	chains   map[*config.Policy]*interceptor.Chain
	cors     map[*cors.Config]*cors.Policy
	calls    map[*config.Policy]*backend.Policy
}

// of returns the policy of a method.
func (p *policies) of(m *transcoder.Method) *config.Policy { return p.byMethod[m.ID] }

// chain returns the chain of a method.
func (p *policies) chain(m *transcoder.Method) *interceptor.Chain { return p.chains[p.of(m)] }

// policies finds the policy of each method and makes the chains.
func (a *Assembly) policies(mux *transcoder.Mux) (*policies, error) {
	type place struct{ service, method int }
	p := &policies{byMethod: make([]*config.Policy, len(mux.Methods())), chains: map[*config.Policy]*interceptor.Chain{}, cors: map[*cors.Config]*cors.Policy{nil: nil}, calls: map[*config.Policy]*backend.Policy{}}
	defaults, _ := a.config.PolicyFor("", "")
	p.defaults = &defaults
	if err := p.addCORS(&defaults); err != nil {
		return nil, fmt.Errorf("defaults: %w", err)
	}
	byPlace := map[place]*config.Policy{}
	var unfit []error
	for _, m := range mux.Methods() {
		at := place{-1, -1}
		if i, ok := a.config.ServiceFor(m.Service); ok {
			at.service, at.method = i, a.config.Services[i].Method(m.Name)
		}
		policy := byPlace[at]
		if policy == nil {
			resolved, _ := a.config.PolicyFor(m.Service, m.Name)
			chain, err := newChain(&resolved)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Path, err)
			}
			if err := p.addCORS(&resolved); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Path, err)
			}
			calls, err := backend.NewPolicy(backend.PolicyConfig{Retry: resolved.Retry, Hedge: resolved.Hedge})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Path, err)
			}
			policy = &resolved
			p.calls[policy] = calls
			byPlace[at], p.chains[policy] = policy, chain
		}
		p.byMethod[m.ID] = policy
		if err := a.checkHedge(m, policy); err != nil {
			unfit = append(unfit, err)
		}
	}
	return p, errors.Join(unfit...)
}

// addCORS makes what a policy says of pages, once for all policies that say it at the same place.
func (p *policies) addCORS(policy *config.Policy) error {
	if _, ok := p.cors[policy.CORS]; ok {
		return nil
	}
	made, err := cors.New(*policy.CORS)
	if err != nil {
		return fmt.Errorf("cors: %w", err)
	}
	p.cors[policy.CORS] = made
	return nil
}

// newChain makes the policies of a method, in the order in which a call meets them. The order is part of the design
// (docs/architecture.md): what costs least and knows most about abuse comes first.
//
//   - the deadline is set before anything may take time; a call that has none left is refused at once;
//   - header fields are sorted out before anything reads the metadata.
func newChain(p *config.Policy) (*interceptor.Chain, error) {
	d, err := deadline.New(p.Deadline)
	if err != nil {
		return nil, err
	}
	stages := []interceptor.Stage{{Name: "deadline", Admitter: d}}
	if !p.Headers.Zero() {
		h, err := headers.New(p.Headers)
		if err != nil {
			return nil, fmt.Errorf("headers: %w", err)
		}
		stages = append(stages, interceptor.Stage{Name: "headers", Admitter: h})
	}
	return interceptor.NewChain(stages...), nil
}
