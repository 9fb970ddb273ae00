// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// httpOption is the number of the google.api.http option; the others are fields of google.api.HttpRule.
//
// https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
const (
	methodOptions      = 4
	httpOption         = 72295728
	additionalBindings = 11
)

// ruleFields are the numbers of the fields of a rule, by the names that problems use.
var ruleFields = map[string][]int32{
	"selector": {1}, "get": {2}, "put": {3}, "post": {4}, "delete": {5}, "patch": {6}, "body": {7}, "response_body": {12},
	"custom.kind": {8, 1}, "custom.path": {8, 2}, "additional_bindings": {additionalBindings},
}

// searchLines is how many lines below the beginning of a rule its texts are looked for. Compilers tell where a rule
// begins, and not all of them where each of its texts stands.
const searchLines = 60

// places finds where a rule is written.
type places struct {
	schemas []*schema.Schema
}

// diagnostics puts the problems of rules into the form of the schema's own, with positions.
func (p *places) diagnostics(problems []httprule.Problem) []schema.Diagnostic {
	var all []schema.Diagnostic
	for i := range problems {
		all = append(all, p.diagnostic(&problems[i]))
	}
	return all
}

func (p *places) diagnostic(problem *httprule.Problem) schema.Diagnostic {
	d := schema.Diagnostic{Level: schema.Error, Code: string(problem.Code), Message: problem.Message}
	if problem.Severity == httprule.SeverityWarning {
		d.Level = schema.Warning
	}
	if problem.Help != "" {
		d.Help = []string{problem.Help}
	}
	if span, ok := p.span(problem.Place); ok {
		span.Primary, span.Label = true, problem.Label
		d.Spans = append(d.Spans, span)
	} else {
		d.Notes = append(d.Notes, "at "+problem.Place.String())
	}
	for _, other := range problem.Related {
		if span, ok := p.span(other.Place); ok {
			span.Label = other.Label
			d.Spans = append(d.Spans, span)
		} else {
			d.Notes = append(d.Notes, "see "+other.Place.String())
		}
	}
	if problem.Note != "" {
		d.Notes = append(d.Notes, problem.Note)
	}
	return d
}

// span returns the place in the source.
func (p *places) span(place httprule.Place) (schema.Span, bool) {
	s, method := p.method(place.Method)
	if method == nil {
		return schema.Span{}, false
	}
	path := []int32{methodOptions, httpOption}
	if place.Origin != httprule.FromAnnotation {
		path = nil // the rule is not in the file: the method is
	} else if place.Rule > 0 {
		path = append(path, additionalBindings, int32(place.Rule-1)) //nolint:gosec // a rule has few bindings
	}
	path = append(path, ruleFields[place.Field]...)
	at := s.Locate(method, path...)
	if text := ruleText(method, place); text != "" && at.Line > 0 {
		at = find(s, at, text)
	}
	span := schema.Span{Position: at}
	if at.Line == 0 {
		return span, true
	}
	span.Text = s.Line(at.File, at.Line)
	if place.Column > 0 {
		span.Column += place.Column - 1
		span.EndColumn = span.Column + max(place.Length, 1)
	} else if text := ruleText(method, place); text != "" {
		span.EndColumn = span.Column + utf8.RuneCountInString(text)
	}
	return span, true
}

func (p *places) method(name protoreflect.FullName) (*schema.Schema, protoreflect.MethodDescriptor) {
	for _, s := range p.schemas {
		if d, err := s.FindDescriptorByName(name); err == nil {
			if md, ok := d.(protoreflect.MethodDescriptor); ok {
				return s, md
			}
		}
	}
	return nil, nil
}

// ruleText is the text of the field of a rule that a place means.
func ruleText(method protoreflect.MethodDescriptor, place httprule.Place) string {
	if place.Origin != httprule.FromAnnotation {
		return ""
	}
	rule, err := httprule.RulesOf(method)
	if err != nil || rule == nil {
		return ""
	}
	if place.Rule > 0 {
		if place.Rule > len(rule.GetAdditionalBindings()) {
			return ""
		}
		rule = rule.GetAdditionalBindings()[place.Rule-1]
	}
	switch place.Field {
	case "get":
		return rule.GetGet()
	case "put":
		return rule.GetPut()
	case "post":
		return rule.GetPost()
	case "delete":
		return rule.GetDelete()
	case "patch":
		return rule.GetPatch()
	case "custom.kind":
		return rule.GetCustom().GetKind()
	case "custom.path":
		return rule.GetCustom().GetPath()
	case "body":
		return rule.GetBody()
	case "response_body":
		return rule.GetResponseBody()
	default:
		return ""
	}
}

// find looks for a quoted text at or below a position.
func find(s *schema.Schema, from schema.Position, text string) schema.Position {
	for line := from.Line; line < from.Line+searchLines; line++ {
		source := s.Line(from.File, line)
		for _, quote := range []string{`"`, `'`} {
			if i := strings.Index(source, quote+text+quote); i >= 0 {
				return schema.Position{File: from.File, Line: line, Column: utf8.RuneCountInString(source[:i]) + 2}
			}
		}
	}
	return from
}
