// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// maxCells is how many characters of a source line are shown. Longer lines are cut around the place.
const maxCells = 160

const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	reset  = "\x1b[0m"
)

// Render prints problems for people: where and what, the source line, and under it a mark at the place with the hint
// beside it. With color it uses the escape sequences of a terminal; those of the file, which could confuse one, are
// replaced. The error is the writer's.
func Render(w io.Writer, problems []Problem, color bool) error {
	var b strings.Builder
	for _, p := range problems {
		render(&b, p, color)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func render(b *strings.Builder, p Problem, color bool) {
	paint := func(code, s string) string {
		if !color || s == "" {
			return s
		}
		return code + s + reset
	}
	level := red
	if p.Warning {
		level = yellow
	}
	b.WriteString(paint(level, p.title()) + "\n")
	hint := paint(cyan, clean(p.Hint))
	if p.Line == 0 || p.Source == "" {
		if hint != "" {
			b.WriteString("     = " + hint + "\n")
		}
		return
	}
	if hint != "" {
		hint = "  " + hint
	}
	source, column := window(p.Source, p.Column)
	fmt.Fprintf(b, "%4d | %s\n%4d | %s%s%s\n", p.Line, source, p.Line, strings.Repeat(".", column-1), paint(level, "^"), hint)
}

// window cuts a line around a column, and returns the column in what is left.
func window(line string, column int) (string, int) {
	cells := []rune(strings.ReplaceAll(clean(line), "\t", " "))
	column = min(max(column, 1), len(cells)+1)
	if len(cells) <= maxCells {
		return string(cells), column
	}
	begin := min(max(column-1-maxCells/2, 0), len(cells)-maxCells)
	return string(cells[begin : begin+maxCells]), column - begin
}

// clean replaces what would do something to a terminal.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || !unicode.IsControl(c) && !unicode.Is(unicode.Bidi_Control, c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}
