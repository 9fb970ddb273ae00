// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// variable is ${NAME} or ${NAME:-text}.
var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// expand returns a value with the environment's variables in it. It works on values that YAML has read already, and what
// it puts in is not read again: a variable can neither add keys nor refer to another.
func (d *decoder) expand(n *yaml.Node, path string) (string, bool) {
	if !strings.Contains(n.Value, "$") {
		return n.Value, true
	}
	var b strings.Builder
	ok := true
	for rest := n.Value; rest != ""; {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		switch {
		case !found:
			rest = ""
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			rest = after[1:]
		case !strings.HasPrefix(after, "{"):
			b.WriteByte('$')
			rest = after
		default:
			rest = "$" + after
			length, good := d.variable(&b, n, rest, path)
			ok = ok && good
			rest = rest[length:]
		}
	}
	if p := d.places[path]; b.String() != n.Value {
		p.raw = n.Value
		d.places[path] = p
	}
	return b.String(), ok
}

// variable adds the value of the variable that rest begins with, and returns how long its name is in rest.
func (d *decoder) variable(b *strings.Builder, n *yaml.Node, rest, path string) (int, bool) {
	at := d.inside(n, rest)
	m := variable.FindStringSubmatch(rest)
	if m == nil {
		d.at(at, path, "write $$ for a dollar that is meant as one", "has a ${ that begins no variable; one is ${NAME} or ${NAME:-text}")
		return len(rest), false
	}
	if strings.Contains(m[3], "${") {
		d.at(at, path, "", "has a variable inside of the text of another, %s", m[1])
		return len(rest), false
	}
	value, ok := d.env(m[1])
	switch {
	case m[2] != "" && value == "":
		b.WriteString(m[3])
	case ok:
		b.WriteString(value)
	default:
		d.at(at, path, "set it, or write ${"+m[1]+":-text} to do without", "the environment variable %s is not set", m[1])
		return len(m[0]), false
	}
	return len(m[0]), true
}

// inside returns where the rest of a value begins in the file. Where a value is not written as it is read, because of
// escapes or several lines, that is where the value begins.
func (d *decoder) inside(n *yaml.Node, rest string) place {
	at := position(n)
	begin := at.column
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		begin++
	}
	if strings.HasPrefix(d.text.rest(at.line, begin), n.Value) {
		at.column = begin + utf8.RuneCountInString(strings.TrimSuffix(n.Value, rest))
	}
	return at
}
