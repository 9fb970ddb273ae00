// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Candidate is what became of one binding in the search for a request's binding.
type Candidate struct {
	// Binding is the binding.
	Binding *Binding
	// Chosen is true for the one that answers the request.
	Chosen bool
	// Matches is true where the template matches the path, whatever the HTTP method.
	Matches bool
	// Reason says why it was not chosen, for operators: it repeats parts of the path. Empty where Chosen.
	Reason string

	rank  int // in the order of the search, where Matches
	agree int // how many segments agree, else
}

// Candidates says of every binding why it was chosen or not, the chosen one first, then those that match the path in
// the order of the search, then the others, the nearest first. It is made for people and takes time in
// proportion to the table.
func (t *Table) Candidates(httpMethod, escapedPath string) (Outcome, []Candidate) {
	var m Match
	outcome := t.Match(&m, httpMethod, escapedPath)
	if m.fault != FaultNone {
		return outcome, nil
	}
	ranks := make(map[*Binding]int)
	for i, b := range t.matching(escapedPath) {
		ranks[b] = i
	}
	candidates := make([]Candidate, 0, len(t.bindings))
	for _, b := range t.bindings {
		c := Candidate{Binding: b, Chosen: b == m.binding}
		c.rank, c.Matches = ranks[b]
		switch {
		case c.Chosen:
		case c.Matches:
			c.Reason = t.loss(b, &m, httpMethod)
		default:
			c.agree, c.Reason = mismatch(b.Template, escapedPath)
		}
		candidates = append(candidates, c)
	}
	slices.SortStableFunc(candidates, compareCandidates)
	return outcome, candidates
}

func compareCandidates(a, b Candidate) int {
	return cmp.Or(first(a.Chosen, b.Chosen), first(a.Matches, b.Matches), cmp.Compare(a.rank, b.rank), cmp.Compare(b.agree, a.agree))
}

// first puts true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// loss says why b, whose template matches the path, was not chosen.
func (t *Table) loss(b *Binding, m *Match, httpMethod string) string {
	derived := httpMethod == "HEAD" && b.HTTPMethod == "GET" && t.derivedHead
	if b.HTTPMethod != AnyMethod && b.HTTPMethod != httpMethod && !derived {
		return fmt.Sprintf("the method is %s, the rule has %s", httpMethod, b.HTTPMethod)
	}
	if m.binding == nil {
		if t.methodOf(httpMethod) == methodNever {
			return fmt.Sprintf("%s never matches a rule", httpMethod)
		}
		return "the path has a slash at its end"
	}
	won := m.binding
	switch {
	case won.HTTPMethod == "HEAD" && b.HTTPMethod != "HEAD" && httpMethod == "HEAD":
		return fmt.Sprintf("%s has HEAD itself", won)
	case won.Template.verb != b.Template.verb:
		return fmt.Sprintf("%s has the verb :%s of the path", won, won.Template.verb)
	case won.Template.Key() == b.Template.Key():
		return fmt.Sprintf("%s names the method", won)
	}
	return fmt.Sprintf("%s is more specific", won)
}

// mismatch says why a template does not match a path, and how many segments agree from the left.
func mismatch(t *Template, path string) (agree int, reason string) {
	rest := strings.TrimPrefix(path, "/")
	if t.verb != "" {
		// The verb is compared in normal form, as the search does.
		base, ok := trimVerb(rest, t.verb)
		if !ok {
			return 0, fmt.Sprintf("the path does not end in the verb :%s", t.verb)
		}
		rest = base
	}
	var segments []string
	if rest != "" {
		segments = strings.Split(rest, "/")
	}
	for i, s := range t.segments {
		if s.Kind == Multi {
			return i, tailMismatch(t.segments[i+1:], segments[i:])
		}
		if i == len(segments) {
			return i, fmt.Sprintf("the path has %s, the template more", count(len(segments), "segment"))
		}
		if segments[i] == "" {
			return i, fmt.Sprintf("segment %d is empty", i+1)
		}
		if s.Kind == Literal && s.Text != normal(segments[i]) {
			return i, fmt.Sprintf("segment %d is %q, the template has %q", i+1, segments[i], s.Text)
		}
	}
	return len(t.segments), fmt.Sprintf("the path has %s, the template %d", count(len(segments), "segment"), len(t.segments))
}

func tailMismatch(tail []Segment, segments []string) string {
	for i, s := range segments {
		if s == "" {
			return fmt.Sprintf("segment %d that ** covers is empty", i+1)
		}
	}
	if len(segments) < len(tail) {
		return "the path ends before what follows **"
	}
	rest := segments[len(segments)-len(tail):]
	for i, s := range tail {
		if s.Text != normal(rest[i]) {
			return fmt.Sprintf("after ** the path has %q, the template %q", rest[i], s.Text)
		}
	}
	return "it does not match"
}

// trimVerb takes ":verb" off the last segment of path.
func trimVerb(path, verb string) (string, bool) {
	last := strings.LastIndexByte(path, '/') + 1
	for i := len(path) - 1; i >= last; i-- {
		if path[i] == ':' && normal(path[i+1:]) == verb {
			return path[:i], true
		}
	}
	return path, false
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
