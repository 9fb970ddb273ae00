// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig

import (
	"strings"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of the diagnostics of this package, DG1200 to DG1299. Files that cannot be read have [schema.CodeUnreadable], those that are
// too big [schema.CodeTooBig].
const (
	// CodeSyntax: a file is not YAML, or uses what is not read of it.
	CodeSyntax = "DG1201"
	// CodeUnknown: a key is no field of google.api.Service, or is there twice.
	CodeUnknown = "DG1202"
	// CodeValue: a value is not what its field holds.
	CodeValue = "DG1203"
	// CodeNoRules: a file has no HTTP rule.
	CodeNoRules = "DG1204"
)

// maxProblems is how many problems of one file are told: whoever has more has another file in mind.
const maxProblems = 50

// text is a file as people see it.
type text struct {
	name  string
	lines []string
}

// breaks make the ends of lines one: YAML has five of them.
//
// https://yaml.org/spec/1.1/#b-char
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func newText(name, data string) *text {
	return &text{name: name, lines: strings.Split(breaks.Replace(data), "\n")}
}

func (t *text) line(number int) string {
	if number < 1 || number > len(t.lines) {
		return ""
	}
	return t.lines[number-1]
}

// collector gathers what is wrong with a file.
type collector struct {
	text *text
	list []schema.Diagnostic
	more int
}

// at reports a problem at a place; length is how many characters are meant, 0 when that is not known.
func (c *collector) at(p place, length int, code, message, label string, help ...string) {
	if len(c.list) == maxProblems {
		c.more++
		return
	}
	p.line = min(p.line, len(c.text.lines)) // what is missing at the end is told of behind it
	span := schema.Span{
		Position: schema.Position{File: c.text.name, Line: p.line, Column: p.column},
		Label:    label, Text: c.text.line(p.line), Primary: true,
	}
	if length > 0 {
		span.EndColumn = p.column + length
	}
	c.list = append(c.list, schema.Diagnostic{Code: code, Message: message, Spans: []schema.Span{span}, Help: help})
}

// whole reports a problem of the file as a whole.
func (c *collector) whole(code, message string, help ...string) {
	c.list = append(c.list, schema.Diagnostic{
		Code: code, Message: message, Help: help,
		Spans: []schema.Span{{Position: schema.Position{File: c.text.name}, Primary: true}},
	})
}

// invalidAt returns the first place that is not UTF-8.
func (t *text) invalidAt() place {
	for i, l := range t.lines {
		for column := 1; l != ""; column++ {
			r, n := utf8.DecodeRuneInString(l)
			if r == utf8.RuneError && n < 2 {
				return place{line: i + 1, column: column}
			}
			l = l[n:]
		}
	}
	return place{line: 1, column: 1}
}
