// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import "hash/maphash"

// verbID is a small number for a verb within one table.
type verbID uint32

const noVerb verbID = 0

// indexedChildren is the number of literal children from which a node has a hash index: below it, comparing one after
// another is faster.
const indexedChildren = 6

// node is one segment's position in the trie of templates. A path reaches a node in exactly one way, so a search
// visits each at most once.
//
// The nodes below multi are read backwards from the end of the path: multi itself stands for `**` at the end of
// a template, its literal children for the last segment after it, and so on.
//
// Nodes do not change once laid out (layout.go).
type node struct {
	literals []child // sorted by text
	index    []slot  // of literals, where they are many; its length is a power of two
	single   *node
	multi    *node
	endings  []ending // sorted by verb, then by method
}

// child is what follows a literal segment.
type child struct {
	text string
	node *node
}

// slot is an entry of an open-addressing hash index.
type slot struct {
	hash  uint32
	child uint32 // index in literals plus one; 0 is empty
}

// ending is a binding whose template ends at a node.
type ending struct {
	verb    verbID
	method  methodID
	binding *Binding
}

// childOf gives the node of a literal segment below n, or nil. It does not allocate for either form of text.
func childOf[T string | []byte](n *node, seed maphash.Seed, text T) *node {
	if n.index == nil {
		for i := range n.literals {
			if n.literals[i].text == string(text) {
				return n.literals[i].node
			}
		}
		return nil
	}
	hash := hashText(seed, text)
	mask := uint32(len(n.index) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := n.index[at]
		if s.child == 0 {
			return nil
		}
		if s.hash == hash && n.literals[s.child-1].text == string(text) {
			return n.literals[s.child-1].node
		}
	}
}

// hashText takes a seed so that nobody can write templates that collide.
func hashText[T string | []byte](seed maphash.Seed, text T) uint32 {
	return uint32(maphash.String(seed, string(text)))
}

// find gives the first ending for a verb and a method or a method behind it, and whether it is exactly that.
func (n *node) find(verb verbID, method methodID) (at int, exact bool) {
	low, high := 0, len(n.endings)
	for low < high {
		middle := int(uint(low+high) >> 1)
		e := &n.endings[middle]
		if e.verb < verb || e.verb == verb && e.method < method {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(n.endings) && n.endings[low].verb == verb && n.endings[low].method == method
}

// of gives the endings with a verb.
func (n *node) of(verb verbID) []ending {
	from, _ := n.find(verb, methodAny)
	to := from
	for to < len(n.endings) && n.endings[to].verb == verb {
		to++
	}
	return n.endings[from:to]
}

// cost bounds how many nodes of this tree one path can visit: of the literal children a path has at most one.
func (n *node) cost() int {
	worst := 0
	for i := range n.literals {
		worst = max(worst, n.literals[i].node.cost())
	}
	total := 1 + worst
	if n.single != nil {
		total += n.single.cost()
	}
	if n.multi != nil {
		total += n.multi.cost()
	}
	return total
}
