// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"
	"strings"
)

// Limits of a template where [Grammar] does not say otherwise. Google's own rules stay under a tenth of each.
const (
	DefaultMaxTemplateBytes    = 2048
	DefaultMaxTemplateSegments = 64
	DefaultMaxVariables        = 32

	// MaxFieldDepth is how many names a field path may have.
	MaxFieldDepth = 32
	// MaxVerbParts is how many parts, separated by colons, a verb may have. It bounds how often a path is searched.
	MaxVerbParts = 4
)

// Grammar is the grammar of path templates with its options. The zero value is the strict grammar.
type Grammar struct {
	// LiteralTail permits literal segments after `**`, as in `/v1/{name=**}/config`. google/api/http.proto does
	// not, but real APIs have such rules.
	LiteralTail bool
	// MaxBytes limits the length of a template. Zero means [DefaultMaxTemplateBytes].
	MaxBytes int
	// MaxSegments limits its segments. Zero means [DefaultMaxTemplateSegments].
	MaxSegments int
	// MaxVariables limits its variables. Zero means [DefaultMaxVariables].
	MaxVariables int
}

// SyntaxError says why a text is not a template.
type SyntaxError struct {
	// Column is the 1-based byte column at which reading stopped.
	Column int
	// Detail says what was expected and what stands there.
	Detail string
	// Limit is true where the text is a template but larger than permitted.
	Limit bool
}

// Error is the column and the detail.
func (e *SyntaxError) Error() string {
	if e.Limit {
		return e.Detail
	}
	return fmt.Sprintf("syntax error at column %d: %s", e.Column, e.Detail)
}

// Parse reads a template in the strict grammar. The error is a [*SyntaxError].
func Parse(template string) (*Template, error) {
	return Grammar{}.Parse(template)
}

// Parse reads a template. The grammar is that of google/api/http.proto ("Path template syntax"):
//
//	Template = "/" Segments [ Verb ] ;
//	Segments = Segment { "/" Segment } ;
//	Segment  = "*" | "**" | LITERAL | Variable ;
//	Variable = "{" FieldPath [ "=" Segments ] "}" ;
//	FieldPath = IDENT { "." IDENT } ;
//	Verb     = ":" LITERAL ;
//
// What that text leaves open is settled so: "/" alone is the template of the root; a LITERAL is made of the
// characters that RFC 3986 allows in a path segment, others are percent-encoded; `*` is always a wildcard; a colon
// is part of a literal that is followed by '/', and starts the verb elsewhere. The error is a [*SyntaxError].
func (g Grammar) Parse(template string) (*Template, error) {
	g.MaxBytes = orDefault(g.MaxBytes, DefaultMaxTemplateBytes)
	g.MaxSegments = orDefault(g.MaxSegments, DefaultMaxTemplateSegments)
	g.MaxVariables = orDefault(g.MaxVariables, DefaultMaxVariables)
	if len(template) > g.MaxBytes {
		return nil, &SyntaxError{Column: 1, Limit: true, Detail: fmt.Sprintf("the template has %d bytes; the limit is %d", len(template), g.MaxBytes)}
	}
	p := parser{Grammar: g, src: template, t: &Template{source: template, multi: -1}}
	if err := p.template(); err != nil {
		return nil, err
	}
	return p.t, nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// parser reads by recursive descent; one method per production.
type parser struct {
	Grammar
	src string
	pos int
	t   *Template
}

func (p *parser) template() error {
	if err := p.expect('/'); err != nil {
		return err
	}
	if p.done() {
		return nil
	}
	if err := p.segments(false); err != nil {
		return err
	}
	if p.done() {
		return nil
	}
	if p.src[p.pos] != ':' {
		return p.wanted("'/', ':' or the end")
	}
	p.pos++
	return p.verb()
}

func (p *parser) segments(inVariable bool) error {
	for {
		if err := p.segment(inVariable); err != nil {
			return err
		}
		if p.done() || p.src[p.pos] != '/' {
			return nil
		}
		p.pos++
	}
}

func (p *parser) segment(inVariable bool) error {
	if p.done() {
		return p.wanted("a segment")
	}
	switch p.src[p.pos] {
	case '*':
		return p.wildcard()
	case '{':
		if inVariable {
			return p.fail(p.pos, "a variable cannot hold another variable")
		}
		return p.variable()
	}
	return p.literal()
}

func (p *parser) wildcard() error {
	at := p.pos
	p.pos++
	if p.done() || p.src[p.pos] != '*' {
		return p.add(at, Segment{Kind: Single})
	}
	p.pos++
	return p.add(at, Segment{Kind: Multi})
}

func (p *parser) literal() error {
	at := p.pos
	end := at
	for end < len(p.src) && p.src[end] != '*' && (isPathChar(p.src[end]) || p.src[end] == '%') {
		end++
	}
	if end == len(p.src) || p.src[end] != '/' {
		if colon := strings.IndexByte(p.src[at:end], ':'); colon >= 0 {
			end = at + colon
		}
	}
	// Within a variable '=' needs no escape: the first one of a variable was read before its segments.
	if end == at {
		return p.wanted("a segment")
	}
	text, err := p.text(at, end)
	if err != nil {
		return err
	}
	p.pos = end
	return p.add(at, Segment{Kind: Literal, Text: text})
}

// text checks the escapes of a literal or verb and normalises it.
func (p *parser) text(from, to int) (string, error) {
	for i := from; i < to; i++ {
		if p.src[i] != '%' {
			continue
		}
		b, ok := escapeAt(p.src[:to], i)
		if !ok {
			return "", p.fail(i, "expected two hexadecimal digits after '%'")
		}
		if b == 0 {
			return "", p.fail(i, "%00 never matches: paths with it are refused")
		}
		i += 2
	}
	return normal(p.src[from:to]), nil
}

func (p *parser) variable() error {
	if len(p.t.variables) == p.MaxVariables {
		return p.limit(fmt.Sprintf("the template has more than %d variables", p.MaxVariables))
	}
	at := p.pos
	p.pos++
	v := TemplateVariable{Column: p.pos + 1, First: len(p.t.segments)}
	for {
		name := p.ident()
		if name == "" {
			return p.wanted("a field name")
		}
		if len(v.Path) == MaxFieldDepth {
			return p.limit(fmt.Sprintf("a field path has more than %d names", MaxFieldDepth))
		}
		v.Path = append(v.Path, name)
		if p.done() || p.src[p.pos] != '.' {
			break
		}
		p.pos++
	}
	if err := p.pattern(at); err != nil {
		return err
	}
	v.Last = len(p.t.segments)
	p.t.variables = append(p.t.variables, v)
	return p.expect('}')
}

// pattern reads what follows the field path of the variable that starts at the offset at: "=" and segments, or
// nothing, which means "=*".
func (p *parser) pattern(at int) error {
	if p.done() {
		return p.wanted("'}'")
	}
	switch p.src[p.pos] {
	case '=':
		p.pos++
		return p.segments(true)
	case '}':
		return p.add(at, Segment{Kind: Single})
	}
	return p.wanted("'}'")
}

func (p *parser) ident() string {
	at := p.pos
	for ; p.pos < len(p.src); p.pos++ {
		b := p.src[p.pos]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_'
		if !letter && (p.pos == at || b < '0' || b > '9') {
			break
		}
	}
	return p.src[at:p.pos]
}

func (p *parser) verb() error {
	at := p.pos
	for ; p.pos < len(p.src); p.pos++ {
		b := p.src[p.pos]
		if b == ':' && (p.pos == at || p.src[p.pos-1] == ':' || p.pos == len(p.src)-1) {
			return p.wanted("a verb")
		}
		if b == '*' || !isPathChar(b) && b != '%' {
			return p.wanted("a verb")
		}
	}
	if p.pos == at {
		return p.wanted("a verb")
	}
	text, err := p.text(at, p.pos)
	if err != nil {
		return err
	}
	if strings.Count(text, ":") >= MaxVerbParts {
		p.pos = at
		return p.limit(fmt.Sprintf("the verb has more than %d parts", MaxVerbParts))
	}
	p.t.verb = text
	return nil
}

// add appends a segment that starts at the offset at.
func (p *parser) add(at int, s Segment) error {
	if len(p.t.segments) == p.MaxSegments {
		return p.limit(fmt.Sprintf("the template has more than %d segments", p.MaxSegments))
	}
	if p.t.multi >= 0 && (!p.LiteralTail || s.Kind != Literal) {
		if p.LiteralTail {
			return p.fail(at, "after '**' only literal segments may follow")
		}
		return p.fail(at, "'**' must be the last segment")
	}
	if s.Kind == Multi {
		p.t.multi = len(p.t.segments)
	}
	p.t.segments = append(p.t.segments, s)
	return nil
}

func (p *parser) done() bool { return p.pos == len(p.src) }

func (p *parser) expect(b byte) error {
	if p.done() || p.src[p.pos] != b {
		return p.wanted(fmt.Sprintf("%q", b))
	}
	p.pos++
	return nil
}

func (p *parser) wanted(what string) error {
	got := "the end"
	if !p.done() {
		got = fmt.Sprintf("%q", []rune(p.src[p.pos:])[0])
	}
	return p.fail(p.pos, "expected "+what+", got "+got)
}

func (p *parser) limit(detail string) error {
	return &SyntaxError{Column: p.pos + 1, Detail: detail, Limit: true}
}

func (p *parser) fail(at int, detail string) error {
	return &SyntaxError{Column: at + 1, Detail: detail}
}
