// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	// File is the file's name as it was given.
	File string
	// Line and Column are where it is; both begin with 1, columns count characters. 0 when it is not known.
	Line, Column int
	// Path names the setting, such as backends["users"].load_balancing.policy; "" for the file as a whole.
	Path string
	// Message is one sentence without a capital and a full stop, to be read behind Path. It never shows a text that
	// came from an environment variable.
	Message string
	// Hint says what is probably meant or what to do; it may be empty.
	Hint string
	// Source is the line of the file; it may be empty.
	Source string
	// Warning is true for what works and is probably not meant.
	Warning bool
}

// String returns the problem in one line: where, which setting, what, and the hint.
func (p Problem) String() string {
	s := p.title()
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// title is the first line of the long form.
func (p Problem) title() string {
	var b strings.Builder
	b.WriteString(clean(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Warning {
		b.WriteString(" warning:")
	}
	if p.Path != "" {
		b.WriteString(" " + clean(p.Path))
		b.WriteString(":")
	} else if p.Line > 0 && !p.Warning {
		b.WriteString(":")
	}
	b.WriteString(" " + clean(p.Message))
	return b.String()
}

// Problems is the error of a configuration that was refused. It holds everything that was found, not only the first
// thing.
type Problems struct {
	// List holds at least one problem, in the order of the file.
	List []Problem
}

// Error returns all problems, one line each. [Render] prints them with their source.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// collector gathers problems, and knows which settings are refused already, so that one mistake is told once.
type collector struct {
	text   *text
	places map[string]place
	// refused are the paths that a problem was told of, holders those that they stand in.
	refused, holders map[string]bool
	// uncertain are the paths of messages in which a key was refused: what seems to be missing there may be what it meant.
	uncertain map[string]bool
	list      []Problem
	warnings  []Problem
}

func newCollector(t *text) *collector {
	return &collector{text: t, places: map[string]place{}, refused: map[string]bool{}, holders: map[string]bool{}, uncertain: map[string]bool{}}
}

// at reports a problem at a place.
func (c *collector) at(p place, path, hint, format string, args ...any) {
	c.list = append(c.list, c.problem(p, path, hint, fmt.Sprintf(format, args...)))
	c.refused[path] = true
	for path != "" {
		path = parent(path)
		c.holders[path] = true
	}
}

// on reports a problem of a setting, unless there was one of it or of what it stands in.
func (c *collector) on(path, hint, format string, args ...any) {
	if !c.isRefused(path) {
		c.at(c.place(path), path, hint, format, args...)
	}
}

// warn reports what works and is probably not meant.
func (c *collector) warn(path, hint, format string, args ...any) {
	p := c.problem(c.place(path), path, hint, fmt.Sprintf(format, args...))
	p.Warning = true
	c.warnings = append(c.warnings, p)
}

func (c *collector) problem(p place, path, hint, message string) Problem {
	return Problem{
		File: c.text.name, Line: p.line, Column: p.column, Path: path, Message: message, Hint: hint, Source: c.text.line(p.line),
	}
}

// place returns where a setting stands, or else what it would stand in.
func (c *collector) place(path string) place {
	for {
		if p, ok := c.places[path]; ok || path == "" {
			return p
		}
		path = parent(path)
	}
}

// name returns the path of a field of a message.
func name(message string, field protoreflect.Name) string {
	if message == "" {
		return string(field)
	}
	return message + "." + string(field)
}

// isRefused says whether a setting, or something that it stands in, was refused.
func (c *collector) isRefused(path string) bool {
	for p := path; p != ""; p = parent(p) {
		if c.refused[p] {
			return true
		}
	}
	return false
}

// missing reports that a message lacks something, unless a key of it was refused, which may be what was meant.
func (c *collector) missing(message, path, hint, format string, args ...any) {
	if !c.uncertain[message] {
		c.on(path, hint, format, args...)
	}
}

// err returns all problems in the order of the file; nil when there is none.
func (c *collector) err() error {
	if len(c.list) == 0 {
		return nil
	}
	sortProblems(c.list)
	return &Problems{List: c.list}
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}

// parent returns the path of what a setting stands in; "" for the file. Names in paths are those of fields, and whatever is
// not is quoted: see entry and unknown.
func parent(path string) string {
	if strings.HasSuffix(path, "]") {
		// The key of a map may have any character, quoted.
		if i := strings.LastIndex(path, `["`); i >= 0 && strings.HasSuffix(path, `"]`) {
			return path[:i]
		}
		return path[:max(strings.LastIndexByte(path, '['), 0)]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}
