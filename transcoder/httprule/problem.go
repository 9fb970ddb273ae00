// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Severity says whether a problem stops a load.
type Severity uint8

const (
	// SeverityError stops the load.
	SeverityError Severity = iota
	// SeverityWarning does not.
	SeverityWarning
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Origin says where a rule comes from.
type Origin uint8

const (
	// FromAnnotation is the google.api.http option of a method.
	FromAnnotation Origin = iota
	// FromConfig is a rule of [Config].Rules, selected by its selector.
	FromConfig
	// FromDefault is `POST /package.Service/Method` with the whole body, for a method without a rule.
	FromDefault
)

// String is "annotation", "config" or "default".
func (o Origin) String() string {
	switch o {
	case FromConfig:
		return "config"
	case FromDefault:
		return "default"
	case FromAnnotation:
	}
	return "annotation"
}

// Place is a spot in a rule, exact enough to find the line and column in a source file.
type Place struct {
	// Method is the full name of the gRPC method, empty where a config rule matches none.
	Method protoreflect.FullName
	// Origin says where the rule is.
	Origin Origin
	// ConfigRule is the index in [Config].Rules where Origin is FromConfig, else -1.
	ConfigRule int
	// Rule is 0 for the rule itself and n for its n-th additional binding, counted from 1.
	Rule int
	// Field is the path of the rule's field: "get", "put", "post", "delete", "patch", "custom.kind", "custom.path",
	// "body", "response_body", "selector", "additional_bindings"; empty for the rule as a whole.
	Field string
	// Column is the 1-based byte column within the field's text, 0 for the field as a whole.
	Column int
	// Length is how many bytes from Column on are meant, 0 when unknown.
	Length int
}

// String is the place in one line, for logs.
func (p Place) String() string {
	var b strings.Builder
	if p.Method != "" {
		b.WriteString(string(p.Method))
		b.WriteByte(' ')
	}
	b.WriteString(p.Origin.String())
	if p.Origin == FromConfig {
		fmt.Fprintf(&b, " rule %d", p.ConfigRule)
	}
	if p.Rule > 0 {
		fmt.Fprintf(&b, " additional binding %d", p.Rule)
	}
	if p.Field != "" {
		b.WriteByte(' ')
		b.WriteString(p.Field)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, " column %d", p.Column)
	}
	return b.String()
}

// Problem is one thing that is wrong, or doubtful, with a rule.
type Problem struct {
	// Severity says whether the load stops.
	Severity Severity
	// Code is the stable name of this kind of problem.
	Code Code
	// Place is where it is.
	Place Place
	// Message is one sentence in the words of the rule's author.
	Message string
	// Label is what was found at the place, for the line under the source text; may be empty.
	Label string
	// Help says what to do; may be empty.
	Help string
	// Note says what holds until the problem is solved; may be empty.
	Note string
	// Related are further places that belong to the problem, such as the other side of a conflict.
	Related []Related
}

// Related is a further place that belongs to a problem.
type Related struct {
	// Place is where it is.
	Place Place
	// Label is what was found there; may be empty.
	Label string
}

// String is the problem in one line, for logs.
func (p Problem) String() string {
	s := fmt.Sprintf("%s[%s]: %s (%s)", p.Severity, p.Code, p.Message, p.Place)
	for _, text := range []string{p.Label, p.Help, p.Note} {
		if text != "" {
			s += "; " + text
		}
	}
	for _, r := range p.Related {
		s += "; see " + r.Place.String()
		if r.Label != "" {
			s += ", " + r.Label
		}
	}
	return s
}

// HasErrors reports whether any of the problems stops a load.
func HasErrors(problems []Problem) bool {
	for i := range problems {
		if problems[i].Severity == SeverityError {
			return true
		}
	}
	return false
}
