// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"unicode/utf8"
)

// text is a file as people see it: its name and its lines.
type text struct {
	name  string
	lines []string

	// What rest was asked for last, and where that begins in the line: the next one is mostly a bit further in the same
	// line, which may be long. Only the decoder calls rest, before anybody else has the text.
	last   place
	offset int
}

// byteOrderMark is what some editors put at the head of a file.
const byteOrderMark = "\ufeff"

// breaks are what YAML ends a line with; "\r\n" is one.
//
// https://yaml.org/spec/1.1/#b-char
const breaks = "\r\n\u0085\u2028\u2029"

func newText(name, data string) *text {
	return &text{name: name, lines: splitLines(data)}
}

// splitLines returns the lines of data without their ends. Behind the end of the last line there is one more, which is
// empty.
func splitLines(data string) []string {
	var lines []string
	for {
		end := strings.IndexAny(data, breaks)
		if end < 0 {
			return append(lines, data)
		}
		lines = append(lines, data[:end])
		data = data[end+breakLength(data[end:]):]
	}
}

// breakLength returns how many bytes the end of a line has that data begins with.
func breakLength(data string) int {
	if strings.HasPrefix(data, "\r\n") {
		return 2
	}
	_, n := utf8.DecodeRuneInString(data)
	return n
}

// line returns a line by its number, which begins with 1; "" where there is none.
func (t *text) line(number int) string {
	if t == nil || number < 1 || number > len(t.lines) {
		return ""
	}
	return t.lines[number-1]
}

// rest returns what stands in a line from a column on; columns begin with 1 and count characters.
func (t *text) rest(line, column int) string {
	s := t.line(line)
	if line != t.last.line || column < t.last.column {
		t.last, t.offset = place{line: line, column: 1}, 0
	}
	for ; t.last.column < column; t.last.column++ {
		_, n := utf8.DecodeRuneInString(s[t.offset:])
		t.offset += n
	}
	return s[t.offset:]
}

// end returns where the last line ends that is not empty.
func (t *text) end() place {
	for i := len(t.lines); i > 0; i-- {
		if t.lines[i-1] != "" {
			return place{line: i, column: utf8.RuneCountInString(t.lines[i-1]) + 1}
		}
	}
	return place{line: 1, column: 1}
}

// place is where something stands in the file. The zero place is nowhere.
type place struct {
	line, column int
	// raw is what is written in the file where a value has variables in it; else "". Messages show it and never what the
	// variables hold, which may be a secret.
	raw string
}

func (p place) before(o place) bool {
	return p.line < o.line || p.line == o.line && p.column < o.column
}
