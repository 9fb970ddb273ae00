// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"errors"
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// matched are the rules of one setting that are each for the methods of a match: those of authorisation, and limits.
type matched struct {
	// setting is the path of their list, field that of a rule's expression in it, and called how one of them is called by its name.
	setting, field, called string
	// unused is the code of one that is for no method.
	unused string
}

// compileRules makes rules as their package wants them. The error joins what is wrong with their expressions.
func compileRules[From, To any](of *matched, from []From, compile func(*From) (To, error)) ([]To, error) {
	var (
		rules []To
		errs  []error
	)
	for i := range from {
		rule, err := compile(&from[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s[%d].%s %w", of.setting, i, of.field, err))
		}
		rules = append(rules, rule)
	}
	return rules, errors.Join(errs...)
}

// unused tells of rules that are for no method, by their indexes.
func (a *Assembly) unused(of *matched, indexes []int, rule func(int) (match config.MethodGlob, name string)) []schema.Diagnostic {
	var all []schema.Diagnostic
	for _, i := range indexes {
		match, name := rule(i)
		d := schema.Diagnostic{
			Level: schema.Warning, Code: of.unused,
			Message: fmt.Sprintf("no method that can be called is one of %s: %s is for none", match, fmt.Sprintf(of.called, name)),
		}
		if span := configSpan(a.config, fmt.Sprintf("%s[%d].match", of.setting, i), match.String()); span.Line > 0 {
			d.Spans = append(d.Spans, span)
		}
		all = append(all, d)
	}
	return all
}
