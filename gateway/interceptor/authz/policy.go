// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// FieldError says that the expression of a rule does not fit the requests of a method.
type FieldError struct {
	// Rule is the index of the rule; -1 for one of a schema.
	Rule int
	// Name is its name.
	Name string
	// Method is the path of the method, and Request the name of the message that is its request.
	Method, Request string
	// Err is what is wrong.
	Err *expression.Error
}

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("rule %s does not fit %s, whose request is %s: %s", e.Name, e.Method, e.Request, e.Err)
}

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

// bound is a rule for a method.
type bound struct {
	rule *rule
	// program is the expression for the method's request; nil where no schema has the method and the expression looks at the request.
	program *expression.Program
}

// rules are those for a method.
type rules struct {
	calls    []bound // decided on the head of a call
	messages []bound // decided on messages
}

// table has the rules of methods by their paths.
type table map[string]*rules

// Policy is an admitter that holds calls to the rules of an Authorizer.
type Policy struct {
	authorizer *Authorizer
	challenge  string
	methods    table
	declared   map[string]*rule // in the schemas, by name
}

var (
	_ interceptor.Admitter  = (*Policy)(nil)
	_ interceptor.Inspector = (*Policy)(nil)
)

// binder binds the rules of an Authorizer to methods.
type binder struct {
	authorizer *Authorizer
	programs   map[programKey]*expression.Program // those of the same request are made once
	declared   map[string]*rule                   // in the schemas, by name
}

type programKey struct {
	expression *expression.Expression
	request    any // the descriptor
}

// Policy returns the admitter for some methods; nil where it would have nothing to decide. declared returns the rules that a method's own schema
// has for it, whose Match is not asked; it may be nil. The error joins a *FieldError for each rule that does not fit a method.
func (a *Authorizer) Policy(methods []*transcoder.Method, declared func(*transcoder.Method) []Rule) (*Policy, error) {
	b := &binder{authorizer: a, programs: map[programKey]*expression.Program{}, declared: map[string]*rule{}}
	p := &Policy{authorizer: a, methods: table{}}
	var errs []error
	for _, m := range methods {
		var of []Rule
		if declared != nil {
			of = declared(m)
		}
		own, err := b.rules(m, of)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.methods[m.Path] = own
	}
	if len(a.rules) == 0 && a.deny == nil && len(b.declared) == 0 {
		return nil, nil //nolint:nilnil // nothing to decide is no error
	}
	p.declared = b.declared
	return p, errors.Join(errs...)
}

// With returns the same policy for methods whose calls, where they are of nobody, are asked for credentials by a challenge, as in
// WWW-Authenticate.
func (p *Policy) With(challenge string) *Policy {
	own := *p
	own.challenge = challenge
	return &own
}

// rules returns those that are for a method.
func (b *binder) rules(m *transcoder.Method, declared []Rule) (*rules, error) {
	own := &rules{}
	var errs []error
	var all []*rule
	for _, r := range b.authorizer.rules {
		if r.Match(m.Service, m.Name) {
			all = append(all, r)
		}
	}
	for i := range declared {
		all = append(all, b.declare(&declared[i]))
	}
	for _, r := range all {
		one := bound{rule: r, program: r.Allow.Head()}
		if one.program != nil {
			own.calls = append(own.calls, one)
			continue
		}
		var err error
		if one.program, err = b.program(r, m); err != nil {
			errs = append(errs, err)
			continue
		}
		own.messages = append(own.messages, one)
		if one.program == nil || one.program.HeadMayDecide() {
			own.calls = append(own.calls, one)
		}
	}
	if len(own.calls) == 0 && len(own.messages) == 0 && b.authorizer.deny != nil {
		own.calls = append(own.calls, bound{rule: b.authorizer.deny})
	}
	return own, errors.Join(errs...)
}

// declare returns the rule of a schema, which may be for several methods.
func (b *binder) declare(r *Rule) *rule {
	if known := b.declared[r.Name]; known != nil {
		return known
	}
	own := *r
	own.DryRun = own.DryRun || b.authorizer.dryRun
	made := newRule(own, -1)
	if before := b.authorizer.find(r.Name); before != nil {
		made.counts = before.counts // a reload forgets nothing
	}
	b.declared[r.Name] = made
	return made
}

// program returns the expression of a rule for the request of a method; nil where no schema has the method.
func (b *binder) program(r *rule, m *transcoder.Method) (*expression.Program, error) {
	if m.Desc == nil {
		return nil, nil //nolint:nilnil // calls of it are refused
	}
	key := programKey{r.Allow, m.Desc.Input()}
	if p, ok := b.programs[key]; ok {
		return p, nil
	}
	p, err := r.Allow.For(m.Desc.Input())
	if wrong, ok := errors.AsType[*expression.Error](err); ok {
		return nil, &FieldError{Rule: r.index, Name: r.Name, Method: m.Path, Request: string(m.Desc.Input().FullName()), Err: wrong}
	}
	if err != nil {
		return nil, err
	}
	b.programs[key] = p
	return p, nil
}

// of returns the rules of a method. Methods that no schema has are found each time anew: clients make up their names.
func (p *Policy) of(m *transcoder.Method) *rules {
	if own, ok := p.methods[m.Path]; ok && m.Rule == "" {
		return own
	}
	own, _ := (&binder{authorizer: p.authorizer}).rules(m, nil) // without a descriptor nothing does not fit
	return own
}

// Admit decides on the head of a call.
func (p *Policy) Admit(c *transcoder.Call) error {
	own := p.of(c.Method)
	for i := range own.calls {
		b := &own.calls[i]
		outcome := expression.Fails // of what is denied by default, and of methods whose request nobody can read
		if b.program != nil {
			outcome, _ = b.program.Head(c) // the error could show what stands in a header
			if b.program.ReadsRequest() && outcome != expression.Fails && outcome != expression.Unidentified {
				continue // the message decides
			}
		}
		if err := b.rule.decide(c, outcome, p); err != nil {
			return err
		}
	}
	return nil
}

// Inspects tells whether messages of the request are to be seen.
func (p *Policy) Inspects(c *transcoder.Call) bool { return len(p.of(c.Method).messages) > 0 }

// Inspect decides on a message of the request.
func (p *Policy) Inspect(c *transcoder.Call, _ int64, m *transcoder.Message) error {
	if err := m.Decompress(c.Request.MaxMessage()); err != nil {
		return err
	}
	own, data := p.of(c.Method), m.View()
	for i := range own.messages {
		if err := p.inspect(c, &own.messages[i], data); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) inspect(c *transcoder.Call, b *bound, data []byte) error {
	if b.program == nil {
		return b.rule.decide(c, expression.Unknown, p)
	}
	outcome, err := b.program.Message(c, data)
	if errors.Is(err, expression.ErrMessage) && !b.rule.DryRun {
		return &status.Error{
			Code: codes.InvalidArgument, Reason: status.ReasonBadRequest, Message: "the message is not one of " + b.program.Request(), Cause: err,
			Metadata: map[string]string{"rule": b.rule.Name},
		}
	}
	return b.rule.decide(c, outcome, p)
}
