// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"strings"
)

// SegmentKind is what one segment of a template matches.
type SegmentKind uint8

const (
	// Literal matches one segment with exactly its text.
	Literal SegmentKind = iota
	// Single is `*`: it matches one segment that is not empty.
	Single
	// Multi is `**`: it matches zero or more segments, none of them empty.
	Multi
)

// Segment is one segment of a template.
type Segment struct {
	// Kind is what the segment matches.
	Kind SegmentKind
	// Text is the text of a Literal, percent-normalised: escaped unreserved characters are
	// decoded, other escapes have upper-case digits. Empty for other kinds.
	Text string
}

// TemplateVariable is one variable of a template.
type TemplateVariable struct {
	// Path is the field path as written, at least one name.
	Path []string
	// First and Last are indices of the template's segments: the variable covers First to Last-1, at least one.
	First, Last int
	// Column is the 1-based byte column of the field path in the template's source.
	Column int
}

// Name is the field path with dots.
func (v *TemplateVariable) Name() string { return strings.Join(v.Path, ".") }

// Template is a parsed path template. It does not change after parsing and may be shared.
type Template struct {
	source    string
	segments  []Segment
	variables []TemplateVariable
	verb      string
	multi     int // index of the `**` segment, or -1
}

// Source is the text that was parsed.
func (t *Template) Source() string { return t.source }

// Segments are the template's segments; the caller must not change them.
func (t *Template) Segments() []Segment { return t.segments }

// Variables are the template's variables from left to right; the caller must not change them.
func (t *Template) Variables() []TemplateVariable { return t.variables }

// Verb is the text after the colon at the end, percent-normalised, or empty.
func (t *Template) Verb() string { return t.verb }

// MultiSegment reports whether the variable v covers more or less than exactly one segment of a path, which
// decides how it is decoded.
func (t *Template) MultiSegment(v *TemplateVariable) bool {
	return v.Last-v.First != 1 || t.segments[v.First].Kind == Multi
}

// String is the template in canonical form: `{x=*}` is `{x}`, literals are normalised. Parsing it gives an equal template.
func (t *Template) String() string {
	var b strings.Builder
	next := 0
	for i := 0; i < len(t.segments); i++ {
		b.WriteByte('/')
		if next == len(t.variables) || t.variables[next].First != i {
			t.segments[i].write(&b)
			continue
		}
		v := &t.variables[next]
		next++
		b.WriteByte('{')
		b.WriteString(v.Name())
		if v.Last-v.First != 1 || t.segments[i].Kind != Single {
			b.WriteByte('=')
			for j := v.First; j < v.Last; j++ {
				if j > v.First {
					b.WriteByte('/')
				}
				t.segments[j].write(&b)
			}
		}
		b.WriteByte('}')
		i = v.Last - 1
	}
	return t.finish(&b)
}

// Key is the template with the variables' names dropped: `/v1/users/*:cancel`. Two templates with equal
// keys match the same paths, and two bindings with equal methods and keys are in conflict.
func (t *Template) Key() string {
	var b strings.Builder
	for i := range t.segments {
		b.WriteByte('/')
		t.segments[i].write(&b)
	}
	return t.finish(&b)
}

// longest is the length of the longest literal or verb.
func (t *Template) longest() int {
	n := len(t.verb)
	for i := range t.segments {
		n = max(n, len(t.segments[i].Text))
	}
	return n
}

func (t *Template) finish(b *strings.Builder) string {
	if len(t.segments) == 0 {
		b.WriteByte('/')
	}
	if t.verb != "" {
		b.WriteByte(':')
		b.WriteString(t.verb)
	}
	return b.String()
}

func (s *Segment) write(b *strings.Builder) {
	switch s.Kind {
	case Single:
		b.WriteString("*")
	case Multi:
		b.WriteString("**")
	case Literal:
		b.WriteString(s.Text)
	}
}
