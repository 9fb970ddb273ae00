// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of rules.
const (
	badRuleCode   = "DG1310" // a rule that cannot be used
	uncheckedCode = "DG2010" // rules that nobody is held to
)

// newValidation makes the policy that holds requests to their schemas; nil where it has nothing to check.
func (a *Assembly) newValidation(mux *transcoder.Mux, declared *options) (*validate.Policy, error) {
	return validate.New(a.validated(mux, declared), a.broken, a.parts.Log)
}

// openValidation makes the counts of answers that break rules, which outlive every reload.
func (a *Assembly) openValidation() (err error) {
	a.broken, err = keep(a, "validation", nil, nil, func() (*validate.Counts, error) { return validate.NewCounts(), nil })
	return err
}

// BrokenAnswers tells how many answers of methods broke rules of their schema, in what is in force. It is safe for concurrent use.
func (a *Assembly) BrokenAnswers() []validate.State {
	if made := a.documents.Load(); made != nil {
		return made.policies.checks.States()
	}
	return nil
}

// validated returns the methods of a Mux with what their requests are held to.
func (a *Assembly) validated(mux *transcoder.Mux, declared *options) []validate.Method {
	byPlace := map[sayings]validate.Config{}
	var all []validate.Method
	for _, m := range mux.Methods() {
		at := sayings{place: a.placeOf(m)}
		at.ofService, at.ofMethod = declared.of(m)
		cfg, ok := byPlace[at]
		if !ok {
			policy, _ := a.config.PolicyWith(at.service, at.method, at.ofService.option(), at.ofMethod.option())
			cfg = policy.Validate
			byPlace[at] = cfg
		}
		all = append(all, validate.Method{Method: m, Config: cfg})
	}
	return all
}

// placeOf returns the place of the policy of a method.
func (a *Assembly) placeOf(m *transcoder.Method) place {
	i, ok := a.config.ServiceFor(m.Service)
	if !ok {
		return place{-1, -1}
	}
	return place{i, a.config.Services[i].Method(m.Name)}
}

// badRule is the diagnostic of a rule that cannot be used, with its place in the schema.
func badRule(e *validate.RuleError) schema.Diagnostic {
	at := e.Schema.Locate(e.On, e.Option()...)
	return schema.Diagnostic{
		Level: schema.Error, Code: badRuleCode, Message: e.Error(),
		Spans: []schema.Span{{Position: at, Text: e.Schema.Line(at.File, at.Line), Primary: true}},
		Help:  []string{"mend the rule, or turn validate_requests, or validate_responses, off for the methods whose messages have it"},
	}
}

// unchecked notes rules that nobody is held to because the configuration does not say whether.
func (a *Assembly) unchecked(mux *transcoder.Mux) []schema.Diagnostic {
	var services []string
	for _, m := range validate.Unchecked(a.validated(mux, a.declared)) {
		if len(services) == 0 || services[len(services)-1] != m.Service {
			services = append(services, m.Service)
		}
	}
	if len(services) == 0 {
		return nil
	}
	return []schema.Diagnostic{{
		Level: schema.Note, Code: uncheckedCode, Message: fmt.Sprintf("%s have rules of buf.validate, to which no request is held", someOf(services)),
		Help: []string{"set validate_requests to true in defaults, at the service or at the method, or to false"},
	}}
}
