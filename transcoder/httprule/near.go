// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import "strings"

// Bounds of what is done to find what is nearest to a path. A path beyond the first two has nothing near.
const (
	// nearBytes and nearSegments are how long the path may be.
	nearBytes    = 512
	nearSegments = 32
	// nearSteps is how many letters, and pairs of segments, are compared. What is left over then is not looked at.
	nearSteps = 4 << 20
)

// What it costs to make the path of a request one that a template matches.
const (
	letterCost   = 4              // a letter to add, drop or change
	wildcardCost = 1              // a segment that * or ** takes: a literal that agrees is nearer
	absentCost   = 3 * letterCost // a variable that the path has nothing for
	methodCost   = letterCost     // another HTTP method
	colonCost    = 2 * letterCost // a variable at the end that takes what looks like a verb
)

// Near finds which of many templates is nearest to the path of a request that none of them matches: for people, who have mistyped it. It
// is no nearer than nothing to what is altogether different. It is not safe for concurrent use.
type Near struct {
	whole, verb []string // the path's segments, with its verb in the last one and apart from it
	distances   map[[2]string]int
	best, steps int
	most        int // what an effort must stay below
}

// effort is what it takes to make a path one that a template matches.
type effort struct {
	cost int
	free int // how many letters wildcards take
}

func (e effort) plus(cost int) effort { return effort{e.cost + cost, e.free} }

// wild is the effort with a segment more, which a wildcard takes.
func (e effort) wild(text string) effort {
	return effort{e.cost + wildcardCost, e.free + len(text) + 1}
}

// least is the first of the efforts that cost the least.
func least(first effort, others ...effort) effort {
	for _, e := range others {
		if e.cost < first.cost {
			first = e
		}
	}
	return first
}

// NewNear begins to look for what is nearest to an escaped path.
func NewNear(escapedPath string) *Near {
	if len(escapedPath) > nearBytes || strings.Count(escapedPath, "/") > nearSegments {
		return &Near{}
	}
	// Half of the letters may be wrong, as in what was cut short.
	most := letterCost*(len(escapedPath)/2+1) + 1
	n := &Near{distances: map[[2]string]int{}, best: most, most: most, steps: nearSteps}
	for s := range strings.SplitSeq(strings.Trim(escapedPath, "/"), "/") {
		n.whole = append(n.whole, normal(s))
	}
	n.verb = n.whole
	last := len(n.whole) - 1
	if i := strings.LastIndexByte(n.whole[last], ':'); i >= 0 {
		n.verb = append(n.whole[:last:last], n.whole[last][:i], n.whole[last][i+1:])
	}
	return n
}

// Closer tells whether a template is nearer than all that were asked about before.
func (n *Near) Closer(t *Template, sameMethod bool) bool {
	extra := 0
	if !sameMethod {
		extra += methodCost
	}
	if t.verb != "" {
		return n.closer(append(t.segments[:len(t.segments):len(t.segments)], Segment{Text: t.verb}), n.verb, extra)
	}
	if last := len(t.segments) - 1; last >= 0 && t.segments[last].Kind != Literal && len(n.verb) > len(n.whole) {
		extra += colonCost
	}
	return n.closer(t.segments, n.whole, extra)
}

// CloserName is Closer for a path without variables.
func (n *Near) CloserName(path string) bool {
	segments := make([]Segment, 0, 2) //nolint:mnd // a service and a method
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		segments = append(segments, Segment{Text: s})
	}
	return n.closer(segments, n.whole, 0)
}

func (n *Near) closer(segments []Segment, path []string, extra int) bool {
	if n.steps <= 0 {
		return false
	}
	e := n.distance(segments, path).plus(extra)
	// Of what wildcards take no letter can be wrong; it makes what is wrong with the others no smaller.
	if e.cost >= n.best || e.cost+letterCost*e.free/2 >= n.most {
		return false
	}
	n.best = e.cost
	return true
}

// distance is what it costs to make path one that the segments match: the edit distance, of segments.
func (n *Near) distance(segments []Segment, path []string) effort {
	row := make([]effort, len(path)+1)
	for j, text := range path {
		row[j+1] = row[j].plus(surplus(text))
	}
	for i := range segments {
		s := &segments[i]
		diagonal := row[0]
		row[0] = row[0].plus(s.absent())
		for j, text := range path {
			instead, more := n.replace(diagonal, s, text), row[j].plus(surplus(text))
			if s.Kind == Multi {
				more = row[j].wild(text)
			}
			diagonal = row[j+1]
			row[j+1] = least(instead, row[j+1].plus(s.absent()), more)
		}
		n.steps -= len(path)
	}
	return row[len(path)]
}

// surplus is the cost of a segment that the template has nothing for, with its slash.
func surplus(text string) int { return letterCost * (len(text) + 1) }

// absent is the cost of a segment that the path has nothing for.
func (s *Segment) absent() int {
	switch s.Kind {
	case Multi:
		return 0
	case Single:
		return absentCost
	case Literal:
	}
	return surplus(s.Text)
}

// replace is the effort with one segment of the path as one of the template.
func (n *Near) replace(before effort, s *Segment, text string) effort {
	if s.Kind != Literal {
		return before.wild(text)
	}
	if s.Text == text {
		return before
	}
	pair := [2]string{s.Text, text}
	d, known := n.distances[pair]
	if !known {
		n.steps -= len(s.Text) * len(text)
		d = letterCost * editDistance(s.Text, text)
		n.distances[pair] = d
	}
	return before.plus(d)
}
