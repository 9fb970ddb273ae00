// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/config"
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
	config  *config.Config
	rules   *ruleSet
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
	span, text, ok := p.spot(place)
	switch {
	case !ok || span.Line == 0:
	case place.Column > 0 && text != "":
		span.Column += place.Column - 1
		span.EndColumn = span.Column + max(place.Length, 1)
	case text != "":
		span.EndColumn = span.Column + utf8.RuneCountInString(text)
	}
	return span, ok
}

// spot returns where the text begins that a place means, with the line; and the text, if just it stands there.
func (p *places) spot(place httprule.Place) (schema.Span, string, bool) {
	switch place.Origin {
	case httprule.FromConfig:
		return p.configSpot(place)
	case httprule.FromAnnotation:
		return p.annotationSpot(place)
	case httprule.FromDefault:
	}
	s, method := p.method(place.Method) // there is no rule, but the method is somewhere
	if method == nil {
		return schema.Span{}, "", false
	}
	at := s.Locate(method)
	return schema.Span{Position: at, Text: s.Line(at.File, at.Line)}, "", true
}

func (p *places) annotationSpot(place httprule.Place) (schema.Span, string, bool) {
	s, method := p.method(place.Method)
	if method == nil {
		return schema.Span{}, "", false
	}
	path := []int32{methodOptions, httpOption}
	if place.Rule > 0 {
		path = append(path, additionalBindings, int32(place.Rule-1)) //nolint:gosec // a rule has few bindings
	}
	at := s.Locate(method, append(path, ruleFields[place.Field]...)...)
	rule, err := httprule.RulesOf(method)
	text := ""
	if err == nil {
		text = fieldText(rule, place)
	}
	if text != "" && at.Line > 0 {
		at = find(s, at, text)
	}
	return schema.Span{Position: at, Text: s.Line(at.File, at.Line)}, text, true
}

// configSpot is for rules of files, and for those that the configuration itself has at the method.
func (p *places) configSpot(place httprule.Place) (schema.Span, string, bool) {
	if own, ok := p.rules.own[place.Method]; ok {
		path, text := fmt.Sprintf("%s[%d]", own.path, place.Rule), fieldText(own.http, place)
		if place.Field != "" && place.Field != "additional_bindings" {
			path += "." + place.Field
		}
		line, column := p.config.Position(path)
		span := schema.Span{Position: schema.Position{File: p.config.File, Line: line, Column: column}, Text: p.config.Line(line)}
		text = unquote(&span, text)
		return span, text, true
	}
	if place.ConfigRule < 0 || place.ConfigRule >= len(p.rules.files) {
		return schema.Span{}, "", false
	}
	rule := p.rules.files[place.ConfigRule]
	at := rule.Locate(place.Rule, place.Field)
	span := schema.Span{Position: at, Text: rule.Line(at.Line)}
	text := unquote(&span, fieldText(rule.HTTP, place))
	return span, text, true
}

// configSpan is a primary span of a value in the configuration.
func configSpan(c *config.Config, path, value string) schema.Span {
	line, column := c.Position(path)
	span := schema.Span{Position: schema.Position{File: c.File, Line: line, Column: column}, Text: c.Line(line), Primary: true}
	if text := unquote(&span, value); text != "" {
		span.EndColumn = span.Column + utf8.RuneCountInString(text)
	}
	return span
}

// unquote moves a span from the beginning of a YAML value to that of its text. Where it is not written as it is read, because
// of escapes, variables or several lines, no part of it can be shown, and the answer is "".
func unquote(span *schema.Span, text string) string {
	rest, column := span.Text, span.Column
	for n := 1; n < column && rest != ""; n++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		rest, column = rest[1:], column+1
	}
	if text == "" || !strings.HasPrefix(rest, text) {
		return ""
	}
	span.Column = column
	return text
}

// declared returns where the rule of a binding is written; of those in a .proto file, the method.
func (p *places) declared(b *httprule.Binding) schema.Position {
	if b.Place.Origin == httprule.FromConfig {
		if span, _, ok := p.spot(b.Place); ok {
			return span.Position
		}
	}
	s, method := p.method(b.Method.FullName())
	if method == nil {
		return schema.Position{}
	}
	return s.Locate(method)
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

// fieldText is the text of the field of a rule that a place means.
func fieldText(rule *annotations.HttpRule, place httprule.Place) string {
	if place.Field == "selector" {
		return rule.GetSelector()
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
