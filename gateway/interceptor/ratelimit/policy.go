// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Stage is where in a chain rules are asked.
type Stage int

// Where rules are asked. What is about addresses and other things that cost nothing to find out comes before authentication, so that who
// sends bad credentials is limited before they are looked at (threat G9).
const (
	BeforeAuth Stage = iota
	AfterAuth
)

// FieldError says that a rule's key names a field that the requests of a method do not have.
type FieldError struct {
	// Rule is the index of the rule; -1 for one of a schema.
	Rule int
	// Name is its name.
	Name string
	// Method is its path.
	Method string
	// Message is what is wrong.
	Message string
}

// Error implements error.
func (e *FieldError) Error() string {
	if e.Rule < 0 {
		return fmt.Sprintf("the key of %s does not fit %s: %s", e.Name, e.Method, e.Message)
	}
	return fmt.Sprintf("rate_limits.rules[%d].key does not fit %s: %s", e.Rule, e.Method, e.Message)
}

// bound is a rule for a method.
type bound struct {
	rule   *rule
	cost   int64
	fields []*field
}

// Policy is an admitter that holds calls to the rules of a Limiter.
type Policy struct {
	limiter  *Limiter
	rules    []*rule            // those of the configuration that are asked at this place
	calls    map[string][]bound // decided on the head of a call; the key is the method's path
	messages map[string][]bound // decided on messages
}

var (
	_ interceptor.Waiter    = (*Policy)(nil)
	_ interceptor.Finisher  = (*Policy)(nil)
	_ interceptor.Inspector = (*Policy)(nil)
)

// Policy returns the admitter of some methods for one place in their chains; nil where no rule is asked there. declared returns the rules that a
// method's own schema has for it, whose Match is not asked; it may be nil. The error joins a *FieldError for each key that does not fit.
func (l *Limiter) Policy(methods []*transcoder.Method, stage Stage, declared func(*transcoder.Method) []Rule) (*Policy, error) {
	p := &Policy{limiter: l, calls: map[string][]bound{}, messages: map[string][]bound{}}
	for _, r := range l.rules {
		if r.stage() == stage {
			p.rules = append(p.rules, r)
		}
	}
	var errs []error
	made := map[string]*rule{} // those of schemas, by name: that of a service is for all its methods together
	for _, m := range methods {
		var own []*rule
		if declared != nil {
			for _, of := range declared(m) {
				if made[of.Name] == nil {
					r, err := l.declare(of)
					errs = append(errs, err)
					if r == nil {
						continue
					}
					made[of.Name] = r
				}
				if made[of.Name].stage() == stage {
					own = append(own, made[of.Name])
				}
			}
		}
		var err error
		p.calls[m.Path], p.messages[m.Path], err = p.bind(m, own)
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if err == nil && len(p.rules) == 0 && len(made) == 0 {
		return nil, nil //nolint:nilnil // nothing to ask is no error
	}
	return p, err
}

// stage is where a rule is asked.
func (r *rule) stage() Stage {
	if r.Key.NeedsIdentity() || r.onMessages() {
		return AfterAuth
	}
	return BeforeAuth
}

// onMessages tells whether a rule is asked when messages come.
func (r *rule) onMessages() bool { return r.Messages || r.Key.NeedsMessage() }

// bind returns the rules that are for a method: those for its calls, and those for its messages.
func (p *Policy) bind(m *transcoder.Method, declared []*rule) (calls, messages []bound, err error) {
	var errs []error
	for i, r := range slices.Concat(p.rules, declared) {
		if i < len(p.rules) && !r.Match(m.Service, m.Name) {
			continue
		}
		b := bound{rule: r, cost: r.weight(m)}
		if b.fields, err = r.Key.fields(m); err != nil {
			errs = append(errs, &FieldError{Rule: r.index, Name: r.Name, Method: m.Path, Message: err.Error()})
			continue
		}
		if r.onMessages() {
			messages = append(messages, b)
		} else {
			calls = append(calls, b)
		}
	}
	return calls, messages, errors.Join(errs...)
}

// callRules returns the rules for the calls of a method. Methods that no schema has are found each time anew: clients make up their names.
func (p *Policy) callRules(m *transcoder.Method) []bound {
	if m.Rule != "" {
		calls, _, _ := p.bind(m, nil) // without fields, which nobody knows, there is no error
		return calls
	}
	return p.calls[m.Path]
}

func (p *Policy) messageRules(m *transcoder.Method) []bound {
	if m.Rule != "" {
		_, messages, _ := p.bind(m, nil) // as above
		return messages
	}
	return p.messages[m.Path]
}

// Unused returns the indexes of the rules that match none of some methods.
func (l *Limiter) Unused(methods []*transcoder.Method) []int {
	var unused []int
	for i, r := range l.rules {
		if !slices.ContainsFunc(methods, func(m *transcoder.Method) bool { return r.Match(m.Service, m.Name) }) {
			unused = append(unused, i)
		}
	}
	return unused
}

// fields are the fields of the request that the key names.
func (k *Key) fields(m *transcoder.Method) ([]*field, error) {
	var fields []*field
	for _, list := range k.alternatives {
		for _, p := range list {
			if p.kind != requestField || slices.ContainsFunc(fields, func(f *field) bool { return f.path == p.name }) {
				continue
			}
			if m.Rule != "" {
				continue // no schema has it: the call has no such part
			}
			if m.Desc == nil {
				return nil, errors.New("the schema of the method is not known")
			}
			f, err := newField(m.Desc.Input(), p.name)
			if err != nil {
				return nil, err
			}
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// Admit counts a call, unless a store has to be asked for that.
func (p *Policy) Admit(c *transcoder.Call) error {
	rules := p.callRules(c.Method)
	for i := range rules {
		if p.limiter.asks(&rules[i], c) {
			return interceptor.ErrWait
		}
	}
	return p.admit(c.Context(), c, rules, nil)
}

// Wait counts a call of which a store has to be asked.
func (p *Policy) Wait(ctx context.Context, c *transcoder.Call) error {
	return p.admit(ctx, c, p.callRules(c.Method), nil)
}

// Finish ends to count a call as under way.
func (p *Policy) Finish(c *transcoder.Call) {
	rules := p.callRules(c.Method)
	for i := range rules {
		if rules[i].rule.MaxInFlight > 0 {
			p.limiter.release(c, &rules[i], 0)
		}
	}
}

// Inspects tells whether messages of the request are to be seen.
func (p *Policy) Inspects(c *transcoder.Call) bool { return len(p.messageRules(c.Method)) > 0 }

// Inspect counts a message of the request, or a call by what its first message says.
func (p *Policy) Inspect(c *transcoder.Call, number int64, m *transcoder.Message) error {
	rules := p.messageRules(c.Method)
	var data []byte
	for i := range rules {
		if len(rules[i].fields) > 0 {
			if err := m.Decompress(c.Request.MaxMessage()); err != nil {
				return err
			}
			data = m.View()
			break
		}
	}
	for i := range rules {
		if number > 1 && !rules[i].rule.Messages {
			continue
		}
		if v := p.limiter.take(c.Context(), c, &rules[i], data); v.refused() {
			return v.err(rules[i].rule)
		}
	}
	return nil
}

// admit asks all rules. What a call has taken that is refused in the end is given back, but for what a store has counted.
func (p *Policy) admit(ctx context.Context, c *transcoder.Call, rules []bound, message []byte) error {
	for i := range rules {
		v := p.limiter.take(ctx, c, &rules[i], message)
		if v.refused() {
			for j := range rules[:i] {
				p.limiter.release(c, &rules[j], rules[j].cost)
			}
			v.announce(c, rules[i].rule)
			return v.err(rules[i].rule)
		}
		if p.limiter.announce {
			v.announce(c, rules[i].rule)
		}
	}
	return nil
}

// errUnavailable is for calls of which a store that decides alone cannot tell.
func errUnavailable() error {
	return status.Errorf(codes.Unavailable, status.ReasonLimitUnavailable, "the limit that the call is held to cannot be asked; call again")
}
