// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/internal/segments"
)

// MaxPattern is how long a pattern of routes may be.
const MaxPattern = 512

// Pattern is of names of routes, services and methods, in any case. Its segments stand between dots and slashes: * is one of them and ** any
// number, also none, as in the configuration. Within a segment, * is any part of it; such a pattern may stand anywhere in a name. It is
// immutable. The zero Pattern matches nothing.
type Pattern struct {
	segments []string
}

// ParsePattern reads a pattern.
func ParsePattern(s string) (Pattern, error) {
	if len(s) > MaxPattern {
		return Pattern{}, fmt.Errorf("has %d letters; it may have %d", len(s), MaxPattern)
	}
	parts := segmentsOf(s)
	partial := func(segment string) bool {
		return strings.Contains(segment, "*") && segment != "*" && segment != segments.Any
	}
	if slices.ContainsFunc(parts, partial) || s == "*" {
		parts = append(append([]string{segments.Any}, parts...), segments.Any)
	}
	return Pattern{segments: slices.CompactFunc(parts, func(a, b string) bool { return a == segments.Any && b == segments.Any })}, nil
}

// Match tells whether the pattern matches a name as a whole.
func (p Pattern) Match(name string) bool {
	return len(p.segments) > 0 && segments.Match(p.segments, segmentsOf(name), takes)
}

// segmentsOf cuts a name at dots, slashes and the space behind a verb. A slash at the beginning cuts nothing off.
func segmentsOf(name string) []string {
	name = strings.ToLower(strings.ReplaceAll(name, " /", " "))
	return strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '/' || r == ' ' })
}

// escaped are the signs that path.Match reads and that mean themselves here.
var escaped = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `?`, `\?`)

// takes tells whether a segment of a pattern takes one of a name, which has no slash.
func takes(segment, part string) bool {
	if !strings.Contains(segment, "*") {
		return segment == part
	}
	ok, err := path.Match(escaped.Replace(segment), part)
	return err == nil && ok
}
