// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package headers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Rules say what happens to fields on their way in one direction, in this order. Names are in lower case.
type Rules struct {
	// Drop are names that do not pass; "x-internal-*" stands for all that begin so.
	Drop []string
	// Rename gives fields other names. What came under the new name does not pass.
	Rename map[string]string
	// Set gives fields a value, instead of whatever came under their names.
	Set map[string]string
	// Append adds a value to those that came.
	Append map[string]string
}

// Zero tells whether the rules change nothing.
func (r *Rules) Zero() bool {
	return len(r.Drop) == 0 && len(r.Rename) == 0 && len(r.Set) == 0 && len(r.Append) == 0
}

// OfCallers are the names of the fields whose values tell of who calls, sorted.
func (r *Rules) OfCallers() []string {
	var names []string
	for _, fields := range []map[string]string{r.Set, r.Append} {
		for name, text := range fields {
			if t, err := parseTemplate(text); err == nil && t.late {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Direction is where fields go.
type Direction bool

// Where fields go.
const (
	ToBackend Direction = false
	ToClient  Direction = true
)

// Problem is something wrong with rules.
type Problem struct {
	// Setting is which of them: drop[0], or rename["x-a"].
	Setting string
	// Message is what is wrong.
	Message string
}

// Problems tells everything that is wrong with rules for a direction, in the order of the settings. taken are names that say who calls, with who
// says so.
func (r *Rules) Problems(d Direction, taken map[string]string) []Problem {
	var list []Problem
	add := func(setting, format string, args ...any) {
		list = append(list, Problem{Setting: setting, Message: fmt.Sprintf(format, args...)})
	}
	for i, pattern := range r.Drop {
		if name := strings.TrimSuffix(pattern, "*"); !wire.ValidName(name) {
			add(fmt.Sprintf("drop[%d]", i), "is no lower-case name of a header field")
		} else if why := d.kept(name); why != "" && name == pattern {
			add(fmt.Sprintf("drop[%d]", i), "%s", why)
		}
	}
	target := func(setting, name string) {
		switch {
		case !wire.ValidName(name):
			add(setting, "%.64q is no lower-case name of a header field", name)
		case d.reserved(name) != "":
			add(setting, "%s %s", name, d.reserved(name))
		case d == ToBackend && taken[name] != "":
			add(setting, "%s is what %s says of who calls", name, taken[name])
		}
	}
	came := map[string]string{}
	for _, from := range slices.Sorted(maps.Keys(r.Rename)) {
		to, setting := r.Rename[from], fmt.Sprintf("rename[%q]", from)
		switch {
		case !wire.ValidName(from):
			add(setting, "%.64q is no lower-case name of a header field", from)
		case d.kept(from) != "":
			add(setting, "%s %s", from, d.kept(from))
		case strings.HasSuffix(from, "-bin") != strings.HasSuffix(to, "-bin"):
			add(setting, "one of %s and %s is binary, and the other is not", from, to)
		case r.Rename[to] != "":
			add(setting, "%s is renamed itself", to)
		case came[to] != "":
			add(setting, "%s is what %s becomes, too", to, came[to])
		default:
			target(setting, to)
		}
		came[to] = from
	}
	for _, values := range []struct {
		name   string
		fields map[string]string
	}{{"set", r.Set}, {"append", r.Append}} {
		for _, name := range slices.Sorted(maps.Keys(values.fields)) {
			setting := fmt.Sprintf("%s[%q]", values.name, name)
			target(setting, name)
			if _, both := r.Set[name]; both && values.name == "append" {
				add(setting, "is in set as well")
			}
			t, err := parseTemplate(values.fields[name])
			if err != nil {
				add(setting, "%s", err)
				continue
			}
			if !t.good(name) {
				add(setting, "must be printable ASCII without spaces around it, not empty and at most %d bytes", maxValue)
			}
		}
	}
	return list
}

// kept tells why a field that comes cannot be dropped or renamed; "" where it can.
func (d Direction) kept(name string) string {
	switch {
	case wire.Reserved(name):
		return "never passes: it is about the connection, or of gRPC, Connect or the gateway itself"
	case d == ToBackend && owned(name):
		return "is set by the gateway, and what clients say in it never passes"
	}
	return ""
}

// reserved tells why no rule may set a field; "" where one may.
func (d Direction) reserved(name string) string {
	switch {
	case wire.Reserved(name):
		return "never passes: it is about the connection, or of gRPC, Connect or the gateway itself"
	case owned(name):
		return "is set by the gateway"
	case d == ToBackend:
		if name == "traceparent" || name == "tracestate" || name == "baggage" {
			return "is about the trace, which the gateway tells of"
		}
		return ""
	}
	switch name {
	case "retry-after", "ratelimit", "ratelimit-policy", "www-authenticate", "x-content-type-options", "vary", "allow":
		return "is set by the gateway"
	case "etag", "cache-control":
		return "is what rest." + strings.ReplaceAll(name, "-", "_") + " is for"
	}
	switch {
	case strings.HasPrefix(name, "access-control-"):
		return "is what cors is for"
	case strings.HasPrefix(name, "content-"):
		if name == "content-security-policy" || name == "content-security-policy-report-only" {
			return ""
		}
		return "is about the body"
	case strings.HasPrefix(name, "trailer-"):
		return "is how Connect writes trailers"
	}
	return ""
}

// owned tells whether the gateway says in a field where a call comes from (threats B1, B11 and B12).
func owned(name string) bool {
	switch name {
	case "x-request-id", "forwarded", "x-real-ip":
		return true
	}
	return strings.HasPrefix(name, "x-forwarded-")
}

// rules are Rules as calls need them.
type rules struct {
	drop   []string
	rename [][2]string // from and to, in the order of the first
	set    []field
	append []field
}

// field is a field whose value a rule makes.
type field struct {
	name  string
	value *template
}

func newRules(r *Rules, d Direction) (*rules, error) {
	var errs []error
	for _, p := range r.Problems(d, nil) {
		errs = append(errs, fmt.Errorf("%s %s", p.Setting, p.Message))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := &rules{drop: slices.Clone(r.Drop)}
	for _, from := range slices.Sorted(maps.Keys(r.Rename)) {
		out.rename = append(out.rename, [2]string{from, r.Rename[from]})
	}
	for _, f := range []struct {
		from map[string]string
		to   *[]field
	}{{r.Set, &out.set}, {r.Append, &out.append}} {
		for _, name := range slices.Sorted(maps.Keys(f.from)) {
			t, err := parseTemplate(f.from[name])
			if err != nil {
				return nil, err
			}
			*f.to = append(*f.to, field{name: name, value: t})
		}
	}
	return out, nil
}

// pass drops and renames fields, and drops what set has other values for.
func (r *rules) pass(h *wire.Header) {
	if len(*h) == 0 {
		return
	}
	kept := (*h)[:0]
	for _, f := range *h {
		if name := r.name(f.Name); name != "" {
			kept = append(kept, wire.Field{Name: name, Value: f.Value})
		}
	}
	*h = kept
}

// values appends the fields that rules make, of those that need to know who calls, or of the others.
func (r *rules) values(h *wire.Header, c *transcoder.Call, late bool) {
	for _, list := range [][]field{r.set, r.append} {
		for _, f := range list {
			if f.value.late != late {
				continue
			}
			if value, ok := f.value.value(c, f.name); ok {
				h.Add(f.name, value)
			}
		}
	}
}

// name returns the name under which a field passes; "" where it does not.
func (r *rules) name(name string) string {
	if slices.ContainsFunc(r.drop, func(pattern string) bool { return matches(pattern, name) }) {
		return ""
	}
	for _, pair := range r.rename {
		switch name {
		case pair[1]:
			return ""
		case pair[0]:
			name = pair[1]
			return r.unless(name)
		}
	}
	return r.unless(name)
}

// unless returns a name, but for those that set has values for.
func (r *rules) unless(name string) string {
	if slices.ContainsFunc(r.set, func(f field) bool { return f.name == name }) {
		return ""
	}
	return name
}
