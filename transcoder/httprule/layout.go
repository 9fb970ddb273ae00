// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
)

// sprout is a node while the table is built.
type sprout struct {
	literals map[string]*sprout
	single   *sprout
	multi    *sprout
	endings  []ending
}

// grow gives the sprout at which a template ends, making what is missing on the way.
func (s *sprout) grow(t *Template) *sprout {
	for i, segment := range t.segments {
		switch segment.Kind {
		case Literal:
			s = s.literal(segment.Text)
		case Single:
			s = growAt(&s.single)
		case Multi:
			s = growAt(&s.multi)
			for j := len(t.segments) - 1; j > i; j-- {
				s = s.literal(t.segments[j].Text)
			}
			return s
		}
	}
	return s
}

func growAt(at **sprout) *sprout {
	if *at == nil {
		*at = &sprout{}
	}
	return *at
}

func (s *sprout) literal(text string) *sprout {
	next, ok := s.literals[text]
	if ok {
		return next
	}
	if s.literals == nil {
		s.literals = make(map[string]*sprout)
	}
	next = &sprout{}
	s.literals[text] = next
	return next
}

// insert adds a binding, or gives the one that holds its place.
func (s *sprout) insert(e ending) (holder *Binding) {
	for i := range s.endings {
		if s.endings[i].verb == e.verb && s.endings[i].method == e.method {
			return s.endings[i].binding
		}
	}
	s.endings = append(s.endings, e)
	return nil
}

// layout puts the nodes of a tree into few long slices, each branch in one piece. A search of a large table spends its
// time waiting for memory, so what it reads one after another lies side by side.
type layout struct {
	seed     maphash.Seed
	nodes    []node
	children []child
	slots    []slot
	endings  []ending
	texts    string
}

// layOut gives the tree in its final form.
func (s *sprout) layOut(seed maphash.Seed) *node {
	l := layout{seed: seed}
	var texts strings.Builder
	nodes, children, slots, endings := 0, 0, 0, 0
	s.walk(func(s *sprout) {
		nodes++
		children += len(s.literals)
		slots += indexSize(len(s.literals))
		endings += len(s.endings)
		for _, text := range slices.Sorted(maps.Keys(s.literals)) {
			texts.WriteString(text)
		}
	})
	l.nodes = make([]node, 0, nodes)
	l.children = make([]child, 0, children)
	l.slots = make([]slot, 0, slots)
	l.endings = make([]ending, 0, endings)
	l.texts = texts.String()
	return l.place(s)
}

// walk visits s and all below it in the order of the layout.
func (s *sprout) walk(visit func(*sprout)) {
	visit(s)
	for _, text := range slices.Sorted(maps.Keys(s.literals)) {
		s.literals[text].walk(visit)
	}
	for _, next := range []*sprout{s.single, s.multi} {
		if next != nil {
			next.walk(visit)
		}
	}
}

func (l *layout) place(s *sprout) *node {
	l.nodes = append(l.nodes, node{})
	n := &l.nodes[len(l.nodes)-1]
	n.endings = l.placeEndings(s.endings)
	texts := slices.Sorted(maps.Keys(s.literals))
	from := len(l.children)
	for _, text := range texts {
		l.children = append(l.children, child{text: l.texts[:len(text)]})
		l.texts = l.texts[len(text):]
	}
	n.literals = l.children[from:len(l.children):len(l.children)]
	n.index = l.placeIndex(n.literals)
	for i, text := range texts {
		n.literals[i].node = l.place(s.literals[text])
	}
	if s.single != nil {
		n.single = l.place(s.single)
	}
	if s.multi != nil {
		n.multi = l.place(s.multi)
	}
	return n
}

func (l *layout) placeEndings(endings []ending) []ending {
	from := len(l.endings)
	l.endings = append(l.endings, endings...)
	placed := l.endings[from:len(l.endings):len(l.endings)]
	slices.SortFunc(placed, func(a, b ending) int {
		return cmp.Or(cmp.Compare(a.verb, b.verb), cmp.Compare(a.method, b.method))
	})
	return placed
}

// indexSize is the number of slots for so many literals: a power of two, at most half full.
func indexSize(literals int) int {
	if literals < indexedChildren {
		return 0
	}
	size := 16
	for size < 2*literals {
		size *= 2
	}
	return size
}

func (l *layout) placeIndex(literals []child) []slot {
	size := indexSize(len(literals))
	if size == 0 {
		return nil
	}
	from := len(l.slots)
	l.slots = l.slots[:from+size]
	index := l.slots[from : from+size : from+size]
	mask := uint32(size - 1)
	for i := range literals {
		hash := hashText(l.seed, literals[i].text)
		at := hash & mask
		for index[at].child != 0 {
			at = (at + 1) & mask
		}
		index[at] = slot{hash: hash, child: uint32(i + 1)}
	}
	return index
}
