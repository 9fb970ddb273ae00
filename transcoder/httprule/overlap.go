// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"cmp"
	"hash/maphash"
	"strings"
)

// Bounds of the search for overlaps.
const (
	maxOverlaps     = 1000
	maxOverlapSteps = 1 << 20
)

// Overlap is a pair of bindings with different templates that both match some path, for the same HTTP method.
type Overlap struct {
	// First is the one that the search prefers, Second the other.
	First, Second *Binding
	// Example is a path that both templates match. A third binding may be preferred to both there.
	Example string
	// Crossing is true where each template also matches paths that the other does not, as `/a/*/c` and `/a/b/*`; false
	// where First is a special case of Second or the other way round, as `/users/me` of `/users/{id}`.
	Crossing bool
}

// Overlaps reports the pairs of bindings that overlap without being equal. It is worked out when first asked for, and the
// answer is shared: the caller must not change it. At most 1,000 pairs are given; complete says whether that is all.
// That a path may also be read with a verb as plain data is not reported.
func (t *Table) Overlaps() (overlaps []Overlap, complete bool) { return t.overlaps() }

func (t *Table) findOverlaps() ([]Overlap, bool) {
	f := overlapFinder{seed: t.seed, seen: make(map[[2]*Binding]bool)}
	f.pair(t.root, t.root)
	return f.found, !f.full()
}

// overlapFinder walks two positions in the trie at once, along every path that reaches both.
type overlapFinder struct {
	seed  maphash.Seed
	found []Overlap
	seen  map[[2]*Binding]bool
	steps int
}

func (f *overlapFinder) full() bool {
	return len(f.found) >= maxOverlaps || f.steps >= maxOverlapSteps
}

func (f *overlapFinder) pair(a, b *node) {
	f.steps++
	if f.full() {
		return
	}
	if a != b {
		f.ends(a, b)
	}
	f.tails(a, b)
	for i := range a.literals {
		if next := childOf(b, f.seed, a.literals[i].text); next != nil {
			f.pair(a.literals[i].node, next)
		}
		if b.single != nil {
			f.pair(a.literals[i].node, b.single)
		}
	}
	if a.single == nil {
		return
	}
	if b.single != nil {
		f.pair(a.single, b.single)
	}
	if a == b {
		return // the pair the other way round was walked above
	}
	for i := range b.literals {
		f.pair(a.single, b.literals[i].node)
	}
}

// tails pairs what ends in `**` at one position with all that lies below the other.
func (f *overlapFinder) tails(a, b *node) {
	if a.multi != nil {
		f.each(a.multi, func(x *node) { f.each(b, func(y *node) { f.ends(x, y) }) })
	}
	if b.multi != nil && a != b {
		f.each(b.multi, func(x *node) { f.each(a, func(y *node) { f.ends(x, y) }) })
	}
}

// each visits n and all nodes below it.
func (f *overlapFinder) each(n *node, visit func(*node)) {
	f.steps++
	if f.full() {
		return
	}
	if len(n.endings) > 0 {
		visit(n)
	}
	for i := range n.literals {
		f.each(n.literals[i].node, visit)
	}
	for _, next := range []*node{n.single, n.multi} {
		if next != nil {
			f.each(next, visit)
		}
	}
}

// ends pairs the bindings that end at two nodes.
func (f *overlapFinder) ends(a, b *node) {
	if a == b {
		return
	}
	for _, x := range a.endings {
		for _, y := range b.of(x.verb) {
			f.steps++
			if f.full() {
				return
			}
			if x.method == y.method || x.method == methodAny || y.method == methodAny {
				f.add(x.binding, y.binding)
			}
		}
	}
}

func (f *overlapFinder) add(x, y *Binding) {
	if compareTemplates(x.Template, y.Template) > 0 {
		x, y = y, x
	}
	if f.seen[[2]*Binding{x, y}] {
		return
	}
	example, ok := commonPath(x.Template, y.Template)
	if !ok {
		return
	}
	f.seen[[2]*Binding{x, y}] = true
	f.found = append(f.found, Overlap{
		First: x, Second: y, Example: example,
		Crossing: !covers(x.Template, y.Template) && !covers(y.Template, x.Template),
	})
}

// compareTemplates is negative if the search prefers a to b on a path that both match.
func compareTemplates(a, b *Template) int {
	x, y := a.segments, b.segments
	for i := 0; ; i++ {
		switch {
		case i == len(x) && i == len(y):
			return cmp.Compare(a.Key(), b.Key())
		case i == len(x):
			return -1
		case i == len(y):
			return 1
		case x[i].Kind != y[i].Kind:
			return cmp.Compare(x[i].Kind, y[i].Kind)
		case x[i].Kind == Multi:
			return cmp.Compare(len(y)-i, len(x)-i) // the longer tail first
		}
	}
}

// split gives what stands before and after `**`; without `**` all stands before.
func (t *Template) split() (head, tail []Segment) {
	if t.multi < 0 {
		return t.segments, nil
	}
	return t.segments[:t.multi], t.segments[t.multi+1:]
}

// commonPath gives a path that both templates match, which have the same verb.
func commonPath(a, b *Template) (string, bool) {
	if a.multi < 0 {
		a, b = b, a
	}
	aHead, aTail := a.split()
	bHead, bTail := b.split()
	if b.multi < 0 {
		if a.multi < 0 && len(aHead) != len(bHead) || len(bHead) < len(aHead)+len(aTail) {
			return "", false
		}
		// All of b lies before: its last segments meet the tail of a.
		cut := len(bHead) - len(aTail)
		bHead, bTail = bHead[:cut], bHead[cut:]
	}
	head, ok := zip(aHead, bHead, func(i, _ int) int { return i })
	if !ok {
		return "", false
	}
	tail, ok := zip(aTail, bTail, func(i, n int) int { return n - 1 - i })
	if !ok {
		return "", false
	}
	for i, j := 0, len(tail)-1; i < j; i, j = i+1, j-1 {
		tail[i], tail[j] = tail[j], tail[i]
	}
	path := "/" + strings.Join(append(head, tail...), "/")
	if a.verb != "" {
		path += ":" + a.verb
	}
	return path, true
}

// zip gives texts that the segments of a and b both match where both have one, in the order that at gives.
func zip(a, b []Segment, at func(i, n int) int) ([]string, bool) {
	var texts []string
	for i := range max(len(a), len(b)) {
		text, fixed := "x", false
		for _, side := range [][]Segment{a, b} {
			if i >= len(side) {
				continue
			}
			s := side[at(i, len(side))]
			if s.Kind != Literal {
				continue
			}
			if fixed && text != s.Text {
				return nil, false
			}
			text, fixed = s.Text, true
		}
		texts = append(texts, text)
	}
	return texts, true
}

// covers reports whether a matches every path that b matches.
func covers(a, b *Template) bool {
	aHead, aTail := a.split()
	bHead, bTail := b.split()
	switch {
	case a.multi < 0 && (b.multi >= 0 || len(aHead) != len(bHead)):
		return false
	case a.multi >= 0 && b.multi < 0:
		if len(bHead) < len(aHead)+len(aTail) {
			return false
		}
		cut := len(bHead) - len(aTail)
		bHead, bTail = bHead[:cut], bHead[cut:]
	}
	if len(aHead) > len(bHead) || len(aTail) > len(bTail) {
		return false
	}
	for i, s := range aHead {
		if s.Kind == Literal && s != bHead[i] {
			return false
		}
	}
	for i := range aTail {
		if aTail[len(aTail)-1-i] != bTail[len(bTail)-1-i] {
			return false
		}
	}
	return true
}
