// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is how many bytes a file may have: some ten thousand services.
const MaxSize = 1 << 20

// lookahead is how many lines a list or a text that is open at the end of one line may go on for the line of a syntax
// error to be exact.
const lookahead = 64

// parseYAML returns the root of the one document in data; nil when there is nothing in it. At most one problem is found:
// behind a syntax error nothing is certain.
func parseYAML(c *collector, data string) *yaml.Node {
	if len(data) > MaxSize {
		c.at(place{line: 1, column: 1}, "", "", "the file has %d bytes; it may have %d", len(data), MaxSize)
		return nil
	}
	if !utf8.ValidString(data) {
		line, column := invalidAt(c.text)
		c.at(place{line: line, column: column}, "", "save the file as UTF-8", "this is not UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(data))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if err = decoder.Decode(&second); err == nil {
			c.at(place{line: max(second.Line, 1), column: max(second.Column, 1)}, "", "put it into a file of its own", "a second document begins here; a configuration is one")
			return nil
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		syntaxProblem(c, data, err)
		return nil
	}
	if len(root.Content) != 1 {
		return nil
	}
	return root.Content[0]
}

// invalidAt returns the first place that is not UTF-8.
func invalidAt(t *text) (line, column int) {
	for i, l := range t.lines {
		if utf8.ValidString(l) {
			continue
		}
		for column = 1; ; column++ {
			r, n := utf8.DecodeRuneInString(l)
			if r == utf8.RuneError && n < 2 {
				return i + 1, column
			}
			l = l[n:]
		}
	}
	return 1, 1
}

// syntaxProblem says where a syntax error is and what probably led to it. The line that the parser names is where it
// began to read what it could not end, or one off: we look for it ourselves.
func syntaxProblem(c *collector, data string, err error) {
	line := brokenLine(data)
	source := c.text.line(line)
	at := place{line: line, column: utf8.RuneCountInString(source) - utf8.RuneCountInString(strings.TrimLeft(source, " ")) + 1}
	sentence := parserPosition.ReplaceAllString(err.Error(), "")
	message, hint := "syntax: "+sentence, ""
	switch {
	case strings.HasPrefix(strings.TrimLeft(source, " "), "\t"):
		message, hint = "a tab stands where YAML wants spaces", "indent with spaces"
	case strings.Contains(sentence, "unknown anchor"), strings.Contains(sentence, "alphabetic or numeric character"):
		if i := strings.IndexAny(source, "*&"); i >= 0 {
			at.column = utf8.RuneCountInString(source[:i]) + 1
		}
		message, hint = "to YAML, a * or & without quotes is a reference", `quote it, such as "**"`
	default:
		for _, s := range syntaxSentences {
			if strings.Contains(sentence, s.parser) {
				message, hint = s.ours, s.hint
			}
		}
	}
	c.at(at, "", hint, "%s", message)
}

// parserPosition is what the parser puts before its sentences.
var parserPosition = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxSentences say for the commonest of the parser's sentences what they mean to the author of a file.
var syntaxSentences = []struct{ parser, ours, hint string }{
	{"mapping values are not allowed", `a ":" is not expected here`, `look for a space that is missing behind a ":" above, for the indentation, or quote a value with ": " in it`},
	{"did not find expected key", "a key is expected here", "look at the indentation, and for what stands behind a quoted value"},
	{"could not find expected ':'", `a ":" with a space behind it is missing`, "write key: value"},
	{"did not find expected ',' or '}'", `the "{" that is open here is not closed`, `close it with "}", or look for a missing comma`},
	{"did not find expected ',' or ']'", `the "[" that is open here is not closed`, `close it with "]", or look for a missing comma`},
	{"did not find expected '-' indicator", `the next "-" of a list is expected here`, "look at the indentation"},
	{"did not find expected node content", "a value is expected here", "quote it when it begins with a bracket or a comma"},
	{"found unexpected end of stream", "the quote that is open here is not closed", "close it"},
	{"found character that cannot start any token", "a value begins with a character that has a meaning of its own", "quote the value"},
	{"found unknown escape character", `what stands behind a "\" is not known`, `write "\\", or use single quotes`},
	{"control characters are not allowed", "there is a control character in this line", "remove it"},
}

// brokenLine returns the first line from which on nothing that could follow would mend the syntax: all beginnings of data
// that end behind it are wrong, the one that ends before it is not.
func brokenLine(data string) int {
	var ends []int
	for rest := data; ; {
		i := strings.IndexAny(rest, breaks)
		if i < 0 {
			break
		}
		i += breakLength(rest[i:])
		rest = rest[i:]
		ends = append(ends, len(data)-len(rest))
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(data) {
		ends = append(ends, len(data))
	}
	// Line number n ends at ends[n-1]. Invariant: the first good lines are right, the first bad ones wrong.
	good, bad := 0, len(ends)
	for {
		for bad-good > 1 {
			if middle := good + (bad-good)/2; wellFormed(data[:ends[middle-1]]) {
				good = middle
			} else {
				bad = middle
			}
		}
		// The search may have met a list or a text of several lines that ends well further down.
		later := good
		for n := good + 2; n <= min(good+lookahead, len(ends)-1) && later == good; n++ {
			if wellFormed(data[:ends[n-1]]) {
				later = n
			}
		}
		if later == good {
			return bad
		}
		good, bad = later, len(ends)
	}
}

func wellFormed(data string) bool {
	decoder := yaml.NewDecoder(strings.NewReader(data))
	for {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}

// kindOf says what a node is, in words.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a single value"
	default:
		return fmt.Sprintf("of kind %d", n.Kind)
	}
}
