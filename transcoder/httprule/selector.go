// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// selector is one pattern of google.api.DocumentationRule.selector: a full name, a prefix of whole
// components that ends in ".*", or "*".
type selector struct {
	text   string
	column int
	prefix string // with the dot at its end
	all    bool
}

func (s *selector) matches(name protoreflect.FullName) bool {
	switch {
	case s.all:
		return true
	case s.prefix != "":
		return strings.HasPrefix(string(name), s.prefix)
	}
	return string(name) == s.text
}

// parseSelectors reads the comma-separated patterns of a selector.
func parseSelectors(text string) ([]selector, error) {
	var selectors []selector
	column := 1
	for part := range strings.SplitSeq(text, ",") {
		pattern := strings.TrimSpace(part)
		s := selector{text: pattern, column: column + strings.Index(part, pattern)}
		column += len(part) + 1
		name := pattern
		switch {
		case pattern == "*":
			s.all = true
			selectors = append(selectors, s)
			continue
		case strings.HasSuffix(pattern, ".*"):
			name = strings.TrimSuffix(pattern, ".*")
			s.prefix = name + "."
		}
		if !protoreflect.FullName(name).IsValid() {
			return nil, &SyntaxError{Column: s.column, Detail: fmt.Sprintf("selector %q is no full name, no name that ends in \".*\", and not \"*\"", pattern)}
		}
		selectors = append(selectors, s)
	}
	return selectors, nil
}

// selectRules gives for each method, by its index in methods, the indices of the config rules that are in force for it.
func (b *binder) selectRules(methods []protoreflect.MethodDescriptor) map[int][]int {
	selected := make(map[int][]int)
	for i, rule := range b.Rules {
		place := Place{Origin: FromConfig, ConfigRule: i, Field: "selector"}
		selectors, err := parseSelectors(rule.GetSelector())
		if err != nil {
			b.syntaxProblem(CodeSelector, place, err)
			continue
		}
		for s := range selectors {
			if !b.selectMethods(methods, &selectors[s], i, selected) {
				place.Column, place.Length = selectors[s].column, len(selectors[s].text)
				b.problem(Problem{
					Code: CodeSelectorUnused, Place: place,
					Message: fmt.Sprintf("selector %q matches no method", selectors[s].text),
					Help:    "write the full name of a method, such as package.Service.Method; names are case-sensitive",
				})
			}
		}
	}
	return selected
}

// selectMethods puts the config rule in force for the methods that s matches and reports whether there is one.
func (b *binder) selectMethods(methods []protoreflect.MethodDescriptor, s *selector, rule int, selected map[int][]int) bool {
	found := false
	for m, method := range methods {
		if !s.matches(method.FullName()) {
			continue
		}
		found = true
		rules := selected[m]
		switch {
		case b.Merge == MergeReplace:
			selected[m] = []int{rule}
		case len(rules) == 0 || rules[len(rules)-1] != rule: // two patterns of one selector may match
			selected[m] = append(rules, rule)
		}
	}
	return found
}
