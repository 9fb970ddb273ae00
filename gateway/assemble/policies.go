// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/redact"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// policies are the policies of all methods. Methods that are held to the same share one.
type policies struct {
	defaults *config.Policy   // of what belongs to no method
	byMethod []*config.Policy // the index is the method's ID
	byPath   map[string]*config.Policy
	chains   map[*config.Policy]*interceptor.Chain
	cors     map[*cors.Config]*cors.Policy
	calls    map[*config.Policy]*backend.Policy
	ways     map[*config.Policy]*headers.Way // nil for policies that change no fields
	origins  map[*config.Policy]config.Origins
	declared *options // in the schemas
	permits  *authz.Policy
	checks   *validate.Policy // nil where there is nothing to check
}

// of returns the policy of a method.
func (p *policies) of(m *transcoder.Method) *config.Policy { return p.byMethod[m.ID] }

// route returns the route of a method, but for its backend.
func (p *policies) route(m *transcoder.Method) gateway.Route {
	policy := p.of(m)
	return gateway.Route{
		Chain: p.chains[policy], CORS: p.cors[policy.CORS], Announce: p.ways[policy].Announce, HideInternal: policy.HideInternalErrors != nil && *policy.HideInternalErrors,
	}
}

// place is where a policy stands: the index of an entry of services, and of an exception in it; -1 for none.
type place struct{ service, method int }

// sayings are the places that say something of a method.
type sayings struct {
	place
	ofService, ofMethod *declared // in the schema; nil for nothing
}

// policies finds the policy of each method and makes the chains.
func (a *Assembly) policies(mux *transcoder.Mux, declared *options) (*policies, error) {
	p := &policies{
		byMethod: make([]*config.Policy, mux.Len()), byPath: map[string]*config.Policy{}, chains: map[*config.Policy]*interceptor.Chain{}, cors: map[*cors.Config]*cors.Policy{nil: nil},
		calls: map[*config.Policy]*backend.Policy{}, ways: map[*config.Policy]*headers.Way{}, origins: map[*config.Policy]config.Origins{}, declared: declared,
	}
	defaults, _ := a.config.PolicyFor("", "")
	p.defaults = &defaults
	if err := p.addCORS(&defaults); err != nil {
		return nil, fmt.Errorf("defaults: %w", err)
	}
	var err error
	if p.ways[p.defaults], err = headers.NewWay(defaults.Headers.Request, defaults.Headers.Response); err != nil {
		return nil, fmt.Errorf("defaults: headers: %w", err)
	}
	limits, err := a.newLimits(mux, declared)
	if err != nil {
		return nil, err
	}
	if p.permits, err = a.authz.Policy(mux.Methods(), declared.authorization); err != nil {
		return nil, err
	}
	if p.checks, err = a.newValidation(mux, declared); err != nil {
		return nil, err
	}
	hides, err := a.newRedaction(mux, declared)
	if err != nil {
		return nil, err
	}
	byPlace := map[sayings]*config.Policy{}
	add := func(m *transcoder.Method, at place, name string) error {
		said := sayings{place: at}
		said.ofService, said.ofMethod = declared.of(m)
		policy := byPlace[said]
		if policy == nil {
			resolved, origins := a.config.PolicyWith(at.service, at.method, said.ofService.option(), said.ofMethod.option())
			if err := p.checkDeadline(m, &resolved, origins); err != nil {
				return err
			}
			if err := p.addCORS(&resolved); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			way, err := headers.NewWay(resolved.Headers.Request, resolved.Headers.Response)
			if err != nil {
				return fmt.Errorf("%s: headers: %w", name, err)
			}
			p.ways[&resolved] = way
			chain, err := a.newChain(&resolved, chainParts{pages: p.cors[resolved.CORS], limits: limits, permits: p.permits, fields: way, checks: p.checks, hides: hides})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			calls, err := backend.NewPolicy(backend.PolicyConfig{Retry: resolved.Retry, Hedge: resolved.Hedge})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			policy = &resolved
			p.calls[policy], p.origins[policy] = calls, origins
			byPlace[said], p.chains[policy] = policy, chain
		}
		p.byMethod[m.ID], p.byPath[m.Path] = policy, policy
		return nil
	}
	var unfit []error
	for _, m := range mux.Methods() {
		if err := add(m, a.placeOf(m), m.Path); err != nil {
			return nil, err
		}
		if err := p.checkHedge(m); err != nil {
			unfit = append(unfit, err)
		}
	}
	for i, m := range mux.Passed() {
		if err := add(m, a.passed[i], m.Rule); err != nil {
			return nil, err
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

// chainParts are what a chain is made of that is made before.
type chainParts struct {
	pages   *cors.Policy // nil for none
	limits  limitPolicies
	permits *authz.Policy    // nil where all is permitted
	fields  *headers.Way     // nil where none are changed
	checks  *validate.Policy // nil where there is nothing to check
	hides   *redact.Policy   // nil where nothing is taken out of answers
}

// newChain makes the policies of a method, in the order in which a call meets them. The order is part of the design
// (docs/architecture.md): what costs least and knows most about abuse comes first.
//
//   - the deadline is set before anything may take time; a call that has none left is refused at once;
//   - header fields are sorted out before anything reads the metadata, and before authentication takes out what clients say in its
//     name: a list of what passes cannot bring that back;
//   - limits that are not about who calls come before authentication, which costs more: who sends bad credentials is limited, too;
//   - authentication comes before all else that counts, caches or permits by who calls, and before a byte of the body is read;
//   - a caller has so many WebSockets, before anything counts the call as one that was let through;
//   - limits by who calls come before what is permitted to them: who asks for what is not for them is limited, too. What both say of the
//     request is asked in the same order, when the request is read;
//   - rules of header fields come when it is known who calls, whom they may tell of;
//   - what a message says is held to the schema last: it has to be read for that, which costs most;
//   - answers are held to the schema when they come from the backend, or from what is stored of it, and before fields are taken out;
//   - fields are taken out of answers when they come from the backend, or from what is stored of it: what is stored is whole.
func (a *Assembly) newChain(p *config.Policy, parts chainParts) (*interceptor.Chain, error) {
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
	if parts.limits.before != nil {
		stages = append(stages, interceptor.Stage{Name: "limits", Admitter: parts.limits.before})
	}
	who, err := a.newAuth(p, parts.pages)
	if err != nil {
		return nil, err
	}
	if who != nil {
		stages = append(stages, interceptor.Stage{Name: "auth", Admitter: who})
	}
	stages = append(stages, interceptor.Stage{Name: "websockets", Admitter: a.webSockets})
	if parts.limits.after != nil {
		stages = append(stages, interceptor.Stage{Name: "caller limits", Admitter: parts.limits.after})
	}
	if parts.permits != nil {
		challenge := ""
		if who != nil {
			challenge = who.Challenge()
		}
		stages = append(stages, interceptor.Stage{Name: "authorization", Admitter: parts.permits.With(challenge)})
	}
	if parts.fields != nil {
		stages = append(stages, interceptor.Stage{Name: "header rules", Admitter: parts.fields})
	}
	if parts.checks != nil && (p.Validate.On() || p.Validate.LooksAtAnswers()) {
		stages = append(stages, interceptor.Stage{Name: "validation", Admitter: parts.checks})
	}
	if parts.hides != nil && p.Redact != nil {
		stages = append(stages, interceptor.Stage{Name: "redaction", Admitter: parts.hides})
	}
	return interceptor.NewChain(stages...), nil
}
